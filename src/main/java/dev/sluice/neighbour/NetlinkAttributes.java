package dev.sluice.neighbour;

import dev.sluice.ffi.generated.rtattr;
import dev.sluice.packet.IpAddress;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The attributes of one netlink message or of one nested attribute, by type. An attribute that is absent, or too short
 * for what is asked of it, reads as absent; of two of a type the last counts, as in the kernel's {@code nla_parse}.
 */
final class NetlinkAttributes {
    private static final int HEADER_BYTES = (int) rtattr.sizeof();
    /** Attribute types read here are all below; others are skipped. */
    private static final int TYPES = 128;
    /** Without {@code NLA_F_NESTED} and {@code NLA_F_NET_BYTEORDER}, the two top bits (linux/netlink.h). */
    private static final int TYPE_MASK = 0x3fff;

    private static final NetlinkAttributes NONE = new NetlinkAttributes();

    private final @Nullable MemorySegment[] values = new @Nullable MemorySegment[TYPES];

    private NetlinkAttributes() {}

    /** Reads attributes until the end or the first whose length leads outside. */
    static NetlinkAttributes parse(MemorySegment block) {
        if (block.byteSize() < HEADER_BYTES) {
            return NONE;
        }
        NetlinkAttributes attributes = new NetlinkAttributes();
        long offset = 0;
        while (block.byteSize() - offset >= HEADER_BYTES) {
            int lengthBytes =
                    Short.toUnsignedInt(block.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset + rtattr.rta_len$offset()));
            if (lengthBytes < HEADER_BYTES || lengthBytes > block.byteSize() - offset) {
                break;
            }
            int type = block.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset + rtattr.rta_type$offset()) & TYPE_MASK;
            if (type < TYPES) {
                attributes.values[type] = block.asSlice(offset + HEADER_BYTES, lengthBytes - HEADER_BYTES);
            }
            offset += NetlinkMessage.align(lengthBytes);
        }
        return attributes;
    }

    /** Whether an attribute of this type is there, of whatever length. */
    boolean has(int type) {
        return values[type] != null;
    }

    /** A 32-bit value in host order, {@code absent} without it. */
    int u32(int type, int absent) {
        MemorySegment value = values[type];
        return value == null || value.byteSize() < Integer.BYTES
                ? absent
                : value.get(ValueLayout.JAVA_INT_UNALIGNED, 0);
    }

    /** A 16-bit value in host order, {@code absent} without it. */
    int u16(int type, int absent) {
        MemorySegment value = values[type];
        return value == null || value.byteSize() < Short.BYTES
                ? absent
                : Short.toUnsignedInt(value.get(ValueLayout.JAVA_SHORT_UNALIGNED, 0));
    }

    /** A 16-bit value in network order, {@code absent} without it. */
    int u16Be(int type, int absent) {
        MemorySegment value = values[type];
        return value == null || value.byteSize() < Short.BYTES
                ? absent
                : Short.toUnsignedInt(value.get(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN), 0));
    }

    /** A text up to its end or its first NUL, null without it. */
    @Nullable
    String text(int type) {
        MemorySegment value = values[type];
        if (value == null) {
            return null;
        }
        byte[] bytes = value.toArray(ValueLayout.JAVA_BYTE);
        int length = 0;
        while (length < bytes.length && bytes[length] != 0) {
            length++;
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    /** An address of 4 or 16 bytes, null without it. */
    @Nullable
    IpAddress address(int type) {
        return addressAt(type, 0);
    }

    /** The address inside a {@code struct rtvia}: a family of two bytes, then the address. */
    @Nullable
    IpAddress via(int type) {
        return addressAt(type, Short.BYTES);
    }

    private @Nullable IpAddress addressAt(int type, int offset) {
        MemorySegment value = values[type];
        if (value == null || (value.byteSize() != offset + 4 && value.byteSize() != offset + 16)) {
            return null;
        }
        return IpAddress.ofBytes(value.asSlice(offset).toArray(ValueLayout.JAVA_BYTE));
    }

    /** An Ethernet address as its 48-bit number, 0 without one of six bytes. */
    long mac(int type) {
        MemorySegment value = values[type];
        if (value == null || value.byteSize() != 6) {
            return 0;
        }
        long mac = 0;
        for (int i = 0; i < 6; i++) {
            mac = mac << 8 | Byte.toUnsignedLong(value.get(ValueLayout.JAVA_BYTE, i));
        }
        return mac;
    }

    /** The attributes nested inside one; none when it is absent. */
    NetlinkAttributes nested(int type) {
        return parse(value(type));
    }

    /** The bytes of an attribute; none when it is absent. */
    MemorySegment value(int type) {
        MemorySegment value = values[type];
        return value == null ? MemorySegment.NULL : value;
    }
}
