package dev.sluice.control;

import dev.sluice.control.config.TunnelConfig;
import dev.sluice.forward.NextHop;
import dev.sluice.neighbour.NextHop.Path;
import dev.sluice.neighbour.NextHop.Reason;
import dev.sluice.neighbour.NextHop.Resolved;
import dev.sluice.neighbour.NextHop.Unresolved;
import dev.sluice.neighbour.PathShares;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.RealServer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Makes the hops that workers use out of what rtnetlink knows of the way to a real server: its port, VLAN and outer source
 * address, and paths of equal cost by their weights. Immutable.
 */
final class HopChoice {
    private final List<String> interfaces;
    private final TunnelConfig tunnel;

    /**
     * @param interfaces the director's, in the order of the workers' ports
     * @param tunnel outer source addresses
     */
    HopChoice(List<String> interfaces, TunnelConfig tunnel) {
        this.interfaces = List.copyOf(interfaces);
        this.tunnel = tunnel;
    }

    /** What a way can use of the next hops to its RIP: unresolved where packets cannot take it. */
    dev.sluice.neighbour.NextHop usable(Way way, dev.sluice.neighbour.NextHop hop) {
        dev.sluice.neighbour.NextHop usable = way.through(hop);
        if (way.method() != ForwardingMethod.TUN
                || !(usable instanceof Resolved resolved)
                || source(resolved).isPresent()) {
            return usable;
        }
        boolean inet = way.rip().family() == AddressFamily.INET;
        return new Unresolved(
                way.rip(),
                Reason.NO_SOURCE,
                "the director has no " + (inet ? "IPv4" : "IPv6") + " address to encapsulate from towards " + way.rip()
                        + ": give " + resolved.paths().getFirst().interfaceName() + " one, or set director.tunnel."
                        + (inet ? "source_ipv4" : "source_ipv6"),
                resolved.gateway());
    }

    /** The outer source addresses of packets to a RIP; empty when there is none of its family. */
    Optional<IpPrefix> source(Resolved resolved) {
        return tunnel.source(resolved.rip().family())
                .or(() -> Optional.ofNullable(resolved.preferredSource())
                        .filter(preferred ->
                                preferred.family() == resolved.rip().family())
                        .map(HopChoice::single));
    }

    private static IpPrefix single(IpAddress address) {
        return new IpPrefix(address, address.family().addressBits());
    }

    /**
     * What workers need of a real server's next hops; nothing while they are unresolved.
     *
     * @param hop what {@link #usable} made of them
     */
    List<NextHop> hops(RealServer real, dev.sluice.neighbour.@Nullable NextHop hop) {
        if (!(hop instanceof Resolved resolved)) {
            return List.of();
        }
        IpPrefix source =
                real.method() == ForwardingMethod.TUN ? source(resolved).orElse(null) : null;
        List<NextHop> hops = new ArrayList<>();
        int[] times = PathShares.repetitions(
                resolved.paths().stream().mapToInt(Path::weight).toArray());
        for (int i = 0; i < times.length; i++) {
            Path path = resolved.paths().get(i);
            int port = interfaces.indexOf(path.interfaceName());
            if (port >= 0) {
                NextHop one = new NextHop(
                        port, path.destinationMac(), path.sourceMac(), path.mtuBytes(), vlan(real, path), source);
                for (int time = 0; time < times[i]; time++) {
                    hops.add(one);
                }
            }
        }
        return hops;
    }

    private static int vlan(RealServer real, Path path) {
        if (real.vlan() != RealServer.VLAN_KEEP) {
            return real.vlan();
        }
        if (path.vlan() != Path.NO_VLAN) {
            return path.vlan();
        }
        // Translation routes from one network to another: the client's tags mean nothing there.
        return real.method().isTranslation() ? RealServer.VLAN_NONE : RealServer.VLAN_KEEP;
    }
}
