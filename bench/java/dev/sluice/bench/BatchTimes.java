package dev.sluice.bench;

import java.util.Arrays;

/**
 * How long batches of operations took. Their median hides what has nothing to do with the operation: batches during which
 * the thread was preempted or an interrupt came. Reading the clock costs a batch of 64 less than half a nanosecond an operation.
 */
final class BatchTimes {
    private long[] ns = new long[1 << 12];
    private int count;

    void add(long batchNs) {
        if (count == ns.length) {
            ns = Arrays.copyOf(ns, 2 * count);
        }
        ns[count++] = batchNs;
    }

    /** Nanoseconds an operation in the median batch, or NaN without any. */
    double median(int operationsABatch) {
        if (count == 0) {
            return Double.NaN;
        }
        long[] sorted = Arrays.copyOf(ns, count);
        Arrays.sort(sorted);
        return (double) sorted[count / 2] / operationsABatch;
    }
}
