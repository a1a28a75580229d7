package dev.sluice.control;

import dev.sluice.control.admin.AdminException;
import dev.sluice.ffi.EventFd;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Brings what other threads want done to the control thread, one after the other, and the outcome back. Who waits for it can
 * neither hold up the control thread nor the others; it gives up after a while: what it asked for is then not begun any
 * more, but may be under way. The control thread looks after everything else between any two.
 */
final class ControlQueue implements AutoCloseable {
    private static final Logger LOG = System.getLogger(ControlQueue.class.getName());

    /** Several times what a change takes that waits for ARP and for workers. */
    private static final int TIMEOUT_S = 30;

    /**
     * How many may wait. Fewer than the connections that are served at once, so that those which do not wait for the control
     * thread are answered however many do.
     */
    static final int MAX_WAITING = 48;

    private final EventFd wakeUp = EventFd.open();
    private final Queue<Task<?>> tasks = new ArrayDeque<>();
    private boolean closed;

    /** Something to be done on the control thread. */
    @FunctionalInterface
    interface Action<T> {
        T run() throws AdminException, InterruptedException;
    }

    private record Task<T>(Action<T> action, CompletableFuture<T> outcome) {
        void run() {
            if (outcome.isDone()) {
                // Whoever wanted it has given up; so it does not happen behind its back.
                return;
            }
            try {
                outcome.complete(action.run());
            } catch (AdminException e) {
                outcome.completeExceptionally(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                outcome.completeExceptionally(stopping());
            } catch (RuntimeException e) {
                LOG.log(Level.ERROR, "a change failed", e);
                outcome.completeExceptionally(e);
            }
        }
    }

    /**
     * Has something done on the control thread and waits for its outcome. Any other thread.
     *
     * @throws AdminException what the action threw, {@code not_ready} when the director stops, {@code busy} when too many
     *     wait already, {@code timeout}
     */
    <T> T call(Action<T> action) throws AdminException {
        Task<T> task = new Task<>(action, new CompletableFuture<>());
        synchronized (tasks) {
            if (closed) {
                throw stopping();
            }
            if (tasks.size() >= MAX_WAITING) {
                throw new AdminException(
                        AdminException.BUSY, "the director has " + MAX_WAITING + " other changes to make first");
            }
            tasks.add(task);
        }
        wakeUp.signal();
        try {
            return task.outcome.get(TIMEOUT_S, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof AdminException failure) {
                throw new AdminException(failure);
            }
            throw new IllegalStateException(e.getCause());
        } catch (TimeoutException e) {
            task.outcome.cancel(false);
            throw new AdminException("timeout", "the director has not got to it in " + TIMEOUT_S + " s");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw stopping();
        }
    }

    /** To be polled for {@code POLLIN}; then {@link #run}. */
    int fd() {
        return wakeUp.fd();
    }

    /** Does one of the things that wait, if any does. Control thread only. */
    void run() {
        wakeUp.clear();
        Task<?> task;
        synchronized (tasks) {
            task = tasks.poll();
            if (!tasks.isEmpty()) {
                wakeUp.signal();
            }
        }
        if (task != null) {
            task.run();
        }
    }

    private static AdminException stopping() {
        return new AdminException("not_ready", "the director is starting or stopping");
    }

    /** Turns away all who wait. */
    @Override
    public void close() {
        synchronized (tasks) {
            closed = true;
            tasks.forEach(task -> task.outcome.completeExceptionally(stopping()));
            tasks.clear();
        }
        wakeUp.close();
    }
}
