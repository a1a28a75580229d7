package dev.sluice.health;

/**
 * Makes a target that fails again and again stay healthy longer before it counts as up, after BGP's route flap damping (RFC 2439):
 * each failure adds to a penalty, which decays. Guarded by its {@link TargetState}'s lock.
 *
 * <p>Three failures within about a minute are flapping, and it ends some minutes after the last. While it lasts, a check must
 * succeed as many times {@link Timing#rise} in a row as the penalty says, which is at most {@link #MAX_PENALTY}.
 */
final class FlapDamping {
    /** The time in which a penalty halves. */
    static final long HALF_LIFE_MS = 120_000;

    static final double MAX_PENALTY = 10;
    /** From here on a target is flapping ... */
    private static final double BEGIN = 2.5;
    /** ... and from here on no longer. */
    private static final double END = 1;

    private double penalty;
    private long penaltyAtMs;
    private boolean flapping;

    /** The target has failed. */
    void failed(long nowMs) {
        penalty = Math.min(MAX_PENALTY, penaltyAt(nowMs) + 1);
        penaltyAtMs = nowMs;
        flapping |= penalty >= BEGIN;
    }

    /** Looks whether flapping is over. */
    boolean isFlapping(long nowMs) {
        flapping &= penaltyAt(nowMs) >= END;
        return flapping;
    }

    /** How many times more successes in a row it takes now. */
    int factor(long nowMs) {
        return isFlapping(nowMs) ? (int) Math.ceil(penaltyAt(nowMs)) : 1;
    }

    private double penaltyAt(long nowMs) {
        return penalty * Math.pow(0.5, (double) (nowMs - penaltyAtMs) / HALF_LIFE_MS);
    }
}
