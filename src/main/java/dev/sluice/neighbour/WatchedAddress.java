package dev.sluice.neighbour;

import dev.sluice.packet.IpAddress;
import org.jspecify.annotations.Nullable;

/** One address whose next hop somebody wants to know, with the kernel's last word on it. Owned by: control thread. */
final class WatchedAddress {
    private final IpAddress address;
    private Route route;
    private @Nullable Neighbour neighbour;
    private NextHop nextHop;
    private int lastIfindex;

    WatchedAddress(IpAddress address) {
        this.address = address;
        this.route = Route.failed(0);
        this.nextHop = new NextHop.Unresolved(address, NextHop.Reason.RESOLVING, "looking up " + address, null);
    }

    IpAddress address() {
        return address;
    }

    Route route() {
        return route;
    }

    void route(Route found) {
        route = found;
        if (found.ifindex() != 0) {
            lastIfindex = found.ifindex();
        }
    }

    /** The interface it was last reached through, also while there is no route; 0 before the first. */
    int lastIfindex() {
        return lastIfindex;
    }

    @Nullable
    Neighbour neighbour() {
        return neighbour;
    }

    void neighbour(@Nullable Neighbour through) {
        neighbour = through;
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
