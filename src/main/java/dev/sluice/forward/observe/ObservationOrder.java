package dev.sluice.forward.observe;

import org.jspecify.annotations.Nullable;

/**
 * Says to a worker what it is to observe. Immutable; published to the worker, which acknowledges it.
 *
 * @param observation null when nobody looks
 */
public record ObservationOrder(@Nullable Observation observation) {
    /** Nobody looks. */
    public static final ObservationOrder NONE = new ObservationOrder(null);
}
