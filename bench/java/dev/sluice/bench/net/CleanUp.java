package dev.sluice.bench.net;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What a benchmark must undo, last first: when it is closed, or when the JVM is told to end (Ctrl-C, SIGTERM) before that. Any
 * thread.
 */
public final class CleanUp implements AutoCloseable {
    private final Deque<AutoCloseable> undo = new ArrayDeque<>();
    private final Thread hook = new Thread(this::undoAll, "bench-clean-up");

    /** Begins with nothing to undo. */
    public CleanUp() {
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** Has something closed in the end, and gives it back. */
    public synchronized <T extends AutoCloseable> T add(T resource) {
        undo.push(resource);
        return resource;
    }

    /** Closes something now. */
    public void close(AutoCloseable resource) {
        synchronized (this) {
            if (!undo.remove(resource)) {
                return;
            }
        }
        tell(resource);
    }

    private void undoAll() {
        while (true) {
            AutoCloseable next;
            synchronized (this) {
                next = undo.poll();
            }
            if (next == null) {
                return;
            }
            tell(next);
        }
    }

    private static void tell(AutoCloseable resource) {
        try {
            resource.close();
        } catch (Exception e) {
            System.err.println("bench/run: cleaning up: " + e.getMessage());
        }
    }

    /** Closes all. What fails is said on standard error, and the rest is closed none the less. */
    @Override
    public void close() {
        undoAll();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // The JVM is ending, and the hook does the same.
        }
    }
}
