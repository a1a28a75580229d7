package dev.sluice.neighbour;

import dev.sluice.ffi.Errno;
import dev.sluice.ffi.generated.Native;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes a next hop of what the kernel said of a watched address's route, links and neighbours, or says in words why there is
 * none.
 *
 * <p>Owned by: control thread.
 */
final class Evaluation {
    private final Set<String> interfaces;
    private final Map<Integer, Link> links;

    /**
     * @param interfaces names of the director's interfaces
     * @param links by index, as they are now whenever this is used
     */
    Evaluation(Set<String> interfaces, Map<Integer, Link> links) {
        this.interfaces = interfaces;
        this.links = links;
    }

    /**
     * The director's interface by which frames leave that the kernel would send out of an interface: itself, or the one below a
     * VLAN device of 802.1Q. Null when there is none.
     */
    @Nullable
    Link egress(int ifindex) {
        Link link = links.get(ifindex);
        if (link == null || interfaces.contains(link.name())) {
            return link;
        }
        Link.Vlan vlan = link.vlan();
        Link lower = vlan == null || vlan.ethertype() != Link.Vlan.CUSTOMER ? null : links.get(vlan.lowerIfindex());
        return lower != null && interfaces.contains(lower.name()) ? lower : null;
    }

    /** How packets leave without a neighbour's address: by an interface, in a VLAN; empty where they cannot. */
    Optional<Egress> leaving(int ifindex) {
        Link link = links.get(ifindex);
        Link egress = egress(ifindex);
        if (link == null || egress == null || !link.usable() || !egress.usable() || link.mac() == 0) {
            return Optional.empty();
        }
        return Optional.of(new Egress(
                egress.name(), link.mac(), Math.min(link.mtuBytes(), egress.mtuBytes()), vlan(link, egress)));
    }

    private static int vlan(Link link, Link egress) {
        Link.Vlan vlan = link.vlan();
        return vlan == null || link.ifindex() == egress.ifindex() ? NextHop.Path.NO_VLAN : vlan.id();
    }

    /** The next hop: all paths that can be used, else why the first cannot, or the first that may be soon. */
    NextHop of(WatchedAddress address) {
        Route route = address.route();
        IpAddress rip = address.address();
        if (route.error() != 0) {
            return noRoute(address);
        }
        if (route.type() == Native.RTN_LOCAL()) {
            return unresolved(address, NextHop.Reason.LOCAL_ADDRESS, rip + " is an address of this host itself");
        }
        if (route.type() != Native.RTN_UNICAST()) {
            return unresolved(address, NextHop.Reason.NOT_UNICAST, rip + " is not a unicast address here");
        }
        List<NextHop.Path> paths = new ArrayList<>();
        NextHop.Unresolved failure = null;
        for (int i = 0; i < route.legs().size(); i++) {
            switch (through(address, route.legs().get(i), address.neighbours().get(i))) {
                case NextHop.Resolved resolved -> paths.addAll(resolved.paths());
                case NextHop.Unresolved one -> {
                    if (failure == null
                            || (one.reason() == NextHop.Reason.RESOLVING
                                    && failure.reason() != NextHop.Reason.RESOLVING)) {
                        failure = one;
                    }
                }
            }
        }
        return paths.isEmpty() && failure != null ? failure : new NextHop.Resolved(rip, paths, route.preferredSource());
    }

