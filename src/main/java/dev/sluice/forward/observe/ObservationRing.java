package dev.sluice.forward.observe;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * A bounded queue of slots of equal size outside the heap, from one worker to one reader, without locks (Lamport 1983; acquire
 * and release as in FastForward-style rings). The worker writes into the slot that it has claimed, and publishes it; when there is none
 * it goes on without. The memory belongs to whoever made the ring, and may be released when the worker has acknowledged that it observes
 * no more and nobody reads.
 */
public final class ObservationRing {
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();

    /** No free slot. */
    public static final long FULL = -1;
    /** Nothing to read. */
    public static final long EMPTY = -1;

    // Producer's and consumer's index on lines that the other does not write, each with its copy of the other's.
    private static final long TAIL = 128;
    private static final long HEAD_SEEN = TAIL + Long.BYTES;
    private static final long HEAD = 384;
    private static final long TAIL_SEEN = HEAD + Long.BYTES;
    private static final long SLOTS = 512;
    private static final int ALIGNMENT = 64;

    private final MemorySegment memory;
    private final long slotBytes;
    private final int mask;

    /**
     * An empty ring.
     *
     * @param slots a power of two
     * @param slotBytes at least so much in each
     * @param allocator gives zeroed memory
     */
    public ObservationRing(int slots, int slotBytes, SegmentAllocator allocator) {
        if (Integer.bitCount(slots) != 1) {
            throw new IllegalArgumentException(slots + " is no power of two");
        }
        this.slotBytes = (slotBytes + ALIGNMENT - 1L) & -ALIGNMENT;
        mask = slots - 1;
        memory = allocator.allocate(SLOTS + slots * this.slotBytes, ALIGNMENT);
    }

    /** How many slots there are. */
    public int slots() {
        return mask + 1;
    }

    /** Where offsets of slots count from. */
    public MemorySegment memory() {
        return memory;
    }

    /** The offset of a slot to write to, the same until {@link #publish}; {@link #FULL} when there is none. Producer only. */
    public long claim() {
        long tail = (long) LONG.get(memory, TAIL);
        if (tail - (long) LONG.get(memory, HEAD_SEEN) > mask) {
            long head = (long) LONG.getAcquire(memory, HEAD);
            LONG.set(memory, HEAD_SEEN, head);
            if (tail - head > mask) {
                return FULL;
            }
        }
        return SLOTS + (tail & mask) * slotBytes;
    }

    /** Hands over the slot just claimed. Producer only. */
    public void publish() {
        LONG.setRelease(memory, TAIL, (long) LONG.get(memory, TAIL) + 1);
    }

    /** The offset of the oldest slot, the same until {@link #release}, or {@link #EMPTY}. Consumer only. */
    public long peek() {
        long head = (long) LONG.get(memory, HEAD);
        if (head == (long) LONG.get(memory, TAIL_SEEN)) {
            long tail = (long) LONG.getAcquire(memory, TAIL);
            LONG.set(memory, TAIL_SEEN, tail);
            if (head == tail) {
                return EMPTY;
            }
        }
        return SLOTS + (head & mask) * slotBytes;
    }

    /** Gives the slot just peeked back. Consumer only. */
    public void release() {
        LONG.setRelease(memory, HEAD, (long) LONG.get(memory, HEAD) + 1);
    }
}
