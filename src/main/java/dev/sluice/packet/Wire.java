package dev.sluice.packet;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Reads and writes of header fields: network byte order, any alignment, by absolute offset into one segment.
 *
 * <p>One segment is the whole UMEM, so nothing is sliced or allocated per packet. An offset outside the segment throws
 * {@link IndexOutOfBoundsException}; an offset outside the frame but inside the segment is for the caller to prevent.
 */
public final class Wire {
    private static final VarHandle U8 = ValueLayout.JAVA_BYTE.varHandle().withInvokeExactBehavior();
    private static final VarHandle U16 = ValueLayout.JAVA_SHORT_UNALIGNED
            .withOrder(ByteOrder.BIG_ENDIAN)
            .varHandle()
            .withInvokeExactBehavior();
    private static final VarHandle I32 = ValueLayout.JAVA_INT_UNALIGNED
            .withOrder(ByteOrder.BIG_ENDIAN)
            .varHandle()
            .withInvokeExactBehavior();
    private static final VarHandle I64 = ValueLayout.JAVA_LONG_UNALIGNED
            .withOrder(ByteOrder.BIG_ENDIAN)
            .varHandle()
            .withInvokeExactBehavior();

    private Wire() {}

    /** One octet, 0–255. */
    public static int u8(MemorySegment segment, long offset) {
        return (byte) U8.get(segment, offset) & 0xff;
    }

    /** Two octets, 0–65535. */
    public static int u16(MemorySegment segment, long offset) {
        return (short) U16.get(segment, offset) & 0xffff;
    }

    /** Four octets as a signed int. */
    public static int i32(MemorySegment segment, long offset) {
        return (int) I32.get(segment, offset);
    }

    /** Four octets, 0–2³²-1. */
    public static long u32(MemorySegment segment, long offset) {
        return (int) I32.get(segment, offset) & 0xffff_ffffL;
    }

    /** Eight octets as a signed long. */
    public static long i64(MemorySegment segment, long offset) {
        return (long) I64.get(segment, offset);
    }

    /** Writes the low eight bits of {@code value}. */
    public static void putU8(MemorySegment segment, long offset, int value) {
        U8.set(segment, offset, (byte) value);
    }

    /** Writes the low sixteen bits of {@code value}. */
    public static void putU16(MemorySegment segment, long offset, int value) {
        U16.set(segment, offset, (short) value);
    }

    /** Writes four octets. */
    public static void putI32(MemorySegment segment, long offset, int value) {
        I32.set(segment, offset, value);
    }

    /** Writes eight octets. */
    public static void putI64(MemorySegment segment, long offset, long value) {
        I64.set(segment, offset, value);
    }
}
