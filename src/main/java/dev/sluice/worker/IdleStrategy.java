package dev.sluice.worker;

/** What a worker does when a duty cycle found nothing to do. Owned by: worker. */
public sealed interface IdleStrategy permits BusyIdleStrategy, AdaptiveIdleStrategy {
    /**
     * Called at the end of every duty cycle.
     *
     * @param workCount how many packets and completions the cycle handled; 0 means it was idle
     */
    void idle(int workCount);
}
