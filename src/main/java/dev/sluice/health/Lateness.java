package dev.sluice.health;

import java.util.concurrent.TimeUnit;

/** How late checks have begun in the last one to two seconds. Any thread. */
final class Lateness {
    private static final long WINDOW_NS = TimeUnit.SECONDS.toNanos(1);

    /** Sums of one second. */
    private record Window(long count, long sumNs, long maxNs) {
        static final Window EMPTY = new Window(0, 0, 0);

        Window plus(Window other) {
            return new Window(count + other.count, sumNs + other.sumNs, Math.max(maxNs, other.maxNs));
        }
    }

    private long windowStartNs;
    private Window before = Window.EMPTY;
    private long count;
    private long sumNs;
    private long maxNs;

    Lateness(long nowNs) {
        windowStartNs = nowNs;
    }

    /** A check begins now that was to begin so much earlier. */
    synchronized void add(long lateNs, long nowNs) {
        roll(nowNs);
        count++;
        sumNs += lateNs;
        maxNs = Math.max(maxNs, lateNs);
    }

    private void roll(long nowNs) {
        long passedNs = nowNs - windowStartNs;
        if (passedNs >= WINDOW_NS) {
            before = passedNs < 2 * WINDOW_NS ? new Window(count, sumNs, maxNs) : Window.EMPTY;
            windowStartNs = nowNs;
            count = 0;
            sumNs = 0;
            maxNs = 0;
        }
    }

    private synchronized Window recent(long nowNs) {
        roll(nowNs);
        return before.plus(new Window(count, sumNs, maxNs));
    }

    /** The mean; 0 without checks. */
    double meanMs(long nowNs) {
        Window recent = recent(nowNs);
        return recent.count == 0 ? 0 : recent.sumNs / 1e6 / recent.count;
    }

    /** The latest. */
    long maxMs(long nowNs) {
        return TimeUnit.NANOSECONDS.toMillis(recent(nowNs).maxNs);
    }
}
