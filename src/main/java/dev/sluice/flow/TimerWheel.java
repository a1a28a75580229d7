package dev.sluice.flow;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * When each slot of a flow table is to be looked at: a hashed timer wheel (Varghese and Lauck, scheme 6) of
 * {@value #BUCKETS} buckets of {@value #TICK_MS} ms. Owned by: worker.
 *
 * <p>A bucket is a doubly linked list of slots, so that a slot leaves or moves in constant time. The links lie in memory of
 * their own, {@value #LINK_BYTES} bytes a slot: entries are full cache lines, and a packet touches no link.
 *
 * <p>A slot whose time is further away than the wheel reaches stands in the last bucket and is looked at early; the caller
 * then enters it again. The same serves timers that were started anew since: nobody moves them until their bucket is due.
 */
final class TimerWheel {
    static final int BUCKETS = 4096;
    static final int TICK_MS = 256;
    static final int LINK_BYTES = 8;
    /** No slot. */
    static final int NONE = -1;

    private static final int TICK_SHIFT = 8;
    private static final int BUCKET_MASK = BUCKETS - 1;
    private static final int PREVIOUS = 4;

    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle().withInvokeExactBehavior();

    /**
     * Two ints a slot: the next of its list plus 1, or 0; the previous plus 1, or for the first of a list the bucket's
     * complement. Zero is the end, so that fresh memory needs no preparation.
     */
    private final MemorySegment links;

    /** The first slot of each bucket plus 1, or 0. */
    private final int[] heads = new int[BUCKETS];
    /** The earliest tick that may hold slots. */
    private long tick;

    /**
     * An empty wheel.
     *
     * @param slots are numbered below this
     * @param memory gives zeroed memory
     */
    TimerWheel(int slots, SegmentAllocator memory) {
        links = memory.allocate((long) slots * LINK_BYTES, LINK_BYTES);
    }

    /** Sets the hands of an empty wheel. */
    void restart(long nowMs) {
        tick = nowMs >> TICK_SHIFT;
    }

    /** Enters a slot that is not in the wheel, to be looked at once {@code deadlineMs} has passed, or earlier. */
    void add(int slot, long deadlineMs) {
        long due = Math.clamp(deadlineMs >> TICK_SHIFT, tick, tick + BUCKET_MASK);
        int bucket = (int) due & BUCKET_MASK;
        int next = heads[bucket];
        setNext(slot, next);
        setPrevious(slot, ~bucket);
        if (next != 0) {
            setPrevious(next - 1, slot + 1);
        }
        heads[bucket] = slot + 1;
    }

    /** Takes a slot out. */
    void remove(int slot) {
        int next = next(slot);
        int previous = previous(slot);
        if (previous < 0) {
            heads[~previous] = next;
        } else {
            setNext(previous - 1, next);
        }
        if (next != 0) {
            setPrevious(next - 1, previous);
        }
    }

    /** The slot is called {@code to} from now on, which is not in the wheel. */
    void move(int slot, int to) {
        int next = next(slot);
        int previous = previous(slot);
        setNext(to, next);
        setPrevious(to, previous);
        if (previous < 0) {
            heads[~previous] = to + 1;
        } else {
            setNext(previous - 1, to + 1);
        }
        if (next != 0) {
            setPrevious(next - 1, to + 1);
        }
    }

    /** Whether there are buckets left whose time has passed. */
    boolean isBehind(long nowMs) {
        return tick < nowMs >> TICK_SHIFT;
    }

    /** A slot of the earliest bucket, or {@link #NONE}. */
    int first() {
        return heads[(int) tick & BUCKET_MASK] - 1;
    }

    /** The slot behind another one of its list, or {@link #NONE}. */
    int after(int slot) {
        return next(slot) - 1;
    }

    /** Loads a slot's line: something that depends on it. */
    long touch(int slot) {
        return next(slot);
    }

    /** Leaves the earliest bucket, which is empty. */
    void advance() {
        tick++;
    }

    private int next(int slot) {
        return (int) INT.get(links, (long) slot * LINK_BYTES);
    }

    private int previous(int slot) {
        return (int) INT.get(links, (long) slot * LINK_BYTES + PREVIOUS);
    }

    private void setNext(int slot, int value) {
        INT.set(links, (long) slot * LINK_BYTES, value);
    }

    private void setPrevious(int slot, int value) {
        INT.set(links, (long) slot * LINK_BYTES + PREVIOUS, value);
    }
}
