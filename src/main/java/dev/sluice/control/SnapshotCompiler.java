package dev.sluice.control;

import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.forward.RouteTable;
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
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Makes the snapshots that workers run under, out of the registry's services and what rtnetlink knows of the way to each
 * RIP.
 *
 * <p>Owned by: control thread, but for {@link #current}, which any thread may call.
 */
final class SnapshotCompiler {
    private final SchedulerParameters parameters;
    private final HopChoice choice;
    private RouteTable routes = RouteTable.EMPTY;
    private volatile Compiled current =
            new Compiled(ForwardingSnapshot.empty(), List.of(), List.of(), Map.of(), List.of());

    /**
     * A snapshot with what it was made of.
     *
     * @param snapshot what workers read
     * @param services the services in it: what health leaves of the configured ones
     * @param fwmarkRules the rules of firewall marks, those of marks without a service included
     * @param nextHops what is known of each way to a real server, as its method can use it; those to real servers that
     *     are not in service included
     * @param states the services as they are configured, with what health makes of them
     */
    record Compiled(
            ForwardingSnapshot snapshot,
            List<VirtualService> services,
            List<FwmarkRule> fwmarkRules,
            Map<Way, NextHop> nextHops,
            List<ServiceState> states) {
        /** The same when nothing but what is said of quorums is another. */
        Compiled withStates(List<ServiceState> others) {
            return new Compiled(snapshot, services, fwmarkRules, nextHops, others);
        }
    }

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

    /** Sets the routes to clients that snapshots have from now on. */
    void setRoutes(RouteTable table) {
        routes = table;
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
     * @param overlay what health makes of it
     * @param resolver watches all its RIPs
     */
    Compiled compile(Registry registry, Overlay overlay, NextHopResolver resolver) {
        ForwardingSnapshot before = current.snapshot();
        Map<Integer, VirtualService> servicesBefore =
                current.services().stream().collect(Collectors.toMap(VirtualService::id, Function.identity()));
        ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(before.generation() + 1)
                .fwmarkRules(registry.fwmarkRules())
                .routes(routes);
        List<ServiceState> states = overlay.states(registry);
        List<VirtualService> services =
                states.stream().map(ServiceState::effective).toList();
        Map<Way, NextHop> hops = nextHops(registry.ways(), resolver);
        for (VirtualService service : services) {
            SchedulerTable table = registry.isAdded(service.id()) ? null : before.table(service.id());
            if (table == null
                    || registry.isRescheduled(service.id())
                    || hasOtherRealServers(service, servicesBefore.get(service.id()))) {
                builder.add(service, table, parameters);
            } else {
                builder.add(service, table);
            }
            for (RealServer real : service.realServers()) {
                builder.nextHops(real.id(), choice.hops(real, hops.get(Way.of(real))));
            }
        }
        return new Compiled(builder.build(), services, registry.fwmarkRules(), hops, states);
    }

    /** As after {@code ipvsadm -a}, {@code -e} or {@code -d}, whoever it is that makes real servers come and go. */
    private static boolean hasOtherRealServers(VirtualService service, @Nullable VirtualService before) {
        return before == null || !service.realServers().equals(before.realServers());
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
        long generation = current.snapshot().generation() + 1;
        return new Compiled(
                earlier.snapshot()
                        .withNextHops(generation, hopsByRealServer(earlier.services(), earlier.nextHops()))
                        .withRoutes(generation, routes),
                earlier.services(),
                earlier.fwmarkRules(),
                earlier.nextHops(),
                earlier.states());
    }

    /** The current services with the routes of now. */
    Compiled recompileRoutes() {
        Compiled before = current;
        long generation = before.snapshot().generation() + 1;
        current = new Compiled(
                before.snapshot().withRoutes(generation, routes),
                before.services(),
                before.fwmarkRules(),
                before.nextHops(),
                before.states());
        return current;
    }

    /** The current services with the next hops and routes of now. */
    Compiled recompileNextHops(NextHopResolver resolver) {
        Compiled before = current;
        long generation = before.snapshot().generation() + 1;
        Map<Way, NextHop> hops = nextHops(before.nextHops().keySet(), resolver);
        current = new Compiled(
                before.snapshot()
                        .withNextHops(generation, hopsByRealServer(before.services(), hops))
                        .withRoutes(generation, routes),
                before.services(),
                before.fwmarkRules(),
                hops,
                before.states());
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

    private Map<Way, NextHop> nextHops(Set<Way> ways, NextHopResolver resolver) {
        return ways.stream()
                .collect(Collectors.toUnmodifiableMap(
                        Function.identity(), way -> choice.usable(way, resolver.nextHop(way.rip()))));
    }
}
