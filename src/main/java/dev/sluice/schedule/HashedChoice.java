package dev.sluice.schedule;

import java.util.Arrays;

/**
 * A choice in proportion to weight that depends on the flow's hash alone: how schedulers with a memory serve flows that
 * cannot be remembered. Immutable.
 */
final class HashedChoice {
    private final int[] ids;
    /** Sums of the weights up to and including each id's. */
    private final long[] cumulative;

    private final long total;

    /** A choice among {@code ids}; those of weight 0 are never chosen. */
    HashedChoice(int[] ids, int[] weights) {
        this.ids = ids;
        cumulative = new long[ids.length];
        long sum = 0;
        for (int i = 0; i < ids.length; i++) {
            sum += weights[i];
            cumulative[i] = sum;
        }
        total = sum;
    }

    /** The same id for the same hash, or {@link SchedulerTable#NO_REAL_SERVER}. */
    int choose(long hash) {
        if (total == 0) {
            return SchedulerTable.NO_REAL_SERVER;
        }
        long point = Math.unsignedMultiplyHigh(hash, total);
        // The first sum above the point. One past a weight-0 id's equal sum is the id that owns the interval.
        int at = Arrays.binarySearch(cumulative, point + 1);
        if (at < 0) {
            return ids[-at - 1];
        }
        while (at > 0 && cumulative[at - 1] == cumulative[at]) {
            at--;
        }
        return ids[at];
    }
}
