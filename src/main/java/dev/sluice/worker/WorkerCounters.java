package dev.sluice.worker;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** The values of {@link WorkerCounter}: written by the worker alone, read by anyone. */
public final class WorkerCounters {
    private static final VarHandle ELEMENT = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] values = new long[WorkerCounter.values().length];

    /** The value now. Any thread. */
    public long get(WorkerCounter counter) {
        return (long) ELEMENT.getOpaque(values, counter.index());
    }

    /** Adds to a counter. Owned by: worker. */
    void add(WorkerCounter counter, long amount) {
        // Only the worker writes, so the read need not be opaque; the store must not be torn or held back for ever.
        ELEMENT.setOpaque(values, counter.index(), values[counter.index()] + amount);
    }

    /** Sets a gauge. Owned by: worker. */
    void set(WorkerCounter counter, long value) {
        ELEMENT.setOpaque(values, counter.index(), value);
    }
}
