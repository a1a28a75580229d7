package dev.sluice.control;

import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.neighbour.NextHop;
import dev.sluice.neighbour.NextHopResolver;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.schedule.SchedulerTable;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * Makes the snapshots that workers run under, out of the registry's services and what rtnetlink knows of the way to each
 * RIP.
 *
 * <p>Owned by: control thread, but for {@link #current}, which any thread may call.
 */
final class SnapshotCompiler {
    private final SchedulerParameters parameters;
    private final HopChoice choice;
    private volatile Compiled current = new Compiled(ForwardingSnapshot.empty(), List.of(), List.of(), Map.of());

    /**
     * A snapshot with what it was made of.
     *
     * @param snapshot what workers read
     * @param services the services in it
     * @param fwmarkRules the rules of firewall marks, those of marks without a service included
     * @param nextHops what is known of each way to a real server, as its method can use it
     */
    record Compiled(
            ForwardingSnapshot snapshot,
            List<VirtualService> services,
            List<FwmarkRule> fwmarkRules,
            Map<Way, NextHop> nextHops) {}

    /**
     * A compiler whose current snapshot is empty.
     *
     * @param parameters how scheduler tables are made
     * @param choice makes workers' hops
     */
    SnapshotCompiler(SchedulerParameters parameters, HopChoice choice) {
        this.parameters = parameters;
        this.choice = choice;
    }

    /** The latest. Any thread. */
    Compiled current() {
        return current;
    }

    /** Whether packets can take a way under the latest snapshot. */
    boolean isUsable(Way way) {
        return current.nextHops().get(way) instanceof NextHop.Resolved;
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
        Map<Way, NextHop> hops = nextHops(services, resolver);
        for (VirtualService service : services) {
            SchedulerTable table = registry.isAdded(service.id()) ? null : before.table(service.id());
            if (table == null || registry.isRescheduled(service.id())) {
                builder.add(service, table, parameters);
            } else {
                builder.add(service, table);
            }
            for (RealServer real : service.realServers()) {
                builder.nextHops(real.id(), choice.hops(real, hops.get(Way.of(real))));
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
        Map<Way, NextHop> hops = nextHops(before.services(), resolver);
        current = new Compiled(
                before.snapshot()
                        .withNextHops(before.snapshot().generation() + 1, hopsByRealServer(before.services(), hops)),
                before.services(),
                before.fwmarkRules(),
                hops);
        return current;
    }

    private IntFunction<List<dev.sluice.forward.NextHop>> hopsByRealServer(
            List<VirtualService> services, Map<Way, NextHop> hops) {
        Map<Integer, List<dev.sluice.forward.NextHop>> byRealServer = new HashMap<>();
        for (VirtualService service : services) {
            for (RealServer real : service.realServers()) {
                byRealServer.put(real.id(), choice.hops(real, hops.get(Way.of(real))));
            }
        }
        return id -> byRealServer.getOrDefault(id, List.of());
    }

    private Map<Way, NextHop> nextHops(List<VirtualService> services, NextHopResolver resolver) {
        Map<Way, NextHop> hops = new HashMap<>();
        for (VirtualService service : services) {
            for (RealServer real : service.realServers()) {
                hops.computeIfAbsent(Way.of(real), way -> choice.usable(way, resolver.nextHop(way.rip())));
            }
        }
        return Map.copyOf(hops);
    }
}
