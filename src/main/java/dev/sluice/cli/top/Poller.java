package dev.sluice.cli.top;

import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.stats.DirectorStats;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Asks the director again and again, on a thread of its own, so that keys are answered while a director does not. The director may
 * go and come back.
 */
final class Poller {
    /** How soon a changed interval is noticed, in milliseconds. */
    private static final long STEP_MS = 50;

    private final AdminClient director;
    private final DoubleSupplier delayS;

    // Guarded by this.
    private @Nullable DirectorStats latest;
    private @Nullable Interval interval;
    private String notice = "";
    private long changes;

    /**
     * What is known.
     *
     * @param interval the latest; null before there are two readings
     * @param notice what is wrong, empty for nothing
     * @param changes another number when anything else is
     */
    record Known(@Nullable Interval interval, String notice, long changes) {}

    /**
     * @param delayS how long to wait between two readings, asked again and again
     */
    Poller(AdminClient director, DoubleSupplier delayS) {
        this.director = director;
        this.delayS = delayS;
    }

    /** Begins. */
    void start() {
        Thread.ofPlatform().name("sluice-top-poller").daemon().start(this::run);
    }

    private void run() {
        while (true) {
            long startNs = System.nanoTime();
            read();
            try {
                do {
                    Thread.sleep(STEP_MS);
                } while ((System.nanoTime() - startNs) / 1e9 < delayS.getAsDouble());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void read() {
        try {
            took(director.ask("stats", DirectorStats.class));
        } catch (AdminException e) {
            failed(String.valueOf(e.getMessage()));
        }
    }

    /** Takes in a reading. */
    synchronized void took(DirectorStats reading) {
        DirectorStats before = latest;
        latest = reading;
        changes++;
        if (before == null) {
            notice = "";
            return;
        }
        Interval grown = Interval.between(before, reading).orElse(null);
        if (grown != null) {
            interval = grown;
            notice = "";
        } else if (before.pid() != reading.pid()) {
            notice = "another director answers now, pid " + reading.pid() + ": rates begin anew";
        }
    }

    /** Takes in that there was none. */
    synchronized void failed(String why) {
        notice = why + "; trying again";
        changes++;
    }

    synchronized Known known() {
        return new Known(interval, notice, changes);
    }
}
