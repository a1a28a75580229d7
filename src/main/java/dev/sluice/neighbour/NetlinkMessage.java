package dev.sluice.neighbour;

import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.nlmsgerr;
import dev.sluice.ffi.generated.nlmsghdr;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * One netlink message as it lies in a received datagram: header, a fixed part that depends on the type, attributes
 * (netlink(7), rtnetlink(7)). A view: valid until the buffer receives the next datagram.
 *
 * <p>No length in a message is trusted: one that leads outside the datagram ends the reading there.
 */
final class NetlinkMessage {
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final int HEADER_BYTES = (int) nlmsghdr.sizeof();

    private final MemorySegment message;

    private NetlinkMessage(MemorySegment message) {
        this.message = message;
    }

    /** The messages of a datagram, in order; whatever follows a malformed one is left out. */
    static List<NetlinkMessage> split(MemorySegment datagram) {
        List<NetlinkMessage> messages = new ArrayList<>();
        long offset = 0;
        while (datagram.byteSize() - offset >= HEADER_BYTES) {
            long lengthBytes = Integer.toUnsignedLong(datagram.get(U32, offset + nlmsghdr.nlmsg_len$offset()));
            if (lengthBytes < HEADER_BYTES || lengthBytes > datagram.byteSize() - offset) {
                break;
            }
            messages.add(new NetlinkMessage(datagram.asSlice(offset, lengthBytes)));
            offset += align(lengthBytes);
        }
        return messages;
    }

    /** {@code RTM_*} or {@code NLMSG_*}. */
    int type() {
        return Short.toUnsignedInt(message.get(U16, nlmsghdr.nlmsg_type$offset()));
    }

    /** {@code NLM_F_*}. */
    int flags() {
        return Short.toUnsignedInt(message.get(U16, nlmsghdr.nlmsg_flags$offset()));
    }

    /** The number of the request that this answers; 0 in a notification that nobody asked for. */
    int sequence() {
        return message.get(U32, nlmsghdr.nlmsg_seq$offset());
    }

    /** What an {@code NLMSG_ERROR} or {@code NLMSG_DONE} reports: 0, or {@code -errno}. */
    int error() {
        return hasFixed(Integer.BYTES) ? (int) fixedU32(nlmsgerr.error$offset()) : -Native.EPROTO();
    }

    /** Whether the message is long enough for the fixed part of its type. */
    boolean hasFixed(long lengthBytes) {
        return message.byteSize() - HEADER_BYTES >= lengthBytes;
    }

    /** A byte of the fixed part, unsigned. */
    int fixedU8(long offset) {
        return Byte.toUnsignedInt(message.get(ValueLayout.JAVA_BYTE, HEADER_BYTES + offset));
    }

    /** Two bytes of the fixed part, unsigned, in host order. */
    int fixedU16(long offset) {
        return Short.toUnsignedInt(message.get(U16, HEADER_BYTES + offset));
    }

    /** Four bytes of the fixed part, unsigned, in host order. */
    long fixedU32(long offset) {
        return Integer.toUnsignedLong(message.get(U32, HEADER_BYTES + offset));
    }

    /** The attributes behind a fixed part of this length. */
    NetlinkAttributes attributes(long fixedBytes) {
        long start = HEADER_BYTES + align(fixedBytes);
        return start > message.byteSize()
                ? NetlinkAttributes.parse(MemorySegment.NULL)
                : NetlinkAttributes.parse(message.asSlice(start));
    }

    /** {@code NLMSG_ALIGN} and {@code RTA_ALIGN}: the next multiple of four. */
    static long align(long lengthBytes) {
        return Objects.checkIndex(lengthBytes, Long.MAX_VALUE - 3) + 3 & ~3L;
    }
}
