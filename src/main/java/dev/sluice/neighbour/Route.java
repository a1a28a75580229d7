package dev.sluice.neighbour;

import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.rtmsg;
import dev.sluice.ffi.generated.rtnexthop;
import dev.sluice.packet.IpAddress;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The kernel's answer to where a packet to one address goes.
 *
 * @param error 0, or {@code -errno} of a look-up that found no way; then the rest is empty
 * @param type {@code RTN_*}
 * @param legs the ways of equal cost, in an order of their own; one, where there is a way at all, unless the route is multipath
 * @param preferredSource the address this host would send from, null when the kernel names none
 * @param mtuBytes the route's own MTU, 0 when the interface's counts
 */
record Route(int error, int type, List<Leg> legs, @Nullable IpAddress preferredSource, int mtuBytes) {
    /** {@code RTAX_MTU} of linux/rtnetlink.h, an attribute inside {@code RTA_METRICS}. */
    static final int RTAX_MTU = 2;
    /** {@code RTNH_F_DEAD} and {@code RTNH_F_LINKDOWN} of linux/rtnetlink.h. */
    private static final int UNUSABLE = 1 | 16;

    /** Kernels shuffle the ways of one IPv6 route; flows must not notice. */
    static final Comparator<Leg> ORDER =
            Comparator.comparingInt(Leg::ifindex).thenComparing(leg -> String.valueOf(leg.gateway()));

    /**
     * One of the ways.
     *
     * @param ifindex the interface it leaves by, 0 for none
     * @param gateway the router it goes to, null when the destination is on-link; of IPv6 even for IPv4 (RFC 5549)
     * @param weight its share, 1–256
     */
    record Leg(int ifindex, @Nullable IpAddress gateway, int weight) {}

    static Route failed(int error) {
        return new Route(error, Native.RTN_UNSPEC(), List.of(), null, 0);
    }

    /** Reads the {@code RTM_NEWROUTE} that answers an {@code RTM_GETROUTE}: the way that a packet takes now. */
    static Route parse(NetlinkMessage message) {
        if (message.type() != Native.RTM_NEWROUTE() || !message.hasFixed(rtmsg.sizeof())) {
            return failed(-Native.EPROTO());
        }
        NetlinkAttributes attributes = message.attributes(rtmsg.sizeof());
        return new Route(
                0,
                message.fixedU8(rtmsg.rtm_type$offset()),
                List.of(new Leg(attributes.u32(Native.RTA_OIF(), 0), gateway(attributes), 1)),
                attributes.address(Native.RTA_PREFSRC()),
                attributes.nested(Native.RTA_METRICS()).u32(RTAX_MTU, 0));
    }

    /**
     * This route with all ways that its entry in the table has, without the dead.
     *
     * @param message the {@code RTM_NEWROUTE} that answers an {@code RTM_GETROUTE} for the entry; one without several ways, and
     *     one that does not have this route's among them, changes nothing: the kernel goes another way than its table says
     */
    Route withLegsOf(NetlinkMessage message) {
        if (message.type() != Native.RTM_NEWROUTE() || !message.hasFixed(rtmsg.sizeof())) {
            return this;
        }
        List<Leg> all = new ArrayList<>();
        List<Leg> alive = new ArrayList<>();
        parseLegs(message.attributes(rtmsg.sizeof()).value(Native.RTA_MULTIPATH()), all, alive);
        boolean ours = legs.stream().allMatch(one -> all.stream().anyMatch(leg -> ORDER.compare(leg, one) == 0));
        if (!ours || alive.isEmpty()) {
            return this;
        }
        alive.sort(ORDER);
        return new Route(error, type, List.copyOf(alive), preferredSource, mtuBytes);
    }

    /**
     * Reads the ways of a multipath route.
     *
     * @param block the value of an {@code RTA_MULTIPATH}
     * @param all takes all of them
     * @param alive takes those that packets can leave by: not dead, and not by a tunnel of the route's own ({@code encap})
     */
    static void parseLegs(MemorySegment block, List<Leg> all, List<Leg> alive) {
        long offset = 0;
        while (block.byteSize() - offset >= rtnexthop.sizeof()) {
            int lengthBytes = Short.toUnsignedInt(
                    block.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset + rtnexthop.rtnh_len$offset()));
            if (lengthBytes < rtnexthop.sizeof() || lengthBytes > block.byteSize() - offset) {
                break;
            }
            NetlinkAttributes attributes = NetlinkAttributes.parse(
                    block.asSlice(offset + rtnexthop.sizeof(), lengthBytes - rtnexthop.sizeof()));
            Leg leg = new Leg(
                    block.get(ValueLayout.JAVA_INT_UNALIGNED, offset + rtnexthop.rtnh_ifindex$offset()),
                    gateway(attributes),
                    Byte.toUnsignedInt(block.get(ValueLayout.JAVA_BYTE, offset + rtnexthop.rtnh_hops$offset())) + 1);
            all.add(leg);
            if ((block.get(ValueLayout.JAVA_BYTE, offset + rtnexthop.rtnh_flags$offset()) & UNUSABLE) == 0
                    && !attributes.has(Native.RTA_ENCAP())) {
                alive.add(leg);
            }
            offset += NetlinkMessage.align(lengthBytes);
        }
    }

    private static @Nullable IpAddress gateway(NetlinkAttributes attributes) {
        IpAddress gateway = attributes.address(Native.RTA_GATEWAY());
        return gateway != null ? gateway : attributes.via(Native.RTA_VIA());
    }
}
