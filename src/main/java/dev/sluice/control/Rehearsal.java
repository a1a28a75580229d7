package dev.sluice.control;

import dev.sluice.control.config.DirectorConfig;
import dev.sluice.control.warmup.WarmUp;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;

/**
 * The warm-up of a start, beside the start's other work. What goes wrong in it is logged and holds up nothing: a director that was not
 * warmed is slow for some milliseconds.
 *
 * <p>Owned by: control thread.
 */
final class Rehearsal implements AutoCloseable {
    /** Far more than the configured time takes: at a million packets even the interpreter has seen everything often enough. */
    private static final long MAX_PACKETS = 1_000_000;

    private static final Logger LOG = System.getLogger(Rehearsal.class.getName());

    private final Thread thread;

    private Rehearsal(Thread thread) {
        this.thread = thread;
    }

    /** Begins. The time that {@code settings} give counts from here. */
    static Rehearsal begin(DirectorConfig settings, WarmUp.Setting setting, SnapshotCompiler.Compiled compiled) {
        Thread thread = Thread.ofPlatform()
                .name("sluice-rehearsal")
                .daemon()
                .unstarted(() -> rehearse(settings.warmUpMs(), setting, compiled));
        if (settings.warmUpMs() > 0) {
            thread.start();
        }
        return new Rehearsal(thread);
    }

    private static void rehearse(int durationMs, WarmUp.Setting setting, SnapshotCompiler.Compiled compiled) {
        try {
            long packets = new WarmUp(setting, compiled.snapshot(), compiled.services()).run(durationMs, MAX_PACKETS);
            LOG.log(Level.DEBUG, "rehearsed with {0} packets", packets);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "no warm-up: {0}; the first packets will take longer", e.getMessage());
        }
    }

    /** Waits for its end. */
    void await() throws InterruptedException {
        thread.join();
    }

    @Override
    public void close() throws InterruptedException {
        await();
    }
}
