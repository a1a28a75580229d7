package dev.sluice.neighbour;

import dev.sluice.ffi.generated.Native;
import dev.sluice.packet.IpAddress;
import java.util.List;
import java.util.Optional;

/**
 * One address whose next hop somebody wants to know, with the kernel's last word on it; or a gateway, whose interface the routes
 * that lead through it name. Owned by: control thread.
 */
final class WatchedAddress {
    private final IpAddress address;
    private final boolean gateway;
    private Route route;
    private List<Optional<Neighbour>> neighbours = List.of();
    private int pathMtuBytes = Integer.MAX_VALUE;
    private long pathMtuUntilMs;
    private NextHop nextHop;
    private int lastIfindex;

    /** An address to which the kernel says the way. */
    WatchedAddress(IpAddress address) {
        this(address, Route.failed(0), false);
    }

    private WatchedAddress(IpAddress address, Route route, boolean gateway) {
        this.address = address;
        this.gateway = gateway;
        this.route = route;
        this.nextHop = new NextHop.Unresolved(address, NextHop.Reason.RESOLVING, "looking up " + address, null);
    }

    /** A gateway on an interface, which is a neighbour there whatever the routes say. */
    static WatchedAddress gateway(NeighbourEntry.Key key) {
        Route.Leg leg = new Route.Leg(key.ifindex(), null, 1);
        return new WatchedAddress(key.address(), new Route(0, Native.RTN_UNICAST(), List.of(leg), null, 0), true);
    }

    /** Whether it is a gateway. */
    boolean isGateway() {
        return gateway;
    }

    IpAddress address() {
        return address;
    }

    Route route() {
        return route;
    }

    void route(Route found) {
        route = found;
        if (!found.legs().isEmpty() && found.legs().getFirst().ifindex() != 0) {
            lastIfindex = found.legs().getFirst().ifindex();
        }
    }

    /** The interface it was last reached through, also while there is no route; 0 before the first. */
    int lastIfindex() {
        return lastIfindex;
    }

    /** By the route's legs: the neighbour that frames go to, empty where the leg cannot be used. */
    List<Optional<Neighbour>> neighbours() {
        return neighbours;
    }

    void neighbours(List<Optional<Neighbour>> through) {
        neighbours = List.copyOf(through);
    }

    /** The largest packet that routers on the way let pass, as far as they said so. */
    int pathMtuBytes() {
        return pathMtuBytes;
    }

    /** When that is to be forgotten. */
    long pathMtuUntilMs() {
        return pathMtuUntilMs;
    }

    void pathMtu(int bytes, long untilMs) {
        pathMtuBytes = bytes;
        pathMtuUntilMs = untilMs;
    }

    void forgetPathMtu() {
        pathMtuBytes = Integer.MAX_VALUE;
    }

    NextHop nextHop() {
        return nextHop;
    }

    /** Whether the next hop is another one than before. */
    boolean nextHop(NextHop current) {
        boolean changed = !nextHop.equals(current);
        nextHop = current;
        return changed;
    }
}
