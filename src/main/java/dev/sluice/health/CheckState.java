package dev.sluice.health;

import java.time.Instant;

/** What the results of one check have made of it. Guarded by its {@link TargetState}'s lock. */
final class CheckState {
    private final CheckSpec spec;
    private boolean up;
    private boolean lastSuccess;
    private String lastResult = "";
    private Instant lastAt = Instant.EPOCH;
    private long lastDurationMs;
    private int streak;
    private long successes;
    private long failures;

    CheckState(CheckSpec spec) {
        this.spec = spec;
        up = spec.timing().initiallyUp();
        lastSuccess = up;
    }

    CheckSpec spec() {
        return spec;
    }

    boolean isUp() {
        return up;
    }

    /**
     * Takes a result.
     *
     * @param riseFactor how many times more successes than usual end a failure
     * @return whether the state changed
     */
    boolean take(CheckResult result, int riseFactor, Instant at, long durationMs) {
        lastResult = result.text();
        lastAt = at;
        lastDurationMs = durationMs;
        if (result.verdict() == CheckResult.Verdict.NOT_MADE) {
            return false;
        }
        boolean success = result.verdict() == CheckResult.Verdict.HEALTHY;
        streak = success == lastSuccess ? Math.min(streak, Integer.MAX_VALUE - 1) + 1 : 1;
        lastSuccess = success;
        if (success) {
            successes++;
        } else {
            failures++;
        }
        long needed = success
                ? (long) spec.timing().rise() * riseFactor
                : spec.timing().fall();
        if (success == up || streak < needed) {
            return false;
        }
        up = success;
        return true;
    }

    /** Whether the latest result says otherwise than the state. */
    boolean isContradicted() {
        return lastSuccess != up;
    }

    TargetHealth.CheckHealth health() {
        return new TargetHealth.CheckHealth(
                spec, up, lastSuccess, lastResult, lastAt, lastDurationMs, streak, successes, failures);
    }
}
