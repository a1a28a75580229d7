package dev.sluice.forward;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where packets to any address go, such as a NAT service's replies to its clients: the kernel's routes, looked up by the longest
 * prefix. Immutable, in arrays, because workers read it per packet.
 *
 * <p>A route's number stands for a way, not for a prefix: all prefixes with the same gateways and MTU have one. It means nothing
 * outside its table.
 */
public final class RouteTable {
    /** No route leads there. */
    public static final int NONE = -1;

    /** Without any route. */
    public static final RouteTable EMPTY = new RouteTable(RouteRanges.EMPTY, List.of());

    private static final int NO_PORT = -1;

    private final RouteRanges ranges;
    private final HopTable hops;

    // By route; the port is NO_PORT unless the route is on-link.
    private final int[] onLinkPort;
    private final int[] onLinkMtuBytes;
    private final int[] onLinkVlan;
    private final long[] onLinkSourceMac;

    /** The way that a route's packets go. */
    public sealed interface Way permits OnLink, ByGateways {}

    /**
     * The destinations are on the link.
     *
     * @param egressPort the worker's port (interface) number
     * @param sourceMac the egress interface's MAC address, 48 bits
     * @param mtuBytes the largest IP packet that the way takes
     * @param vlan the VLAN in which frames leave, as in {@link NextHop}
     */
    public record OnLink(int egressPort, long sourceMac, int mtuBytes, int vlan) implements Way {}

    /**
     * Packets go to one of several gateways of equal cost, by their flow.
     *
     * @param hops as often as their shares are; none while no gateway can be reached
     */
    public record ByGateways(List<NextHop> hops) implements Way {}

    /**
     * A table.
     *
     * @param ranges whose numbers lie below the number of ways
     * @param ways by number
     */
    public RouteTable(RouteRanges ranges, List<? extends Way> ways) {
        this.ranges = ranges;
        int count = ways.size();
        onLinkPort = new int[count];
        onLinkMtuBytes = new int[count];
        onLinkVlan = new int[count];
        onLinkSourceMac = new long[count];
        for (int route = 0; route < count; route++) {
            onLinkPort[route] = NO_PORT;
            if (ways.get(route) instanceof OnLink link) {
                onLinkPort[route] = link.egressPort;
                onLinkMtuBytes[route] = link.mtuBytes;
                onLinkVlan[route] = link.vlan;
                onLinkSourceMac[route] = link.sourceMac;
            }
        }
        hops = new HopTable(count, route -> ways.get(route) instanceof ByGateways gateways ? gateways.hops : List.of());
    }

    /**
     * The route to an address, by the longest prefix; {@link #NONE} where no route leads, a route discards, or the address is the
     * director's own.
     *
     * @param inet6 the address's family
     * @param high the first eight bytes of an IPv6 address; of no matter for IPv4
     * @param low the last eight bytes, or the IPv4 address as an unsigned number
     */
    public int find(boolean inet6, long high, long low) {
        return inet6 ? ranges.findInet6(high, low) : ranges.findInet((int) low);
    }

    /** Whether the destinations of a route are on the link: their stations get the frames themselves. */
    public boolean isOnLink(int route) {
        return onLinkPort[route] != NO_PORT;
    }

    /** The worker's port (interface) by which packets of an on-link route leave. */
    public int onLinkPort(int route) {
        return onLinkPort[route];
    }

    /** The largest IP packet that an on-link route takes. */
    public int onLinkMtuBytes(int route) {
        return onLinkMtuBytes[route];
    }

    /** The MAC address that frames of an on-link route leave with, 48 bits, first octet most significant. */
    public long onLinkSourceMac(int route) {
        return onLinkSourceMac[route];
    }

    /** The VLAN in which frames of an on-link route leave, as in {@link NextHop}. */
    public int onLinkVlan(int route) {
        return onLinkVlan[route];
    }

    /** The gateways, by route; none for routes that are on-link or whose gateways cannot be reached. */
    HopTable hops() {
        return hops;
    }

    /** The hop that a flow takes by a route, null when there is none. For those who look at tables; allocates. */
    public @Nullable NextHop nextHop(int route, long hash) {
        int hop = hops.of(route, hash);
        if (hop == HopTable.NONE) {
            return null;
        }
        long head = hops.macHead(hop);
        return new NextHop(
                hops.egressPort(hop),
                head >>> 16,
                (head & 0xffff) << 32 | Integer.toUnsignedLong(hops.macTail(hop)),
                hops.mtuBytes(hop),
                hops.vlan(hop),
                null);
    }

    /** How many ranges of addresses the routes make, of both families. */
    public int ranges() {
        return ranges.size();
    }

    /** How many routes there are that differ in more than their destinations. */
    public int routes() {
        return onLinkPort.length;
    }
}
