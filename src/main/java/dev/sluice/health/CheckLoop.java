package dev.sluice.health;

import dev.sluice.stats.LogField;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Makes one check again and again, on a virtual thread of its own, until it is interrupted. */
final class CheckLoop implements Runnable {
    private static final Logger LOG = System.getLogger(HealthMonitor.class.getName());

    private final FollowedTarget target;
    private final CheckState state;
    private final Check check;
    private final Destination destination;
    private final String destinationText;
    private final CheckSchedule schedule;
    private final Semaphore atOnce;
    private final CheckCounts counts;
    private volatile boolean stopped;
    private boolean notMade;

    CheckLoop(
            FollowedTarget target,
            CheckState state,
            Check check,
            Destination destination,
            CheckSchedule schedule,
            Semaphore atOnce,
            CheckCounts counts) {
        this.target = target;
        this.state = state;
        this.check = check;
        this.destination = destination;
        destinationText = destination.toString();
        this.schedule = schedule;
        this.atOnce = atOnce;
        this.counts = counts;
    }

    CheckState state() {
        return state;
    }

    /** To be called before the thread is interrupted: what the check under way says is then not heard. */
    void stop() {
        stopped = true;
    }

    @Override
    public void run() {
        try {
            while (!stopped) {
                long waitNs = schedule.nextNs() - System.nanoTime();
                if (waitNs > 0) {
                    TimeUnit.NANOSECONDS.sleep(waitNs);
                }
                atOnce.acquire();
                boolean contradicted;
                try {
                    contradicted = makeOne();
                } finally {
                    atOnce.release();
                }
                schedule.ended(System.nanoTime(), contradicted);
            }
        } catch (InterruptedException e) {
            // Not wanted any more.
        }
    }

    private boolean makeOne() throws InterruptedException {
        long beganNs = System.nanoTime();
        counts.began(Math.max(0, beganNs - schedule.nextNs()), beganNs);
        CheckResult result;
        try {
            result = result();
        } finally {
            counts.ended();
        }
        if (stopped) {
            throw new InterruptedException();
        }
        noteNotMade(result);
        long durationMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - beganNs);
        return target.take(state, result, destinationText, durationMs);
    }

    private CheckResult result() throws InterruptedException {
        Deadline deadline = Deadline.in(state.spec().timing().timeoutMs());
        try {
            return check.result(destination, deadline);
        } catch (RuntimeException e) {
            // A fault of ours, and not to be taken for one of the real server.
            LOG.log(Level.ERROR, words() + " of " + target.target() + " failed by a fault of its own", e);
            return CheckResult.notMade("the check failed by a fault of its own: " + e);
        }
    }

    /** Says once that a check cannot be made, and once that it can again. */
    private void noteNotMade(CheckResult result) {
        boolean now = result.verdict() == CheckResult.Verdict.NOT_MADE;
        if (now != notMade) {
            notMade = now;
            LOG.log(
                    now ? Level.WARNING : Level.INFO,
                    now ? "{0} of {1} of {2} cannot be made: {3}" : "{0} of {1} of {2} can be made again",
                    words(),
                    LogField.real(target.target().address()),
                    LogField.service(target.target().service()),
                    result.text());
        }
    }

    private String words() {
        return "check " + state.spec().probe().keyword() + " " + destinationText;
    }
}
