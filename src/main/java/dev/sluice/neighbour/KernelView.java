package dev.sluice.neighbour;

import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.ifaddrmsg;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel says of links, addresses, routes and neighbours at the moment, for those who only look: nothing is set going, no entry
 * is made or marked. Beside a running {@link NextHopResolver} it changes nothing.
 *
 * <p>Works in the network namespace of the thread that opened it. One thread.
 */
public final class KernelView implements AutoCloseable {
    private final NetlinkSocket socket = new NetlinkSocket();
    private final KernelTables kernel = new KernelTables();
    private final Map<Integer, Link> links = new LinkedHashMap<>();

    /**
     * An address of this host.
     *
     * @param interfaceName whose it is
     * @param address the address
     * @param length of its prefix, the rest of which is on-link there
     */
    public record OwnAddress(String interfaceName, IpAddress address, int length) {
        /** Whether the kernel takes another address for one on the same link, because of this one. */
        public boolean covers(IpAddress other) {
            IpPrefix prefix = new IpPrefix(address.and(IpAddress.netmask(address.family(), length)), length);
            return other.family() == address.family() && prefix.contains(other);
        }
    }

    /** What leads to an address. */
    public enum Kind {
        /** A way out. */
        UNICAST,
        /** It is an address of this host. */
        LOCAL,
        /** Broadcast, multicast or anycast. */
        NOT_UNICAST,
        /** A route that discards. */
        DISCARDED,
        /** No route. */
        NONE
    }

    /**
     * The kernel's way to an address.
     *
     * @param legs the ways of equal cost, one unless the route is multipath, none unless {@link Kind#UNICAST}
     * @param source the address this host sends from, null when the kernel names none
     */
    public record Way(
            IpAddress destination,
            Kind kind,
            List<Leg> legs,
            @Nullable IpAddress source) {}

    /**
     * One of the ways to an address.
     *
     * @param link the interface it leaves by
     * @param gateway the router, null on-link
     * @param mtuBytes the largest packet by the interface and the route
     * @param state of the neighbour that is next, as ip-neighbour(8) has it: {@code REACHABLE}, {@code FAILED}; {@code NONE} without entry
     * @param mac the neighbour's MAC address, first octet most significant; 0 for none
     */
    public record Leg(Link link, @Nullable IpAddress gateway, int mtuBytes, String state, long mac) {
        /** Who is next: the router, or the address itself. */
        public IpAddress next(IpAddress destination) {
            return gateway == null ? destination : gateway;
        }
    }

    private KernelView() {
        kernel.links().forEach(link -> links.put(link.ifindex(), link));
    }

    /** Opens, and reads the links; throws {@code NativeException} when the kernel refuses. */
    public static KernelView open() {
        return new KernelView();
    }

    /** The interfaces, as they were at the opening. */
    public List<Link> links() {
        return List.copyOf(links.values());
    }

    /** The addresses of this host. */
    public List<OwnAddress> addresses() {
        try (Arena arena = Arena.ofConfined()) {
            NetlinkRequest request =
                    new NetlinkRequest(arena, Native.RTM_GETADDR(), Native.NLM_F_DUMP(), ifaddrmsg.sizeof());
            return socket.dump(request, "dump of addresses", this::address);
        }
    }

    private @Nullable OwnAddress address(NetlinkMessage message) {
        if (message.type() != Native.RTM_NEWADDR() || !message.hasFixed(ifaddrmsg.sizeof())) {
            return null;
        }
        NetlinkAttributes attributes = message.attributes(ifaddrmsg.sizeof());
        IpAddress local = attributes.address(Native.IFA_LOCAL());
        IpAddress address = local != null ? local : attributes.address(Native.IFA_ADDRESS());
        Link link = links.get((int) message.fixedU32(ifaddrmsg.ifa_index$offset()));
        return address == null || link == null
                ? null
                : new OwnAddress(link.name(), address, message.fixedU8(ifaddrmsg.ifa_prefixlen$offset()));
    }

    /** Where a packet of this host's to an address would go now. */
    public Way way(IpAddress destination) {
        Route route = kernel.route(destination);
        if (route.error() != 0) {
            boolean none = route.error() == -Native.ENETUNREACH();
            return new Way(destination, none ? Kind.NONE : Kind.DISCARDED, List.of(), null);
        }
        if (route.type() != Native.RTN_UNICAST()) {
            Kind kind = route.type() == Native.RTN_LOCAL() ? Kind.LOCAL : Kind.NOT_UNICAST;
            return new Way(destination, kind, List.of(), route.preferredSource());
        }
        List<Leg> legs = new ArrayList<>();
        for (Route.Leg leg : route.legs()) {
            Link link = links.get(leg.ifindex());
            if (link != null) {
                IpAddress next = leg.gateway() == null ? destination : leg.gateway();
                NeighbourEntry entry = kernel.neighbour(new NeighbourEntry.Key(leg.ifindex(), next));
                int mtu = route.mtuBytes() > 0 ? Math.min(route.mtuBytes(), link.mtuBytes()) : link.mtuBytes();
                legs.add(new Leg(
                        link,
                        leg.gateway(),
                        mtu,
                        entry == null ? "NONE" : state(entry.state()),
                        entry == null ? 0 : entry.mac()));
            }
        }
        return new Way(destination, Kind.UNICAST, List.copyOf(legs), route.preferredSource());
    }

    private static String state(int state) {
        Map<Integer, String> names = Map.of(
                Native.NUD_INCOMPLETE(), "INCOMPLETE",
                Native.NUD_REACHABLE(), "REACHABLE",
                Native.NUD_STALE(), "STALE",
                Native.NUD_DELAY(), "DELAY",
                Native.NUD_PROBE(), "PROBE",
                Native.NUD_FAILED(), "FAILED",
                Native.NUD_NOARP(), "NOARP",
                Native.NUD_PERMANENT(), "PERMANENT");
        return names.getOrDefault(state, "NONE");
    }

    @Override
    public void close() {
        socket.close();
        kernel.close();
    }
}
