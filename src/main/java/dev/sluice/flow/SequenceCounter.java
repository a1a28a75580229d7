package dev.sluice.flow;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Odd while one thread changes something that others read meanwhile; each change adds two. On cache lines of its own, so
 * that readers wait for changes only.
 */
final class SequenceCounter {
    private static final VarHandle CELL =
            MethodHandles.arrayElementVarHandle(long[].class).withInvokeExactBehavior();
    /** Longs before and behind. */
    private static final int PADDING = 16;

    private final long[] cells = new long[PADDING + 1 + PADDING];

    /** Before the first store of a change. Owner only. */
    void begin() {
        CELL.setOpaque(cells, PADDING, cells[PADDING] + 1);
        VarHandle.storeStoreFence();
    }

    /** After the last store of a change. Owner only. */
    void end() {
        CELL.setRelease(cells, PADDING, cells[PADDING] + 1);
    }

    /** The count, before whatever is read next. */
    long acquire() {
        return (long) CELL.getAcquire(cells, PADDING);
    }

    /** The count; a fence stands before. */
    long opaque() {
        return (long) CELL.getOpaque(cells, PADDING);
    }

    static boolean isEven(long count) {
        return (count & 1) == 0;
    }
}
