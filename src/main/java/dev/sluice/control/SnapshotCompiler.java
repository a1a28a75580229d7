package dev.sluice.control;

import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.forward.NextHop;
import dev.sluice.neighbour.NextHopResolver;
import dev.sluice.packet.IpAddress;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes the snapshots that workers run under, out of the registry's services and what rtnetlink knows of the way to each
 * RIP.
 *
 * <p>Owned by: control thread, but for {@link #current}, which any thread may call.
 */
final class SnapshotCompiler {
    private final List<String> interfaces;
    private final SchedulerParameters parameters;
    private volatile Compiled current = new Compiled(ForwardingSnapshot.empty(), List.of(), Map.of());

    /**
     * A snapshot with what it was made of.
     *
     * @param snapshot what workers read
     * @param services the services in it
     * @param nextHops what is known of the way to each RIP
     */
    record Compiled(
            ForwardingSnapshot snapshot,
            List<VirtualService> services,
            Map<IpAddress, dev.sluice.neighbour.NextHop> nextHops) {
        /** The way to a RIP in words. */
        String nextHopText(IpAddress rip) {
            dev.sluice.neighbour.NextHop hop = nextHops.get(rip);
            return hop == null ? "unknown" : hop.describe();
        }
    }

    /**
     * A compiler whose current snapshot is empty.
     *
     * @param interfaces the director's, in the order of the workers' ports
     * @param parameters how scheduler tables are made
     */
    SnapshotCompiler(List<String> interfaces, SchedulerParameters parameters) {
        this.interfaces = List.copyOf(interfaces);
        this.parameters = parameters;
    }

    /** The latest. Any thread. */
    Compiled current() {
        return current;
    }

    /** Whether packets for a RIP can be forwarded under the latest snapshot. */
    boolean isUsable(IpAddress rip) {
        return toForwarding(current.nextHops().get(rip)) != null;
    }

    /** A snapshot of these services; builds their scheduler tables. */
    Compiled compile(List<VirtualService> services, NextHopResolver resolver) {
        Compiled before = current;
        ForwardingSnapshot.Builder builder =
                new ForwardingSnapshot.Builder(before.snapshot().generation() + 1);
        Map<IpAddress, dev.sluice.neighbour.NextHop> hops = nextHops(services, resolver);
        for (VirtualService service : services) {
            builder.add(service, before.snapshot().table(service.id()), parameters);
            for (RealServer real : service.realServers()) {
                builder.nextHop(real.id(), toForwarding(hops.get(real.address())));
            }
        }
        current = new Compiled(builder.build(), List.copyOf(services), hops);
        return current;
    }

    /** The current services with the next hops of now. */
    Compiled recompileNextHops(NextHopResolver resolver) {
        Compiled before = current;
        Map<IpAddress, dev.sluice.neighbour.NextHop> hops = nextHops(before.services(), resolver);
        Map<Integer, NextHop> byRealServer = new HashMap<>();
        for (VirtualService service : before.services()) {
            for (RealServer real : service.realServers()) {
                NextHop hop = toForwarding(hops.get(real.address()));
                if (hop != null) {
                    byRealServer.put(real.id(), hop);
                }
            }
        }
        current = new Compiled(
                before.snapshot().withNextHops(before.snapshot().generation() + 1, byRealServer::get),
                before.services(),
                hops);
        return current;
    }

    private static Map<IpAddress, dev.sluice.neighbour.NextHop> nextHops(
            List<VirtualService> services, NextHopResolver resolver) {
        Map<IpAddress, dev.sluice.neighbour.NextHop> hops = new HashMap<>();
        for (VirtualService service : services) {
            for (RealServer real : service.realServers()) {
                // Direct routing is the only method so far, and it cannot use a router in between.
                hops.computeIfAbsent(
                        real.address(), rip -> resolver.nextHop(rip).onLinkOnly());
            }
        }
        return Map.copyOf(hops);
    }

    /** What workers need of a next hop; null where direct routing cannot use it. */
    private @Nullable NextHop toForwarding(dev.sluice.neighbour.@Nullable NextHop hop) {
        if (!(hop instanceof dev.sluice.neighbour.NextHop.Resolved resolved)) {
            return null;
        }
        int port = interfaces.indexOf(resolved.interfaceName());
        return port < 0
                ? null
                : new NextHop(port, resolved.destinationMac(), resolved.sourceMac(), resolved.mtuBytes());
    }
}
