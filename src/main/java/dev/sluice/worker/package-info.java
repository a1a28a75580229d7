/**
 * The busy loop: one pinned thread per queue that moves batches from the receive rings through the pipeline to the
 * transmit rings, idles by a named strategy, and takes its configuration as immutable snapshots. Does not see control.
 */
@NullMarked
package dev.sluice.worker;

import org.jspecify.annotations.NullMarked;
