package dev.sluice.worker;

/**
 * Watches how long duty cycles take. A long one means that the thread was held up: by a safepoint, by the scheduler, or
 * by a system call, and that packets waited in the rings.
 *
 * <p>Owned by: worker.
 */
final class StallTracker {
    /** A duty cycle of more than a millisecond is a stall: a ring of 2048 fills up in that time at 2 Mpps. */
    static final long STALL_NS = 1_000_000;

    private long longestNs;
    private long stalls;

    /** Takes in the duration of one duty cycle, its idling not included. */
    void onCycle(long durationNs) {
        if (durationNs > longestNs) {
            longestNs = durationNs;
        }
        if (durationNs > STALL_NS) {
            stalls++;
        }
    }

    /** The longest cycle so far. */
    long longestNs() {
        return longestNs;
    }

    /** Cycles longer than {@link #STALL_NS} so far. */
    long stalls() {
        return stalls;
    }
}
