package dev.sluice.worker;

/** Never sleeps: the lowest latency, at the price of a whole processor. For a director on processors of its own. */
public final class BusyIdleStrategy implements IdleStrategy {
    @Override
    public void idle(int workCount) {
        if (workCount == 0) {
            Thread.onSpinWait();
        }
    }
}
