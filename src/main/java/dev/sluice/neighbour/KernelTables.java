package dev.sluice.neighbour;

import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.ifinfomsg;
import dev.sluice.ffi.generated.ndmsg;
import dev.sluice.ffi.generated.rtmsg;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Questions to the kernel's link, route and neighbour tables, each one rtnetlink request of some microseconds.
 *
 * <p>Owned by: control thread.
 */
final class KernelTables implements AutoCloseable {
    private final NetlinkSocket socket = new NetlinkSocket();

    /** All interfaces of the namespace. */
    List<Link> links() {
        try (Arena arena = Arena.ofConfined()) {
            NetlinkRequest request =
                    new NetlinkRequest(arena, Native.RTM_GETLINK(), Native.NLM_F_DUMP(), ifinfomsg.sizeof());
            return socket.dump(request, "dump of links", message -> Link.parse(message, null));
        }
    }

    /** All neighbours of the namespace, IPv4 and IPv6. */
    List<NeighbourEntry> neighbours() {
        try (Arena arena = Arena.ofConfined()) {
            NetlinkRequest request =
                    new NetlinkRequest(arena, Native.RTM_GETNEIGH(), Native.NLM_F_DUMP(), ndmsg.sizeof());
            return socket.dump(request, "dump of neighbours", NeighbourEntry::parse);
        }
    }

    /** The kernel's own decision, rules and metrics included, for a packet that this host sends to the address. */
    Route route(IpAddress destination) {
        Route[] answer = new Route[1];
        int result = askRoute(destination, 0, message -> answer[0] = Route.parse(message));
        Route route = answer[0];
        if (result < 0 || route == null) {
            return Route.failed(result);
        }
        if (route.error() == 0 && route.type() == Native.RTN_UNICAST()) {
            // The decision is for one of several ways; the entry that it was made by has them all.
            int ignored =
                    askRoute(destination, Native.RTM_F_FIB_MATCH(), message -> answer[0] = route.withLegsOf(message));
        }
        return answer[0];
    }

    private int askRoute(IpAddress destination, int flags, Consumer<NetlinkMessage> answer) {
        try (Arena arena = Arena.ofConfined()) {
            NetlinkRequest request = new NetlinkRequest(arena, Native.RTM_GETROUTE(), 0, rtmsg.sizeof());
            MemorySegment fixed = request.fixed();
            rtmsg.rtm_family(fixed, (byte) family(destination));
            rtmsg.rtm_dst_len(fixed, (byte) destination.family().addressBits());
            rtmsg.rtm_flags(fixed, flags);
            request.put(Native.RTA_DST(), destination);
            return socket.exchange(request, answer);
        }
    }

    /** One neighbour, null when the kernel has no entry. */
    @Nullable
    NeighbourEntry neighbour(NeighbourEntry.Key key) {
        try (Arena arena = Arena.ofConfined()) {
            NetlinkRequest request = neighbourRequest(arena, Native.RTM_GETNEIGH(), 0, key);
            NeighbourEntry[] answer = new NeighbourEntry[1];
            socket.exchange(request, message -> answer[0] = NeighbourEntry.parse(message));
            return answer[0];
        }
    }

    /**
     * Has the kernel resolve or refresh a neighbour as if a packet had gone there ({@code NTF_USE}), and keep it fresh
     * from then on where it can: kernels before 5.16 skip the attribute that asks for it. Must not be called for a
     * permanent entry, which the kernel would turn into an ordinary one.
     *
     * @return 0, or {@code -errno}; {@code ENOBUFS} says that the neighbour table is full
     */
    int use(NeighbourEntry.Key key, boolean learnedElsewhere) {
        try (Arena arena = Arena.ofConfined()) {
            NetlinkRequest request = useRequest(arena, Native.NLM_F_CREATE(), key, learnedElsewhere);
            request.put(Native.NDA_FLAGS_EXT(), Native.NTF_EXT_MANAGED());
            return socket.exchange(request, _ -> {});
        }
    }

    /** Takes back what {@link #use} asked of the kernel: the entry, if it is still there, ages like any other. */
    void release(NeighbourEntry.Key key, boolean learnedElsewhere) {
        try (Arena arena = Arena.ofConfined()) {
            int ignored = socket.exchange(useRequest(arena, 0, key, learnedElsewhere), _ -> {});
        }
    }

    private static NetlinkRequest useRequest(Arena arena, int flags, NeighbourEntry.Key key, boolean learnedElsewhere) {
        NetlinkRequest request = neighbourRequest(arena, Native.RTM_NEWNEIGH(), flags | Native.NLM_F_ACK(), key);
        ndmsg.ndm_flags(request.fixed(), (byte) (Native.NTF_USE() | (learnedElsewhere ? Native.NTF_EXT_LEARNED() : 0)));
        return request;
    }

    private static NetlinkRequest neighbourRequest(Arena arena, int type, int flags, NeighbourEntry.Key key) {
        NetlinkRequest request = new NetlinkRequest(arena, type, flags, ndmsg.sizeof());
        ndmsg.ndm_family(request.fixed(), (byte) family(key.address()));
        ndmsg.ndm_ifindex(request.fixed(), key.ifindex());
        return request.put(Native.NDA_DST(), key.address());
    }

    private static int family(IpAddress address) {
        return address.family() == AddressFamily.INET ? Native.AF_INET() : Native.AF_INET6();
    }

    /** A socket that hears of every change to links, addresses, routes, rules and neighbours from now on. */
    static NetlinkSocket subscribe(int receiveBufferBytes) {
        int[] needed = {
            Native.RTNLGRP_LINK(), Native.RTNLGRP_NEIGH(), Native.RTNLGRP_IPV4_ROUTE(), Native.RTNLGRP_IPV4_IFADDR(),
        };
        int[] wherePresent = {
            Native.RTNLGRP_IPV6_ROUTE(),
            Native.RTNLGRP_IPV6_IFADDR(),
            Native.RTNLGRP_IPV4_RULE(),
            Native.RTNLGRP_IPV6_RULE(),
            Native.RTNLGRP_NEXTHOP(),
        };
        return subscribe(receiveBufferBytes, needed, wherePresent);
    }

    /**
     * A socket that hears of every change to routes, rules and nexthop objects from now on, and to links and addresses, with which
     * the kernel takes IPv4 routes away without a word.
     */
    static NetlinkSocket subscribeRoutes(int receiveBufferBytes) {
        int[] needed = {Native.RTNLGRP_LINK(), Native.RTNLGRP_IPV4_ROUTE(), Native.RTNLGRP_IPV4_IFADDR()};
        int[] wherePresent = {
            Native.RTNLGRP_IPV6_ROUTE(),
            Native.RTNLGRP_IPV6_IFADDR(),
            Native.RTNLGRP_IPV4_RULE(),
            Native.RTNLGRP_IPV6_RULE(),
            Native.RTNLGRP_NEXTHOP(),
        };
        return subscribe(receiveBufferBytes, needed, wherePresent);
    }

    private static NetlinkSocket subscribe(int receiveBufferBytes, int[] needed, int[] wherePresent) {
        NetlinkSocket socket = new NetlinkSocket();
        try {
            socket.receiveBuffer(receiveBufferBytes);
            for (int group : needed) {
                NativeException.check(socket.join(group), "setsockopt(NETLINK_ADD_MEMBERSHIP, " + group + ")");
            }
            for (int group : wherePresent) {
                int ignored = socket.join(group);
            }
            return socket;
        } catch (RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    @Override
    public void close() {
        socket.close();
    }
}
