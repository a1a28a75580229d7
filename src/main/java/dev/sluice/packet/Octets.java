package dev.sluice.packet;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Reads and writes of header fields by address: network byte order, any alignment. For the fast path, which has made sure of a
 * whole header at once that it lies inside the UMEM; whoever has not uses {@link Wire}, which checks each access. An address
 * outside the process's memory ends the process.
 */
public final class Octets {
    /**
     * What an address may have set: no user space goes beyond (56 bits are the most that any Linux port hands out). Cut to these
     * bits an address is never negative, nor with a header's offset added, so that the compiler need not check it.
     */
    public static final long ADDRESS_BITS = (1L << 56) - 1;

    private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

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

    private Octets() {}

    /** One octet, 0–255. */
    public static int u8(long address) {
        return (byte) U8.get(ALL, address) & 0xff;
    }

    /** Two octets, 0–65535. */
    public static int u16(long address) {
        return (short) U16.get(ALL, address) & 0xffff;
    }

    /** Four octets as a signed int. */
    public static int i32(long address) {
        return (int) I32.get(ALL, address);
    }

    /** Eight octets as a signed long. */
    public static long i64(long address) {
        return (long) I64.get(ALL, address);
    }

    /** Writes the low eight bits of {@code value}. */
    public static void putU8(long address, int value) {
        U8.set(ALL, address, (byte) value);
    }

    /** Writes the low sixteen bits of {@code value}. */
    public static void putU16(long address, int value) {
        U16.set(ALL, address, (short) value);
    }

    /** Writes four octets. */
    public static void putI32(long address, int value) {
        I32.set(ALL, address, value);
    }

    /** Writes eight octets. */
    public static void putI64(long address, long value) {
        I64.set(ALL, address, value);
    }
}
