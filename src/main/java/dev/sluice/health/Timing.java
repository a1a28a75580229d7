package dev.sluice.health;

/**
 * When a check is made and how many results it takes to change its state.
 *
 * @param intervalMs from the beginning of one check to that of the next
 * @param retryIntervalMs the same while the last result contradicts the state
 * @param timeoutMs how long a check may take, all of it; what takes longer has failed
 * @param rise successes in a row that end a failure
 * @param fall failures in a row that are one
 * @param jitterPercent by how much of itself an interval may be shorter or longer, so that checks do not come in bursts
 * @param initiallyUp whether the real server counts as healthy until the first results say otherwise
 */
public record Timing(
        int intervalMs,
        int retryIntervalMs,
        int timeoutMs,
        int rise,
        int fall,
        int jitterPercent,
        boolean initiallyUp) {
    /** What a configuration gets that says nothing: every 5 s, 3 s to answer, down after 3 failures, up after 2 successes. */
    public static final Timing DEFAULT = new Timing(5_000, 1_000, 3_000, 2, 3, 10, true);

    /** Throws {@link IllegalArgumentException} for a time or count that is not positive, or a jitter outside 0–100. */
    public Timing {
        if (intervalMs <= 0 || retryIntervalMs <= 0 || timeoutMs <= 0 || rise <= 0 || fall <= 0) {
            throw new IllegalArgumentException("times and counts of a check are positive");
        }
        if (jitterPercent < 0 || jitterPercent > 100) {
            throw new IllegalArgumentException("jitter " + jitterPercent + " is outside 0-100 %");
        }
    }
}
