package dev.sluice.schedule;

import org.jspecify.annotations.Nullable;

/**
 * What one worker remembers about one service between two picks. Owned by: worker. Made when the worker first schedules
 * for the service, then kept across all later tables of it.
 */
public final class SchedulerState {
    /** What the schedulers that compare loads see of all workers' connections. */
    final ConnectionCounts counts;

    /** The table that {@link #cursor} points into. */
    @Nullable
    SchedulerTable seen;
    /** Position of the real server picked last, -1 for the head of the list. */
    int cursor = -1;
    /** The weight that a real server must have to be picked now; {@code wrr} only. */
    int currentWeight;
    /** The random generator's state, 0 before the first number; {@code twos} only. */
    long random;
    /** Which real servers serve which VIP; {@code lblc} and {@code lblcr} only. */
    @Nullable
    DestinationCache destinations;

    /** A state that has seen nothing yet and no connections to compare. */
    public SchedulerState() {
        this(ConnectionCounts.NONE);
    }

    /** A state that has seen nothing yet. */
    public SchedulerState(ConnectionCounts counts) {
        this.counts = counts;
    }

    void reset() {
        cursor = -1;
        currentWeight = 0;
        destinations = null;
    }
}
