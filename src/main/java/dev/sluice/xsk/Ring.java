package dev.sluice.xsk;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * What the four AF_XDP rings have in common: a power-of-two array between two free-running 32-bit indices, one written
 * by each side, in memory shared with the kernel.
 *
 * <p>The side that owns an index stores it with release after it has touched the entries; the other loads it with
 * acquire before it touches them (net/xdp/xsk_queue.h of the kernel tells the protocol). Indices wrap at 2^32, so that
 * only their differences mean something; all arithmetic on them is modulo 2^32.
 *
 * <p>Owned by: worker.
 */
public abstract sealed class Ring permits ProducerRing, ConsumerRing {
    /** {@code XDP_RING_NEED_WAKEUP} of linux/if_xdp.h, a constant here so that the JIT sees one. */
    private static final int NEED_WAKEUP = 1;

    /** {@code XDP_PKT_CONTD} of linux/if_xdp.h (Linux 6.6): the packet goes on in the next entry. */
    static final int CONTINUED = 1;

    static final VarHandle INT = ValueLayout.JAVA_INT.varHandle().withInvokeExactBehavior();
    static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();

    final MemorySegment memory;
    final long producerOffset;
    final long consumerOffset;
    final long entriesOffset;
    final int mask;
    private final long flagsOffset;

    Ring(Mapping mapping) {
        if (mapping.size <= 0 || Integer.bitCount(mapping.size) != 1) {
            throw new IllegalArgumentException("ring size " + mapping.size + " is no power of two");
        }
        memory = mapping.memory;
        producerOffset = mapping.producerOffset;
        consumerOffset = mapping.consumerOffset;
        flagsOffset = mapping.flagsOffset;
        entriesOffset = mapping.entriesOffset;
        mask = mapping.size - 1;
    }

    /** How many entries the ring has. */
    public final int size() {
        return mask + 1;
    }

    /** Whether the kernel asks for a system call before it looks at this ring again ({@code XDP_USE_NEED_WAKEUP}). */
    public final boolean needsWakeup() {
        return ((int) INT.getOpaque(memory, flagsOffset) & NEED_WAKEUP) != 0;
    }

    /**
     * Where a ring lies: one segment and the offsets of its parts in it.
     *
     * @param memory memory that both sides share
     * @param producerOffset of the 32-bit producer index, in bytes
     * @param consumerOffset of the 32-bit consumer index, in bytes
     * @param flagsOffset of the 32-bit flags, in bytes
     * @param entriesOffset of the first entry, in bytes
     * @param size number of entries, a power of two
     */
    public record Mapping(
            MemorySegment memory,
            long producerOffset,
            long consumerOffset,
            long flagsOffset,
            long entriesOffset,
            int size) {

        /**
         * Reads where libxdp mapped a ring.
         *
         * @param ring a {@code struct xsk_ring_prod} or {@code xsk_ring_cons}, which are laid out alike
         * @param entrySizeBytes of one entry
         * @param arena bounds the life of the segment, so that a use after the ring is unmapped throws, not crashes
         */
        static Mapping of(MemorySegment ring, long entrySizeBytes, Arena arena) {
            long producer = RingStruct.producer(ring);
            long consumer = RingStruct.consumer(ring);
            long flags = RingStruct.flags(ring);
            long entries = RingStruct.entries(ring);
            int size = RingStruct.size(ring);
            long base = Math.min(Math.min(producer, consumer), Math.min(flags, entries));
            long end = entries + size * entrySizeBytes;
            MemorySegment memory = MemorySegment.ofAddress(base).reinterpret(end - base, arena, null);
            return new Mapping(memory, producer - base, consumer - base, flags - base, entries - base, size);
        }
    }
}
