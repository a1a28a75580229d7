package dev.sluice.neighbour;

import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.nlmsghdr;
import dev.sluice.ffi.generated.rtattr;
import dev.sluice.packet.IpAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** Builds one netlink request: header, a zeroed fixed part to be filled in by its struct's setters, attributes. */
final class NetlinkRequest {
    /** Requests here are a header, at most 16 fixed bytes and a few attributes of up to 16 bytes. */
    private static final int CAPACITY_BYTES = 256;

    private static final int HEADER_BYTES = (int) nlmsghdr.sizeof();

    private final MemorySegment buffer;
    private final long fixedBytes;
    private long lengthBytes;

    /**
     * Begins a request; {@code NLM_F_REQUEST} is set in any case.
     *
     * @param arena where its few bytes live
     * @param type {@code RTM_*}
     * @param flags further {@code NLM_F_*}
     * @param fixedBytes length of the fixed part of this type
     */
    NetlinkRequest(Arena arena, int type, int flags, long fixedBytes) {
        this.buffer = arena.allocate(CAPACITY_BYTES, Integer.BYTES);
        this.fixedBytes = fixedBytes;
        this.lengthBytes = HEADER_BYTES + NetlinkMessage.align(fixedBytes);
        nlmsghdr.nlmsg_type(buffer, (short) type);
        nlmsghdr.nlmsg_flags(buffer, (short) (flags | Native.NLM_F_REQUEST()));
    }

    /** The fixed part. */
    MemorySegment fixed() {
        return buffer.asSlice(HEADER_BYTES, fixedBytes);
    }

    /** Appends a 32-bit attribute in host order. */
    NetlinkRequest put(int type, int value) {
        buffer.set(ValueLayout.JAVA_INT_UNALIGNED, attribute(type, Integer.BYTES), value);
        return this;
    }

    /** Appends an address attribute, 4 or 16 bytes in network order. */
    NetlinkRequest put(int type, IpAddress address) {
        byte[] bytes = address.toBytes();
        MemorySegment.copy(bytes, 0, buffer, ValueLayout.JAVA_BYTE, attribute(type, bytes.length), bytes.length);
        return this;
    }

    /** Appends a text with the zero that ends it. */
    NetlinkRequest put(int type, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        MemorySegment.copy(bytes, 0, buffer, ValueLayout.JAVA_BYTE, attribute(type, bytes.length + 1), bytes.length);
        return this;
    }

    private long attribute(int type, int valueBytes) {
        long start = lengthBytes;
        int attributeBytes = (int) rtattr.sizeof() + valueBytes;
        buffer.set(ValueLayout.JAVA_SHORT_UNALIGNED, start + rtattr.rta_len$offset(), (short) attributeBytes);
        buffer.set(ValueLayout.JAVA_SHORT_UNALIGNED, start + rtattr.rta_type$offset(), (short) type);
        lengthBytes += NetlinkMessage.align(attributeBytes);
        return start + rtattr.sizeof();
    }

    /** {@code NLM_F_*} as sent. */
    int flags() {
        return Short.toUnsignedInt(nlmsghdr.nlmsg_flags(buffer));
    }

    /** The whole request under a number that its answers carry. */
    MemorySegment numbered(int sequence) {
        nlmsghdr.nlmsg_seq(buffer, sequence);
        nlmsghdr.nlmsg_len(buffer, (int) lengthBytes);
        return buffer.asSlice(0, lengthBytes);
    }
}
