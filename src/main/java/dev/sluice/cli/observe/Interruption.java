package dev.sluice.cli.observe;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** SIGINT and SIGTERM: the command ends in good order, and with its own exit code, as tcpdump does. */
final class Interruption {
    /** Longer than a reading of the director takes. */
    private static final long PATIENCE_S = 8;

    private final CountDownLatch ended = new CountDownLatch(1);
    private final Thread hook = new Thread(this::shutDown, "sluice-interruption");
    private volatile boolean requested;
    private volatile int code;

    private Interruption() {}

    /** From now on. */
    static Interruption install() {
        Interruption interruption = new Interruption();
        Runtime.getRuntime().addShutdownHook(interruption.hook);
        return interruption;
    }

    private void shutDown() {
        requested = true;
        try {
            if (ended.await(PATIENCE_S, TimeUnit.SECONDS)) {
                Runtime.getRuntime().halt(code);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether the command is to end. */
    boolean isRequested() {
        return requested;
    }

    /** The command has ended; the exit code comes back. */
    int end(int exitCode) {
        code = exitCode;
        if (!requested) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // The signal came just now, and the hook ends the process.
                requested = true;
            }
        }
        ended.countDown();
        return exitCode;
    }
}
