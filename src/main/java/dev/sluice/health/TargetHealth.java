package dev.sluice.health;

import java.time.Instant;
import java.util.List;

/**
 * The state of a target and how it came to it. Immutable.
 *
 * @param up whether all its checks say that it is healthy
 * @param since when it came to be so, or to be followed
 * @param reason what made it so, in words
 * @param flapping whether it changes so often that it has to stay healthy longer before it counts as up again
 * @param checks its checks in the order of the configuration
 * @param history its latest changes, newest last
 */
public record TargetHealth(
        boolean up, Instant since, String reason, boolean flapping, List<CheckHealth> checks, List<Change> history) {
    /** Copies the lists. */
    public TargetHealth {
        checks = List.copyOf(checks);
        history = List.copyOf(history);
    }

    /**
     * One of its checks.
     *
     * @param spec what is checked
     * @param up what it says
     * @param lastSuccess whether the latest result was a success
     * @param lastResult the latest result in words, empty before the first
     * @param lastAt when that was; the epoch before the first
     * @param lastDurationMs how long it took
     * @param streak results in a row that were like the latest
     * @param successes all its successes
     * @param failures all its failures
     */
    public record CheckHealth(
            CheckSpec spec,
            boolean up,
            boolean lastSuccess,
            String lastResult,
            Instant lastAt,
            long lastDurationMs,
            int streak,
            long successes,
            long failures) {}

    /** A change of the target's state. */
    public record Change(Instant at, boolean up, String reason) {}
}
