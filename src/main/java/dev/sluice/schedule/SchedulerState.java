package dev.sluice.schedule;

import org.jspecify.annotations.Nullable;

/**
 * What one worker remembers about one service between two picks. Owned by: worker. Made when the worker first schedules
 * for the service, then kept across all later tables of it.
 */
public final class SchedulerState {
    /** The table that {@link #cursor} points into. */
    @Nullable
    SchedulerTable seen;
    /** Position of the real server picked last, -1 for the head of the list. */
    int cursor = -1;
    /** The weight that a real server must have to be picked now; {@code wrr} only. */
    int currentWeight;

    /** A state that has seen nothing yet. */
    public SchedulerState() {}

    void reset() {
        cursor = -1;
        currentWeight = 0;
    }
}
