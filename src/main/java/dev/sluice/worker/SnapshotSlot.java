package dev.sluice.worker;

import java.util.concurrent.atomic.AtomicReference;

/**
 * Hands immutable snapshots from the control thread to one worker, and the worker's word that it has left the old one
 * behind back again.
 *
 * <p>The worker reads once a batch (acquire) and acknowledges at the end of the batch (release). What an older snapshot
 * alone refers to may be freed once {@link #isAcknowledged} answers true for the newer one.
 *
 * @param <T> the snapshot; compared by identity
 */
public final class SnapshotSlot<T> {
    private final AtomicReference<T> current;
    private final AtomicReference<T> acknowledged;

    /** A slot that holds its first snapshot, already acknowledged: the worker that will read it has not started yet. */
    public SnapshotSlot(T first) {
        current = new AtomicReference<>(first);
        acknowledged = new AtomicReference<>(first);
    }

    /** Makes a snapshot the current one. Control thread only. */
    public void publish(T snapshot) {
        current.setRelease(snapshot);
    }

    /** Whether the worker has finished its last batch under anything but {@code snapshot}. Control thread only. */
    public boolean isAcknowledged(T snapshot) {
        return acknowledged.getAcquire() == snapshot;
    }

    /** The snapshot to work under for one batch. Owned by: worker. */
    public T acquire() {
        return current.getAcquire();
    }

    /** Says that a batch under {@code snapshot} has ended. Owned by: worker. */
    public void acknowledge(T snapshot) {
        // Only this thread writes it, so a plain read suffices to spare the store in the common case.
        if (acknowledged.getPlain() != snapshot) {
            acknowledged.setRelease(snapshot);
        }
    }
}