    private NextHop through(WatchedAddress address, Route.Leg leg, Optional<Neighbour> through) {
        Route route = address.route();
        IpAddress rip = address.address();
        Link link = links.get(leg.ifindex());
        String name = link == null ? "interface " + leg.ifindex() : link.name();
        Link egress = egress(leg.ifindex());
        if (link != null && egress == null) {
            return unresolved(
                    address,
                    NextHop.Reason.INTERFACE_NOT_OURS,
                    "the route to " + rip + " leads out of " + name + ", which is not among the director's interfaces ("
                            + String.join(", ", interfaces) + ")"
                            + (link.vlan() == null ? "" : " nor a VLAN device of 802.1Q right above one"));
        }
        if (link == null || egress == null || through.isEmpty() || !link.usable()) {
            return down(address, name, link);
        }
        if (!egress.usable()) {
            return down(address, egress.name(), egress);
        }
        Neighbour neighbour = through.get();
        if (!neighbour.usable()) {
            return unanswered(address, name, neighbour);
        }
        if (neighbour.mac() == 0 || link.mac() == 0) {
            return unresolved(
                    address, NextHop.Reason.NOT_ETHERNET, "no Ethernet address leads to " + rip + " on " + name);
        }
        int mtuBytes = Math.min(Math.min(link.mtuBytes(), egress.mtuBytes()), address.pathMtuBytes());
        NextHop.Path path = new NextHop.Path(
                egress.ifindex(),
                egress.name(),
                link.mac(),
                neighbour.mac(),
                route.mtuBytes() > 0 ? Math.min(route.mtuBytes(), mtuBytes) : mtuBytes,
                vlan(link, egress),
                leg.gateway(),
                leg.weight());
        return new NextHop.Resolved(rip, List.of(path), route.preferredSource());
    }

    private NextHop noRoute(WatchedAddress address) {
        IpAddress rip = address.address();
        int errno = -address.route().error();
        if (errno == Native.ENETUNREACH()) {
            // Setting an interface down takes its routes away: name the cause, not the consequence.
            Link last = links.get(address.lastIfindex());
            return last != null && !last.usable()
                    ? down(address, last.name(), last)
                    : unresolved(address, NextHop.Reason.NO_ROUTE, "there is no route to " + rip);
        }
        // The errors of fib_props (net/ipv4/fib_semantics.c) and ip6_rt_type_to_error (net/ipv6/route.c).
        if (errno == Native.EINVAL() || errno == Native.EACCES() || errno == Native.EHOSTUNREACH()) {
            String kind =
                    errno == Native.EINVAL() ? "blackhole" : errno == Native.EACCES() ? "prohibit" : "unreachable";
            return unresolved(
                    address, NextHop.Reason.BLACKHOLE, "the route to " + rip + " is of type \"" + kind + "\"");
        }
        return unresolved(
                address,
                NextHop.Reason.LOOKUP_FAILED,
                "looking up the route to " + rip + " failed: " + Errno.describe(errno));
    }

    private static NextHop down(WatchedAddress address, String name, @Nullable Link link) {
        String what = link == null ? "gone" : link.up() ? "without carrier" : "down";
        return unresolved(
                address,
                NextHop.Reason.INTERFACE_DOWN,
                "the way to " + address.address() + " is through " + name + ", which is " + what);
    }

    private static NextHop unanswered(WatchedAddress address, String name, Neighbour neighbour) {
        IpAddress asked = neighbour.key().address();
        String who =
                asked.equals(address.address()) ? asked.toString() : "gateway " + asked + " to " + address.address();
        String protocol = asked.family() == AddressFamily.INET ? "ARP" : "neighbour solicitation";
        if (neighbour.error() == -Native.ENOBUFS()) {
            return unresolved(
                    address,
                    NextHop.Reason.RESOLVING,
                    "cannot ask for " + who + " on " + name
                            + ": the kernel's neighbour table is full, raise net."
                            + (asked.family() == AddressFamily.INET ? "ipv4" : "ipv6") + ".neigh.default.gc_thresh3");
        }
        if (neighbour.error() != 0) {
            return unresolved(
                    address,
                    NextHop.Reason.LOOKUP_FAILED,
                    "cannot ask for " + who + " on " + name + ": " + Errno.describe(-neighbour.error()));
        }
        return neighbour.unreachable()
                ? unresolved(
                        address,
                        NextHop.Reason.UNREACHABLE,
                        who + " does not answer on " + name + " (" + protocol + " failed)")
                : unresolved(
                        address,
                        NextHop.Reason.RESOLVING,
                        "waiting for " + who + " to answer " + protocol + " on " + name);
    }

    private static NextHop unresolved(WatchedAddress address, NextHop.Reason reason, String explanation) {
        List<Route.Leg> legs = address.route().legs();
        return new NextHop.Unresolved(
                address.address(),
                reason,
                explanation,
                legs.isEmpty() ? null : legs.getFirst().gateway());
    }
}
