package dev.sluice.health;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** How the checks get on. Any thread. */
final class CheckCounts {
    private final AtomicInteger running = new AtomicInteger();
    private final LongAdder made = new LongAdder();
    private final Lateness lateness = new Lateness(System.nanoTime());

    /** A check begins, late by so much. */
    void began(long lateNs, long nowNs) {
        running.incrementAndGet();
        lateness.add(lateNs, nowNs);
    }

    void ended() {
        running.decrementAndGet();
        made.increment();
    }

    HealthChecks.Progress progress(int targets, int checks) {
        long nowNs = System.nanoTime();
        return new HealthChecks.Progress(
                targets, checks, running.get(), made.sum(), lateness.meanMs(nowNs), lateness.maxMs(nowNs));
    }
}
