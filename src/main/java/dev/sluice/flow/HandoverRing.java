package dev.sluice.flow;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A bounded queue from one worker to another of flows that the first has taken over from the second: single producer, single
 * consumer, without locks (Lamport 1983; acquire and release as in FastForward-style rings). A flow is one cache line.
 *
 * <p>Each side keeps the other's index as it saw it last and reads it again only when that says full or empty.
 */
final class HandoverRing {
    private static final VarHandle CELL =
            MethodHandles.arrayElementVarHandle(long[].class).withInvokeExactBehavior();
    /** Longs of an entry. */
    private static final int STRIDE = 8;
    /** Longs that keep the two indices and their neighbours apart. */
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
    HandoverRing(int capacity) {
        if (Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException(capacity + " is no power of two");
        }
        cells = new long[ENTRIES + capacity * STRIDE + PADDING];
        mask = capacity - 1;
    }

    /**
     * Puts a flow in. Producer only.
     *
     * @return false when the ring is full
     */
    boolean offer(FlowCopy flow) {
        long tail = cells[TAIL];
        if (tail - cells[HEAD_SEEN] > mask) {
            cells[HEAD_SEEN] = (long) CELL.getAcquire(cells, HEAD);
            if (tail - cells[HEAD_SEEN] > mask) {
                return false;
            }
        }
        int at = ENTRIES + ((int) tail & mask) * STRIDE;
        cells[at] = flow.clientHigh;
        cells[at + 1] = flow.clientLow;
        cells[at + 2] = flow.virtualHigh;
        cells[at + 3] = flow.virtualLow;
        cells[at + 4] = flow.tuple;
        cells[at + 5] = pair(flow.hash, flow.realServer);
        cells[at + 6] = pair(flow.lastSeenMs, flow.packets);
        CELL.setRelease(cells, TAIL, tail + 1);
        return true;
    }

    /**
     * Takes the oldest flow out: its key, real server, time and packets. Consumer only.
     *
     * @return false when the ring is empty
     */
    boolean poll(FlowCopy into) {
        long head = cells[HEAD];
        if (head == cells[TAIL_SEEN]) {
            cells[TAIL_SEEN] = (long) CELL.getAcquire(cells, TAIL);
            if (head == cells[TAIL_SEEN]) {
                return false;
            }
        }
        int at = ENTRIES + ((int) head & mask) * STRIDE;
        into.clientHigh = cells[at];
        into.clientLow = cells[at + 1];
        into.virtualHigh = cells[at + 2];
        into.virtualLow = cells[at + 3];
        into.tuple = cells[at + 4];
        into.hash = (int) (cells[at + 5] >>> 32);
        into.realServer = (int) cells[at + 5];
        into.lastSeenMs = (int) (cells[at + 6] >>> 32);
        into.packets = (int) cells[at + 6];
        CELL.setRelease(cells, HEAD, head + 1);
        return true;
    }

    private static long pair(int high, int low) {
        return (long) high << 32 | Integer.toUnsignedLong(low);
    }
}
