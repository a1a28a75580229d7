package dev.sluice.health;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/**
 * When one check begins: the n-th at the start and n intervals, each shifted at random by half the jitter at most, so that two
 * neighbours are closer or farther apart by no more than the jitter, and delays never add up. While the last result contradicts the
 * state the next one comes a retry interval after it instead. Beginnings that pass while a check still runs are left out.
 *
 * <p>Times are those of {@link System#nanoTime}. Owned by the check's thread.
 */
final class CheckSchedule {
    private final long startNs;
    private final long intervalNs;
    private final long retryIntervalNs;
    private final double shift;
    private final RandomGenerator random;
    private long nextNs;
    private long index;

    /** The first check begins at the start, without jitter. */
    CheckSchedule(long startNs, Timing timing, RandomGenerator random) {
        this.startNs = startNs;
        this.random = random;
        intervalNs = TimeUnit.MILLISECONDS.toNanos(timing.intervalMs());
        retryIntervalNs = TimeUnit.MILLISECONDS.toNanos(timing.retryIntervalMs());
        shift = timing.jitterPercent() / 100.0 / 2;
        nextNs = startNs;
    }

    /** When the next check is to begin. */
    long nextNs() {
        return nextNs;
    }

    /**
     * The check that was to begin at {@link #nextNs} is over.
     *
     * @param contradicted whether its result contradicts the state
     */
    void ended(long nowNs, boolean contradicted) {
        long beginningsSoFar = Math.ceilDiv(nowNs - startNs, intervalNs);
        if (contradicted) {
            nextNs = Math.max(nowNs, nextNs + shifted(retryIntervalNs));
            // The regular one that the retry takes the place of is not made as well.
            index = Math.max(index, (nextNs - startNs) / intervalNs);
        } else {
            index = Math.max(index + 1, beginningsSoFar);
            nextNs = Math.max(nowNs, startNs + index * intervalNs + shifted(intervalNs) - intervalNs);
        }
    }

    private long shifted(long lengthNs) {
        return shift == 0 ? lengthNs : lengthNs + (long) (lengthNs * random.nextDouble(-shift, shift));
    }
}
