package dev.sluice.bench.net;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;

/**
 * The highest rate without loss, by halving as in RFC 2544 section 26.1: trials of equal length between a rate that passes and
 * one that does not, until they are closer than the resolution. A rate passes when no more than the tolerated share of what
 * was sent is lost. A rate that the generator cannot offer does not pass.
 */
final class LossSearch {
    /**
     * What was found.
     *
     * @param perSecond the highest rate that passed, 0 for none
     * @param trials all trials in their order
     */
    record Result(long perSecond, List<Trial> trials) {}

    private final double resolution;
    private final double tolerated;
    private final int attempts;

    /**
     * Rules of a search.
     *
     * @param resolution by which part of the highest rate the result may be too low: 0.01
     * @param tolerated which share of packets may be lost: 0 as in the RFC
     * @param attempts how often a rate is tried before it counts as lossy: more than 1 forgives what the machine does besides
     */
    LossSearch(double resolution, double tolerated, int attempts) {
        if (!(resolution > 0 && resolution < 1)) {
            throw new IllegalArgumentException("the resolution must be above 0 and below 1, not " + resolution);
        }
        if (!(tolerated >= 0 && tolerated < 1)) {
            throw new IllegalArgumentException("the tolerated loss must be 0 or more and below 1, not " + tolerated);
        }
        this.resolution = resolution;
        this.tolerated = tolerated;
        this.attempts = Math.max(attempts, 1);
    }

    /** Searches from 0 up to {@code highest} packets a second, which is tried first. */
    Result search(long highest, LongFunction<Trial> trial) {
        List<Trial> trials = new ArrayList<>();
        long passed = 0;
        long failed = highest;
        if (passes(highest, trial, trials)) {
            return new Result(highest, trials);
        }
        while (failed - passed > Math.max(resolution * highest, 1)) {
            long middle = passed + (failed - passed) / 2;
            if (passes(middle, trial, trials)) {
                passed = middle;
            } else {
                failed = middle;
            }
        }
        return new Result(passed, trials);
    }

    private boolean passes(long rate, LongFunction<Trial> trial, List<Trial> trials) {
        for (int attempt = 0; attempt < attempts; attempt++) {
            Trial result = trial.apply(rate);
            trials.add(result);
            if (result.wasOffered() && result.lost() <= tolerated) {
                return true;
            }
        }
        return false;
    }
}
