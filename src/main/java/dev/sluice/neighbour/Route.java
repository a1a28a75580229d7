package dev.sluice.neighbour;

import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.rtmsg;
import dev.sluice.packet.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * The kernel's answer to where a packet to one address goes.
 *
 * @param error 0, or {@code -errno} of a look-up that found no way; then the rest is empty
 * @param type {@code RTN_*}
 * @param ifindex the interface it leaves by, 0 for none
 * @param gateway the router it goes to, null when the destination is on-link; of IPv6 even for IPv4 (RFC 5549)
 * @param preferredSource the address this host would send from, null when the kernel names none
 * @param mtuBytes the route's own MTU, 0 when the interface's counts
 */
record Route(
        int error,
        int type,
        int ifindex,
        @Nullable IpAddress gateway,
        @Nullable IpAddress preferredSource,
        int mtuBytes) {
    /** {@code RTAX_MTU} of linux/rtnetlink.h, an attribute inside {@code RTA_METRICS}. */
    private static final int RTAX_MTU = 2;

    static Route failed(int error) {
        return new Route(error, Native.RTN_UNSPEC(), 0, null, null, 0);
    }

    /** Reads the {@code RTM_NEWROUTE} that answers an {@code RTM_GETROUTE}. */
    static Route parse(NetlinkMessage message) {
        if (message.type() != Native.RTM_NEWROUTE() || !message.hasFixed(rtmsg.sizeof())) {
            return failed(-Native.EPROTO());
        }
        NetlinkAttributes attributes = message.attributes(rtmsg.sizeof());
        IpAddress gateway = attributes.address(Native.RTA_GATEWAY());
        return new Route(
                0,
                message.fixedU8(rtmsg.rtm_type$offset()),
                attributes.u32(Native.RTA_OIF(), 0),
                gateway != null ? gateway : attributes.via(Native.RTA_VIA()),
                attributes.address(Native.RTA_PREFSRC()),
                attributes.nested(Native.RTA_METRICS()).u32(RTAX_MTU, 0));
    }
}
