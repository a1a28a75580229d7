package dev.sluice.neighbour;

import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.rtattr;
import dev.sluice.ffi.generated.rtmsg;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Reads {@code RTM_NEWROUTE} messages one after the other into the same fields, for a routing table may have a million of them,
 * and objects for each would keep the garbage collector, and with it the workers, busy.
 *
 * <p>No length in a message is trusted: an attribute that leads outside ends the reading there.
 *
 * <p>Owned by: control thread.
 */
final class RouteReader {
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt I32_BE = U32.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong I64_BE = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final int ATTRIBUTE_HEADER_BYTES = (int) rtattr.sizeof();
    /** Without {@code NLA_F_NESTED} and {@code NLA_F_NET_BYTEORDER}. */
    private static final int TYPE_MASK = 0x3fff;
    /** {@code RTNH_F_DEAD} of linux/rtnetlink.h: the kernel passes such a route over. */
    private static final int DEAD = 1;

    private static final int FAMILY_BYTES = Short.BYTES;

    private boolean inet6;
    private int type;
    private int table;
    private int length;
    private int metric;
    private int oif;
    private int mtuBytes;
    private int nexthopId;
    private boolean encapsulated;
    private long high;
    private long low;

    private int gatewayBytes;
    private long gatewayHigh;
    private long gatewayLow;
    private MemorySegment legs = MemorySegment.NULL;

    /**
     * Reads a message.
     *
     * @param buffer holds it at an offset; must outlive what is asked of this reader
     * @param offset where the message's header ends
     * @param end where the message ends
     * @return whether it is a route by which the kernel sends plain packets: not one of the cache, by type of service or by source, or
     *     dead
     */
    boolean read(MemorySegment buffer, long offset, long end) {
        if (end - offset < rtmsg.sizeof()) {
            return false;
        }
        int family = u8(buffer, offset + rtmsg.rtm_family$offset());
        inet6 = family == Native.AF_INET6();
        length = u8(buffer, offset + rtmsg.rtm_dst_len$offset());
        type = u8(buffer, offset + rtmsg.rtm_type$offset());
        table = u8(buffer, offset + rtmsg.rtm_table$offset());
        int flags = buffer.get(U32, offset + rtmsg.rtm_flags$offset());
        boolean special = u8(buffer, offset + rtmsg.rtm_src_len$offset()) != 0
                || u8(buffer, offset + rtmsg.rtm_tos$offset()) != 0
                || (flags & (Native.RTM_F_CLONED() | DEAD)) != 0;
        if ((!inet6 && family != Native.AF_INET()) || special || length > (inet6 ? 128 : 32)) {
            return false;
        }
        high = 0;
        low = 0;
        metric = 0;
        oif = 0;
        mtuBytes = 0;
        nexthopId = 0;
        gatewayBytes = 0;
        encapsulated = false;
        legs = MemorySegment.NULL;
        long at = offset + NetlinkMessage.align(rtmsg.sizeof());
        while (end - at >= ATTRIBUTE_HEADER_BYTES) {
            int lengthBytes = Short.toUnsignedInt(buffer.get(U16, at + rtattr.rta_len$offset()));
            if (lengthBytes < ATTRIBUTE_HEADER_BYTES || lengthBytes > end - at) {
                break;
            }
            attribute(
                    buffer,
                    buffer.get(U16, at + rtattr.rta_type$offset()) & TYPE_MASK,
                    at + ATTRIBUTE_HEADER_BYTES,
                    lengthBytes - ATTRIBUTE_HEADER_BYTES);
            at += NetlinkMessage.align(lengthBytes);
        }
        return true;
    }

