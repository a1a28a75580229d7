package dev.sluice.forward.observe;

/**
 * So many a second, a tenth of them at once: a token bucket that is filled by the clock of the duty cycle. Owned by: worker.
 */
final class Allowance {
    private static final long NS_PER_S = 1_000_000_000;

    private final long costNs;
    private final long burstNs;
    private long creditNs;
    private long filledNs;

    /**
     * @param perSecond 1 to 1,000,000,000
     */
    Allowance(int perSecond, long nowNs) {
        costNs = Math.max(NS_PER_S / perSecond, 1);
        burstNs = Math.max(NS_PER_S / 10, costNs);
        creditNs = burstNs;
        filledNs = nowNs;
    }

    /** Lets time pass. */
    void fill(long nowNs) {
        creditNs = Math.min(burstNs, creditNs + Math.max(nowNs - filledNs, 0));
        filledNs = nowNs;
    }

    /** Whether there is one left. */
    boolean hasOne() {
        return creditNs >= costNs;
    }

    /** Takes one, if there is one. */
    boolean take() {
        if (creditNs < costNs) {
            return false;
        }
        creditNs -= costNs;
        return true;
    }
}
