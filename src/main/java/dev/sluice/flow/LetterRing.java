package dev.sluice.flow;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A bounded queue of words from one worker to another: single producer, single consumer, without locks, as {@link HandoverRing}
 * is one of flows.
 */
final class LetterRing {
    /** In place of a word: there is none. */
    static final long EMPTY = Long.MIN_VALUE;

    private static final VarHandle CELL =
            MethodHandles.arrayElementVarHandle(long[].class).withInvokeExactBehavior();
    private static final int PADDING = 16;
    private static final int TAIL = PADDING;
    private static final int HEAD_SEEN = TAIL + 1;
    private static final int HEAD = 2 * PADDING;
    private static final int TAIL_SEEN = HEAD + 1;
    private static final int ENTRIES = 3 * PADDING;

    private final long[] cells;
    private final int mask;

    /**
     * An empty ring.
     *
     * @param capacity a power of two
     */
    LetterRing(int capacity) {
        if (Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException(capacity + " is no power of two");
        }
        cells = new long[ENTRIES + capacity + PADDING];
        mask = capacity - 1;
    }

    /** Puts a word in, which is not {@link #EMPTY}; false when the ring is full. Producer only. */
    boolean offer(long word) {
        long tail = cells[TAIL];
        if (tail - cells[HEAD_SEEN] > mask) {
            cells[HEAD_SEEN] = (long) CELL.getAcquire(cells, HEAD);
            if (tail - cells[HEAD_SEEN] > mask) {
                return false;
            }
        }
        cells[ENTRIES + ((int) tail & mask)] = word;
        CELL.setRelease(cells, TAIL, tail + 1);
        return true;
    }

    /** Takes the oldest word out, or {@link #EMPTY}. Consumer only. */
    long poll() {
        long head = cells[HEAD];
        if (head == cells[TAIL_SEEN]) {
            cells[TAIL_SEEN] = (long) CELL.getAcquire(cells, TAIL);
            if (head == cells[TAIL_SEEN]) {
                return EMPTY;
            }
        }
        long word = cells[ENTRIES + ((int) head & mask)];
        CELL.setRelease(cells, HEAD, head + 1);
        return word;
    }
}