    private void attribute(MemorySegment buffer, int attribute, long at, int lengthBytes) {
        int addressBytes = inet6 ? 16 : 4;
        if (attribute == Native.RTA_DST() && lengthBytes == addressBytes) {
            high = inet6 ? buffer.get(I64_BE, at) : 0;
            low = inet6 ? buffer.get(I64_BE, at + 8) : Integer.toUnsignedLong(buffer.get(I32_BE, at));
        } else if (attribute == Native.RTA_GATEWAY()) {
            gateway(buffer, at, lengthBytes);
        } else if (attribute == Native.RTA_VIA()) {
            gateway(buffer, at + FAMILY_BYTES, lengthBytes - FAMILY_BYTES);
        } else if (attribute == Native.RTA_METRICS()) {
            metrics(buffer, at, lengthBytes);
        } else if (attribute == Native.RTA_MULTIPATH()) {
            legs = buffer.asSlice(at, lengthBytes);
        } else if (attribute == Native.RTA_ENCAP()) {
            encapsulated = true;
        } else if (lengthBytes >= Integer.BYTES) {
            number(attribute, buffer.get(U32, at));
        }
    }

    private void number(int attribute, int value) {
        if (attribute == Native.RTA_OIF()) {
            oif = value;
        } else if (attribute == Native.RTA_PRIORITY()) {
            metric = value;
        } else if (attribute == Native.RTA_TABLE()) {
            table = value;
        } else if (attribute == Native.RTA_NH_ID()) {
            nexthopId = value;
        }
    }

    private void gateway(MemorySegment buffer, long at, int lengthBytes) {
        if (lengthBytes == 4 || lengthBytes == 16) {
            gatewayBytes = lengthBytes;
            gatewayHigh = lengthBytes == 16 ? buffer.get(I64_BE, at) : 0;
            gatewayLow =
                    lengthBytes == 16 ? buffer.get(I64_BE, at + 8) : Integer.toUnsignedLong(buffer.get(I32_BE, at));
        }
    }

    private void metrics(MemorySegment buffer, long start, int blockBytes) {
        long end = start + blockBytes;
        long at = start;
        while (end - at >= ATTRIBUTE_HEADER_BYTES) {
            int lengthBytes = Short.toUnsignedInt(buffer.get(U16, at + rtattr.rta_len$offset()));
            if (lengthBytes < ATTRIBUTE_HEADER_BYTES || lengthBytes > end - at) {
                return;
            }
            if ((buffer.get(U16, at + rtattr.rta_type$offset()) & TYPE_MASK) == Route.RTAX_MTU
                    && lengthBytes >= ATTRIBUTE_HEADER_BYTES + Integer.BYTES) {
                mtuBytes = buffer.get(U32, at + ATTRIBUTE_HEADER_BYTES);
            }
            at += NetlinkMessage.align(lengthBytes);
        }
    }

    private static int u8(MemorySegment buffer, long at) {
        return Byte.toUnsignedInt(buffer.get(ValueLayout.JAVA_BYTE, at));
    }

    boolean inet6() {
        return inet6;
    }

    /** {@code RTN_*}. */
    int type() {
        return type;
    }

    int table() {
        return table;
    }

    /** Of the prefix. */
    int length() {
        return length;
    }

    /** The upper half of an IPv6 destination, 0 for IPv4. */
    long high() {
        return high;
    }

    /** The lower half, or the IPv4 destination as an unsigned number. */
    long low() {
        return low;
    }

    /** Unsigned; the lowest counts. */
    int metric() {
        return metric;
    }

    /** The interface's index, 0 without one of the route's own. */
    int oif() {
        return oif;
    }

    /** The route's own MTU, 0 without one. */
    int mtuBytes() {
        return mtuBytes;
    }

    /** The nexthop object's number, 0 without one. */
    int nexthopId() {
        return nexthopId;
    }

    /** Whether packets leave by a tunnel of the route's own. */
    boolean isEncapsulated() {
        return encapsulated;
    }

    /** How long the gateway's address is, 0 without one. */
    int gatewayBytes() {
        return gatewayBytes;
    }

    /** As {@link #high}, of the gateway, which may be of IPv6 even for IPv4. */
    long gatewayHigh() {
        return gatewayHigh;
    }

    /** As {@link #low}, of the gateway. */
    long gatewayLow() {
        return gatewayLow;
    }

    /** What {@link Route#parseLegs} reads, empty unless the route is multipath; valid as long as the buffer. */
    MemorySegment legs() {
        return legs;
    }
}
