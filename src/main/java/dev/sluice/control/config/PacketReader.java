package dev.sluice.control.config;

import dev.sluice.forward.PacketPolicy;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpPrefix;
import java.util.Optional;

/** Reads what {@code [director]} says of packets on their way through, and its table {@code [director.tunnel]}. */
final class PacketReader {
    private static final int MAX_ICMP_RATE = 1_000_000;
    private static final int MAX_TTL = 255;
    private static final String TTL = "\"inherit\", or an integer 1-" + MAX_TTL;

    private final TableReader table;

    PacketReader(TableReader table) {
        this.table = table;
    }

    PacketConfig read() {
        return new PacketConfig(
                table.choice("ttl", TtlMode.class, TtlMode::keyword, TtlMode.DECREMENT),
                table.choice("icmp_echo", EchoMode.class, EchoMode::keyword, EchoMode.KERNEL),
                table.integer("icmp_rate_limit", 0, MAX_ICMP_RATE, PacketPolicy.DEFAULT.icmpErrorsPerSecond()));
    }

    TunnelConfig tunnel() {
        Optional<TableReader> found = table.table("tunnel", "[director.tunnel]");
        if (found.isEmpty()) {
            return TunnelConfig.DEFAULT;
        }
        TableReader reader = found.get();
        TunnelConfig tunnel = new TunnelConfig(
                ttl(reader),
                source(reader, "source_ipv4", AddressFamily.INET, "\"10.0.0.1\", \"10.0.0.16/28\""),
                source(reader, "source_ipv6", AddressFamily.INET6, "\"2001:db8::1\", \"2001:db8:0:1::/64\""),
                reader.flag("pmtu_disc", true),
                reader.choice("fragment", FragmentMode.class, FragmentMode::keyword, FragmentMode.OUTER));
        reader.finish();
        return tunnel;
    }

    private static int ttl(TableReader reader) {
        Object value = reader.value("ttl");
        if (value == null || value.equals("inherit")) {
            return PacketPolicy.INHERIT;
        }
        return reader.integer("ttl", 1, MAX_TTL, PacketPolicy.INHERIT, TTL);
    }

    private static Optional<IpPrefix> source(TableReader reader, String key, AddressFamily family, String allowed) {
        String value = reader.text(key, allowed);
        if (value == null) {
            return Optional.empty();
        }
        IpPrefix prefix;
        try {
            prefix = IpPrefix.parse(value);
        } catch (IllegalArgumentException e) {
            reader.wrong(key, "is no address or prefix (" + e.getMessage() + ")", allowed);
            return Optional.empty();
        }
        if (prefix.address().family() != family) {
            reader.wrong(key, "is of the other family", allowed);
            return Optional.empty();
        }
        Optional<String> kind = AddressRules.notUnicast(prefix);
        if (kind.isPresent()) {
            reader.wrong(
                    key,
                    (prefix.length() == family.addressBits() ? "is " : "contains ") + kind.get(),
                    AddressRules.UNICAST);
            return Optional.empty();
        }
        return Optional.of(prefix);
    }
}
