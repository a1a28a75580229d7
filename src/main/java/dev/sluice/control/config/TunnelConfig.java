package dev.sluice.control.config;

import dev.sluice.forward.PacketPolicy;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpPrefix;
import java.util.Optional;

/**
 * The table {@code [director.tunnel]}: the outer headers of encapsulated packets.
 *
 * @param ttl TTL or hop limit of outer headers, 1–255, or {@link PacketPolicy#INHERIT}
 * @param sourceIpv4 the outer source address towards IPv4 RIPs, or several; empty: what the kernel's route prefers
 * @param sourceIpv6 the same towards IPv6 RIPs
 * @param pmtuDisc whether the outer IPv4 header takes over the inner packet's DF
 * @param fragment which packet is fragmented where one is too large and may be
 */
public record TunnelConfig(
        int ttl,
        Optional<IpPrefix> sourceIpv4,
        Optional<IpPrefix> sourceIpv6,
        boolean pmtuDisc,
        FragmentMode fragment) {
    /** What holds without the table. */
    public static final TunnelConfig DEFAULT =
            new TunnelConfig(PacketPolicy.INHERIT, Optional.empty(), Optional.empty(), true, FragmentMode.OUTER);

    /** The outer source addresses towards RIPs of a family; empty: what the kernel's route prefers. */
    public Optional<IpPrefix> source(AddressFamily family) {
        return family == AddressFamily.INET ? sourceIpv4 : sourceIpv6;
    }
}
