package dev.sluice.control;

import dev.sluice.neighbour.NextHop;
import dev.sluice.neighbour.TooBig;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpPrefix;
import dev.sluice.packet.Transport;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.RealServer;
import dev.sluice.service.Tunnel;
import dev.sluice.service.VirtualService;
import java.util.Optional;

/**
 * Tells which routers are to be believed that say that packets are too large: those that quote a packet as this director
 * encapsulates it, from one of its outer source addresses to a real server of method tun. Anyone can send such a message, but
 * not anyone knows what to quote; and what it can do is bounded by the least MTU that is ever taken over.
 */
final class PathMtuDiscovery {
    private final HopChoice choice;

    PathMtuDiscovery(HopChoice choice) {
        this.choice = choice;
    }

    /** Whether the quoted packet is one that a director with these services and next hops sends. */
    boolean believes(TooBig tooBig, SnapshotCompiler.Compiled compiled) {
        NextHop hop = compiled.nextHops().get(new Way(tooBig.destination(), ForwardingMethod.TUN));
        if (!(hop instanceof NextHop.Resolved resolved)) {
            return false;
        }
        Optional<IpPrefix> source = choice.source(resolved);
        if (source.isEmpty() || !source.get().contains(tooBig.source())) {
            return false;
        }
        for (VirtualService service : compiled.services()) {
            for (RealServer real : service.realServers()) {
                if (real.address().equals(tooBig.destination())
                        && real.tunnel() != null
                        && isOf(tooBig, real.tunnel(), service.key().family())) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean isOf(TooBig tooBig, Tunnel tunnel, AddressFamily inner) {
        return switch (tunnel.type()) {
            case IPIP -> tooBig.protocol() == (inner == AddressFamily.INET ? Transport.IPIP : Transport.IPV6);
            case GRE -> tooBig.protocol() == Transport.GRE;
            case GUE -> tooBig.protocol() == Transport.UDP && tooBig.destinationPort() == tunnel.port();
        };
    }
}
