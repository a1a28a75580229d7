package dev.sluice.control;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Sends the service manager's watchdog a beat while the director does its work: the control thread, which calls {@link #turn},
 * turns, and every worker has completed duty cycles since the beat before. One worker that is stuck is enough for no beat to be sent
 * any more; a director that cannot forward is better started anew than left as it is.
 *
 * <p>Owned by: control thread.
 */
final class Watchdog {
    /** Beats in the time that the service manager waits for one; systemd wants two at least. */
    private static final int BEATS = 4;

    private static final Logger LOG = System.getLogger(Watchdog.class.getName());

    private final long intervalNs;
    private final Runnable beat;
    private final List<LongSupplier> cycles;
    private final long[] before;
    private long beatNs;
    private boolean warned;

    /**
     * @param timeoutNs how long the service manager waits; 0 when it does not
     * @param beat sends a beat
     * @param cycles each worker's duty cycles so far
     * @param nowNs the time, {@link System#nanoTime}
     */
    Watchdog(long timeoutNs, Runnable beat, List<LongSupplier> cycles, long nowNs) {
        intervalNs = timeoutNs / BEATS;
        this.beat = beat;
        this.cycles = List.copyOf(cycles);
        before = new long[cycles.size()];
        for (int i = 0; i < before.length; i++) {
            before[i] = cycles.get(i).getAsLong();
        }
        beatNs = nowNs;
    }

    /** The control thread has turned. */
    void turn(long nowNs) {
        if (intervalNs == 0 || nowNs - beatNs < intervalNs) {
            return;
        }
        for (int i = 0; i < before.length; i++) {
            if (cycles.get(i).getAsLong() == before[i]) {
                complain(i, nowNs);
                return;
            }
        }
        for (int i = 0; i < before.length; i++) {
            before[i] = cycles.get(i).getAsLong();
        }
        beatNs = nowNs;
        warned = false;
        beat.run();
    }

    private void complain(int worker, long nowNs) {
        if (!warned) {
            warned = true;
            LOG.log(
                    Level.ERROR,
                    "worker {0} has completed no duty cycle for {1} ms; the service manager''s watchdog is not told"
                            + " that all is well until it does",
                    Integer.toString(worker),
                    Long.toString((nowNs - beatNs) / 1_000_000));
        }
    }
}
