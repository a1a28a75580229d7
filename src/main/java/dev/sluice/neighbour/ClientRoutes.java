package dev.sluice.neighbour;

import dev.sluice.forward.RouteTable;
import dev.sluice.service.RealServer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Routes to any address, for what NAT services answer to clients: the kernel's routing tables as its policy rules have them asked
 * for a packet of no mark and no particular source, and the gateways therein, which are resolved as real servers are.
 *
 * <p>Followed only on demand: a director that has no need of it opens no socket and reads no table.
 *
 * <p>Owned by: control thread. Works in the network namespace of the thread that calls {@link #follow}.
 */
public final class ClientRoutes implements AutoCloseable {
    /** How many routes are followed at the most, of all tables and both families. */
    public static final int MAX_ROUTES = RouteFeed.MAX_ROUTES;

    /** No descriptor; poll(2) passes over it. */
    private static final int NO_FD = -1;

    private final NextHopResolver resolver;
    private @Nullable RouteFeed feed;
    private Map<NeighbourEntry.Key, NextHop> gateways = Map.of();

    /**
     * Routes that are not followed yet.
     *
     * @param resolver keeps the gateways' MAC addresses, and knows the director's interfaces
     */
    public ClientRoutes(NextHopResolver resolver) {
        this.resolver = resolver;
    }

    /**
     * Begins to follow routes, if that is not done yet; {@link #process} reads them.
     *
     * @throws dev.sluice.ffi.NativeException when the kernel refuses a netlink socket
     */
    public void follow() {
        if (feed == null) {
            feed = new RouteFeed();
        }
    }

    /** Follows routes no more; there are none then. */
    @Override
    public void close() {
        RouteFeed open = feed;
        if (open != null) {
            feed = null;
            gateways.keySet().forEach(resolver::unwatchGateway);
            gateways = Map.of();
            open.close();
        }
    }

    /** To be polled for {@code POLLIN}; -1 while routes are not followed. */
    public int fd() {
        return feed == null ? NO_FD : feed.fd();
    }

    /** Whether routes are followed, but not all of them read or a gateway just being asked for its MAC address. */
    public boolean isResolving() {
        return feed != null
                && (!feed.isRead()
                        || gateways.keySet().stream()
                                .anyMatch(key -> resolver.gateway(key) instanceof NextHop.Unresolved unresolved
                                        && unresolved.reason() == NextHop.Reason.RESOLVING));
    }

    /**
     * Takes in what changed in the tables. What changes of gateways is the resolver's to tell.
     *
     * @param nowMs milliseconds of a monotonic clock, the resolver's
     * @return whether the routes are others than before
     */
    public boolean process(long nowMs) {
        if (feed == null || !feed.process(nowMs)) {
            return false;
        }
        Map<NeighbourEntry.Key, NextHop> current = new LinkedHashMap<>();
        for (RouteWay way : feed.ways()) {
            for (Route.Leg leg : way.legs()) {
                NeighbourEntry.Key key = key(leg);
                if (key != null) {
                    resolver.watchGateway(key);
                    current.put(key, resolver.gateway(key));
                }
            }
        }
        for (NeighbourEntry.Key before : gateways.keySet()) {
            if (!current.containsKey(before)) {
                resolver.unwatchGateway(before);
            }
        }
        gateways = current;
        return true;
    }

    /** How long the owner may poll before it calls {@link #process} again without a notification. */
    public int pollTimeoutMs(long nowMs) {
        if (feed == null) {
            return Integer.MAX_VALUE;
        }
        long nextMs = feed.nextMs();
        return nextMs <= nowMs ? 0 : (int) Math.min(nextMs - nowMs, Integer.MAX_VALUE);
    }

    /** Whether the kernel has more routes than are followed; those of before are used then. */
    public boolean hasTooMany() {
        return feed != null && feed.hasTooMany();
    }

    /** What is known of each gateway. */
    public Collection<NextHop> gateways() {
        return gateways.keySet().stream().map(resolver::gateway).toList();
    }

    /** The routes as workers read them, with what is known of the gateways and links now. */
    public RouteTable table() {
        if (feed == null) {
            return RouteTable.EMPTY;
        }
        return new RouteTable(feed.ranges(), feed.ways().stream().map(this::way).toList());
    }

    private RouteTable.Way way(RouteWay way) {
        List<NextHop.Path> paths = new ArrayList<>();
        boolean onLink = false;
        for (Route.Leg leg : way.legs()) {
            NeighbourEntry.Key key = key(leg);
            if (key == null) {
                onLink = true;
            } else if (resolver.gateway(key) instanceof NextHop.Resolved resolved) {
                paths.addAll(resolved.paths().stream()
                        .map(path -> path.withWeight(leg.weight()))
                        .toList());
            }
        }
        // Of a route that is on-link on one way and not on another, those through gateways are used.
        if (paths.isEmpty() && onLink) {
            for (Route.Leg leg : way.legs()) {
                Egress egress =
                        leg.gateway() == null ? resolver.egress(leg.ifindex()).orElse(null) : null;
                if (egress != null) {
                    return new RouteTable.OnLink(
                            resolver.port(egress.interfaceName()),
                            egress.sourceMac(),
                            mtuBytes(way, egress.mtuBytes()),
                            vlan(egress.vlan()));
                }
            }
        }
        return new RouteTable.ByGateways(hops(way, paths));
    }

    private List<dev.sluice.forward.NextHop> hops(RouteWay way, List<NextHop.Path> paths) {
        int[] times = PathShares.repetitions(
                paths.stream().mapToInt(NextHop.Path::weight).toArray());
        List<dev.sluice.forward.NextHop> hops = new ArrayList<>();
        for (int i = 0; i < times.length; i++) {
            NextHop.Path path = paths.get(i);
            dev.sluice.forward.NextHop hop = new dev.sluice.forward.NextHop(
                    resolver.port(path.interfaceName()),
                    path.destinationMac(),
                    path.sourceMac(),
                    mtuBytes(way, path.mtuBytes()),
                    vlan(path.vlan()),
                    null);
            for (int time = 0; time < times[i]; time++) {
                hops.add(hop);
            }
        }
        return hops;
    }

    private static int mtuBytes(RouteWay way, int interfaceMtuBytes) {
        return way.mtuBytes() > 0 ? Math.min(way.mtuBytes(), interfaceMtuBytes) : interfaceMtuBytes;
    }

    /** Tags are the route's, not those that a packet of a real server came with. */
    private static int vlan(int vlan) {
        return vlan == NextHop.Path.NO_VLAN ? RealServer.VLAN_NONE : vlan;
    }

    private static NeighbourEntry.@Nullable Key key(Route.Leg leg) {
        return leg.gateway() == null ? null : new NeighbourEntry.Key(leg.ifindex(), leg.gateway());
    }
}
