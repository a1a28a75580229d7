package dev.sluice.neighbour;

import dev.sluice.ffi.generated.Native;
import dev.sluice.forward.RangeList;
import dev.sluice.packet.IpAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Numbers the ways of routes, so that a million routes through a hundred gateways have a hundred of them.
 *
 * <p>Owned by: control thread.
 */
final class RouteWays {
    /** A power of two. */
    private static final int CACHED = 1024;

    private final Map<Integer, NexthopObject> objects;
    private final Map<RouteWay, Integer> numbers = new HashMap<>();
    private final List<RouteWay> ways = new ArrayList<>();

    // The ways through one gateway seen last, by hash: looked up without making an object.
    private final long[] cachedHigh = new long[CACHED];
    private final long[] cachedLow = new long[CACHED];
    private final int[] cachedOif = new int[CACHED];
    private final int[] cachedGatewayBytes = new int[CACHED];
    private final int[] cachedMtuBytes = new int[CACHED];
    private final int[] cachedNumber = new int[CACHED];

    /**
     * No ways yet.
     *
     * @param objects by number, those that routes may name instead of their gateways
     */
    RouteWays(Map<Integer, NexthopObject> objects) {
        this.objects = objects;
    }

    /** The ways by number. */
    List<RouteWay> ways() {
        return ways;
    }

    /** The number of the way of the route just read, {@link RangeList#THROUGH} or {@link RangeList#DISCARD}. */
    int number(RouteReader route) {
        if (route.type() == Native.RTN_THROW()) {
            return RangeList.THROUGH;
        }
        if (route.type() != Native.RTN_UNICAST() || route.isEncapsulated()) {
            return RangeList.DISCARD;
        }
        if (route.legs().byteSize() > 0) {
            List<Route.Leg> all = new ArrayList<>();
            List<Route.Leg> alive = new ArrayList<>();
            Route.parseLegs(route.legs(), all, alive);
            return numberOf(alive, route.mtuBytes());
        }
        if (route.oif() == 0) {
            NexthopObject object = objects.get(route.nexthopId());
            return object == null ? RangeList.DISCARD : numberOf(object.legs(objects), route.mtuBytes());
        }
        return single(route);
    }

    private int single(RouteReader route) {
        boolean gateway = route.gatewayBytes() > 0;
        long high = gateway ? route.gatewayHigh() : 0;
        long low = gateway ? route.gatewayLow() : 0;
        long mixed = (high * 31 + low) * 31 + route.oif() * 31L + route.mtuBytes();
        int slot = (int) ((mixed * 0x9e37_79b9_7f4a_7c15L) >>> (Long.SIZE - Integer.numberOfTrailingZeros(CACHED)));
        if (cachedOif[slot] == route.oif()
                && cachedHigh[slot] == high
                && cachedLow[slot] == low
                && cachedGatewayBytes[slot] == route.gatewayBytes()
                && cachedMtuBytes[slot] == route.mtuBytes()) {
            return cachedNumber[slot];
        }
        IpAddress address = route.gatewayBytes() == 16
                ? IpAddress.ofInet6(high, low)
                : gateway ? IpAddress.ofInet((int) low) : null;
        int number = numberOf(List.of(new Route.Leg(route.oif(), address, 1)), route.mtuBytes());
        cachedOif[slot] = route.oif();
        cachedHigh[slot] = high;
        cachedLow[slot] = low;
        cachedGatewayBytes[slot] = route.gatewayBytes();
        cachedMtuBytes[slot] = route.mtuBytes();
        cachedNumber[slot] = number;
        return number;
    }

    private int numberOf(List<Route.Leg> legs, int mtuBytes) {
        if (legs.isEmpty()) {
            return RangeList.DISCARD;
        }
        RouteWay way = new RouteWay(legs.stream().sorted(Route.ORDER).toList(), mtuBytes);
        Integer known = numbers.get(way);
        if (known != null) {
            return known;
        }
        numbers.put(way, ways.size());
        ways.add(way);
        return ways.size() - 1;
    }
}
