package dev.sluice.control.config;

import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Which addresses can be balanced or forwarded to. Any thread. */
public final class AddressRules {
    /** What is allowed, for messages. */
    public static final String UNICAST = "a unicast address other machines can reach";

    private static final Map<IpPrefix, String> SPECIAL = new LinkedHashMap<>();

    static {
        special("0.0.0.0/32", "the unspecified address");
        special("127.0.0.0/8", "a loopback address");
        special("224.0.0.0/4", "a multicast address");
        special("255.255.255.255/32", "the broadcast address");
        special("::/128", "the unspecified address");
        special("::1/128", "a loopback address");
        special("ff00::/8", "a multicast address");
        special("fe80::/10", "a link-local address");
        // RFC 4291 section 2.5.5.2; never on the wire.
        special("::ffff:0.0.0.0/96", "an IPv4-mapped IPv6 address");
    }

    /** What IPVS refuses of a real server: what its routing table calls broadcast or multicast, or no unicast of IPv6. */
    private static final Map<IpPrefix, String> NEVER = new LinkedHashMap<>();

    static {
        NEVER.put(IpPrefix.parse("0.0.0.0/8"), "of this network, which is broadcast to");
        for (String prefix : new String[] {"224.0.0.0/4", "255.255.255.255/32", "::/128", "ff00::/8", "fe80::/10"}) {
            NEVER.put(IpPrefix.parse(prefix), Objects.requireNonNull(SPECIAL.get(IpPrefix.parse(prefix))));
        }
    }

    private AddressRules() {}

    private static void special(String prefix, String kind) {
        SPECIAL.put(IpPrefix.parse(prefix), kind);
    }

    /** What kind of address it is when it can be neither VIP nor RIP; empty when it can. */
    public static Optional<String> notUnicast(IpAddress address) {
        return SPECIAL.entrySet().stream()
                .filter(special -> special.getKey().contains(address))
                .map(Map.Entry::getValue)
                .findFirst();
    }

    /** What kind of address it is when nobody can forward to it, whatever the method; empty when somebody may. */
    public static Optional<String> notForwardable(IpAddress address) {
        return NEVER.entrySet().stream()
                .filter(special -> special.getKey().contains(address))
                .map(Map.Entry::getValue)
                .findFirst();
    }

    /** The first kind of such addresses that a prefix has among its own; empty when there is none. */
    static Optional<String> notUnicast(IpPrefix prefix) {
        return SPECIAL.entrySet().stream()
                .filter(special -> special.getKey().contains(prefix.address())
                        || prefix.contains(special.getKey().address()))
                .map(Map.Entry::getValue)
                .findFirst();
    }
}
