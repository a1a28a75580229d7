package dev.sluice.control;

import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.forward.NextHop;
import dev.sluice.neighbour.NextHopResolver;
import dev.sluice.packet.IpAddress;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.schedule.SchedulerTable;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
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
    private volatile Compiled current = new Compiled(ForwardingSnapshot.empty(), List.of(), List.of(), Map.of());

    /**
     * A snapshot with what it was made of.
     *
     * @param snapshot what workers read
     * @param services the services in it
     * @param fwmarkRules the rules of firewall marks, those of marks without a service included
     * @param nextHops what is known of the way to each RIP
     */
    record Compiled(
            ForwardingSnapshot snapshot,
            List<VirtualService> services,
            List<FwmarkRule> fwmarkRules,
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
        return !toForwarding(current.nextHops().get(rip)).isEmpty();
    }

    /**
     * A snapshot of a registry, which is not the current one yet. Scheduler tables of services to which nothing happened are
     * taken over from the current one.
     *
     * @param registry a copy, with the changes made since the current snapshot
     * @param resolver watches all its RIPs
     */
    Compiled compile(Registry registry, NextHopResolver resolver) {
        ForwardingSnapshot before = current.snapshot();
        ForwardingSnapshot.Builder builder =
                new ForwardingSnapshot.Builder(before.generation() + 1).fwmarkRules(registry.fwmarkRules());
        List<VirtualService> services = registry.services();
        Map<IpAddress, dev.sluice.neighbour.NextHop> hops = nextHops(services, resolver);
        for (VirtualService service : services) {
            SchedulerTable table = registry.isAdded(service.id()) ? null : before.table(service.id());
            if (table == null || registry.isRescheduled(service.id())) {
                builder.add(service, table, parameters);
            } else {
                builder.add(service, table);
            }
            for (RealServer real : service.realServers()) {
                builder.nextHops(real.id(), toForwarding(hops.get(real.address())));
            }
        }
        return new Compiled(builder.build(), services, registry.fwmarkRules(), hops);
    }

    /** Makes a compiled one current: it is about to be published. */
    void makeCurrent(Compiled compiled) {
        current = compiled;
    }

    /**
     * What a compiled snapshot held, under a new generation: to publish it again.
     *
     * @param earlier which need not be the latest
     */
    Compiled again(Compiled earlier) {
        return new Compiled(
                earlier.snapshot()
                        .withNextHops(
                                current.snapshot().generation() + 1,
                                hopsByRealServer(earlier.services(), earlier.nextHops())),
                earlier.services(),
                earlier.fwmarkRules(),
                earlier.nextHops());
    }

    /** The current services with the next hops of now. */
    Compiled recompileNextHops(NextHopResolver resolver) {
        Compiled before = current;
        Map<IpAddress, dev.sluice.neighbour.NextHop> hops = nextHops(before.services(), resolver);
        current = new Compiled(
                before.snapshot()
                        .withNextHops(before.snapshot().generation() + 1, hopsByRealServer(before.services(), hops)),
                before.services(),
                before.fwmarkRules(),
                hops);
        return current;
    }

    private IntFunction<List<NextHop>> hopsByRealServer(
            List<VirtualService> services, Map<IpAddress, dev.sluice.neighbour.NextHop> hops) {
        Map<Integer, List<NextHop>> byRealServer = new HashMap<>();
        for (VirtualService service : services) {
            for (RealServer real : service.realServers()) {
                byRealServer.put(real.id(), toForwarding(hops.get(real.address())));
            }
        }
        return id -> byRealServer.getOrDefault(id, List.of());
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

    /** What workers need of a next hop; nothing where direct routing cannot use it. */
    private List<NextHop> toForwarding(dev.sluice.neighbour.@Nullable NextHop hop) {
        if (!(hop instanceof dev.sluice.neighbour.NextHop.Resolved resolved)) {
            return List.of();
        }
        int port = interfaces.indexOf(resolved.interfaceName());
        return port < 0
                ? List.of()
                : List.of(new NextHop(port, resolved.destinationMac(), resolved.sourceMac(), resolved.mtuBytes()));
    }
}
