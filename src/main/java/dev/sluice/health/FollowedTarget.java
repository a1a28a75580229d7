package dev.sluice.health;

import dev.sluice.stats.LogField;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A target that is followed: its state behind a lock, and the telling of its changes, in their order and one at a time, without
 * that lock: a listener may take its time, and whoever changes the checks meanwhile does not wait for it. Any thread.
 */
final class FollowedTarget {
    private static final Logger LOG = System.getLogger(HealthMonitor.class.getName());

    private final Target target;
    private final HealthListener listener;
    private final InstantSource clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Queue<TargetHealth.Change> untold = new ArrayDeque<>();
    private final TargetState state;
    private boolean telling;
    private boolean flapping;
    private boolean removed;

    FollowedTarget(Target target, List<CheckState> checks, HealthListener listener, InstantSource clock) {
        this.target = target;
        this.listener = listener;
        this.clock = clock;
        state = new TargetState(checks, clock.instant());
    }

    Target target() {
        return target;
    }

    TargetHealth health() {
        lock.lock();
        try {
            return state.health(nowMs());
        } finally {
            lock.unlock();
        }
    }

    /** Takes a result, and tells of what it changed; whether it contradicts the check's state. */
    boolean take(CheckState check, CheckResult result, String destination, long durationMs) {
        boolean contradicted;
        lock.lock();
        try {
            if (removed || !state.checks().contains(check)) {
                return false;
            }
            Optional<TargetHealth.Change> change =
                    state.take(check, result, destination, clock.instant(), nowMs(), durationMs);
            change.ifPresent(untold::add);
            contradicted = check.isContradicted();
            noteFlapping();
        } finally {
            lock.unlock();
        }
        tell();
        return contradicted;
    }

    /** Has these checks from now on. Tells of what that changed on a thread of its own. */
    void replaceChecks(List<CheckState> checks) {
        lock.lock();
        try {
            Optional<TargetHealth.Change> change = state.replaceChecks(checks, clock.instant(), nowMs());
            change.ifPresent(untold::add);
            if (untold.isEmpty()) {
                return;
            }
        } finally {
            lock.unlock();
        }
        Thread.startVirtualThread(this::tell);
    }

    /** Tells nothing more. */
    void remove() {
        lock.lock();
        try {
            removed = true;
            untold.clear();
        } finally {
            lock.unlock();
        }
    }

    private void noteFlapping() {
        boolean now = state.isFlapping(nowMs());
        if (now != flapping) {
            flapping = now;
            LOG.log(
                    now ? Level.WARNING : Level.INFO,
                    now
                            ? "{0} of {1} keeps failing and recovering: it has to stay healthy longer before it is used again"
                            : "{0} of {1} has stopped failing and recovering",
                    LogField.real(target.address()),
                    LogField.service(target.service()));
        }
    }

    private void tell() {
        for (TargetHealth.Change change = next(false); change != null; change = next(true)) {
            try {
                listener.changed(target, change.up(), change.reason());
            } catch (RuntimeException e) {
                LOG.log(
                        Level.ERROR,
                        target + " is " + (change.up() ? "up" : "down") + ", and that was not acted on",
                        e);
            }
        }
    }

    /** The next change for the one thread that tells; null for a thread that is not the one, and at the end. */
    private TargetHealth.@Nullable Change next(boolean isTelling) {
        lock.lock();
        try {
            if (telling && !isTelling) {
                return null;
            }
            TargetHealth.Change change = untold.poll();
            telling = change != null;
            return change;
        } finally {
            lock.unlock();
        }
    }

    private static long nowMs() {
        return System.nanoTime() / 1_000_000;
    }
}
