package dev.sluice.neighbour;

import java.util.Comparator;
import java.util.HashSet;
import java.util.PriorityQueue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * When which neighbour is to be asked for next, and no more of them a second than a network should see: with thousands
 * of real servers down, their broadcasts must not become a flood. Earliest first, so that nobody starves.
 *
 * <p>Owned by: control thread. Times are milliseconds of any monotonic clock.
 *
 * @param <T> whom to ask; compared by {@code equals}
 */
final class ProbeSchedule<T> {
    private record Probe<T>(T target, long dueMs) {}

    private final PriorityQueue<Probe<T>> queue = new PriorityQueue<>(Comparator.comparingLong(Probe::dueMs));
    private final Set<T> queued = new HashSet<>();
    private final int perSecond;
    private final int burst;
    private double allowance;
    private long refilledMs;

    /**
     * An empty schedule.
     *
     * @param perSecond how many probes a second in the long run
     * @param burst how many at once after a silence
     */
    ProbeSchedule(int perSecond, int burst) {
        this.perSecond = perSecond;
        this.burst = burst;
        this.allowance = burst;
    }

    /** Asks for a probe at the time given; one that is already to come stays where it is. */
    void at(T target, long dueMs) {
        if (queued.add(target)) {
            queue.add(new Probe<>(target, dueMs));
        }
    }

    /** Takes the next one that is due and within the rate, null when there is none. */
    @Nullable
    T poll(long nowMs) {
        refill(nowMs);
        Probe<T> next = queue.peek();
        if (next == null || next.dueMs > nowMs || allowance < 1) {
            return null;
        }
        queue.remove();
        queued.remove(next.target);
        allowance--;
        return next.target;
    }

    /** Gives back the allowance of a probe that turned out to be needless. */
    void unused() {
        allowance = Math.min(burst, allowance + 1);
    }

    /** When {@link #poll} may next have something, {@code Long.MAX_VALUE} for never. */
    long nextMs(long nowMs) {
        refill(nowMs);
        Probe<T> next = queue.peek();
        if (next == null) {
            return Long.MAX_VALUE;
        }
        long allowedMs = allowance >= 1 ? nowMs : nowMs + (long) Math.ceil((1 - allowance) * 1000 / perSecond);
        return Math.max(next.dueMs, allowedMs);
    }

    private void refill(long nowMs) {
        if (nowMs > refilledMs) {
            allowance = Math.min(burst, allowance + (nowMs - refilledMs) * (double) perSecond / 1000);
        }
        refilledMs = nowMs;
    }
}
