/**
 * Schedulers by their ipvsadm names, and the Maglev table: which real server a new flow goes to.
 *
 * <p>A scheduler is two objects. {@link dev.sluice.schedule.SchedulerTable} is immutable, built by control from the
 * service's real servers and shared by all workers; {@link dev.sluice.schedule.SchedulerState} is what one worker
 * remembers between two picks. A table names the changes that led to it, so that a worker's state survives them as IPVS's
 * does. Schedulers that look at addresses read the packet; those that look at loads ask {@link dev.sluice.schedule.ConnectionCounts},
 * which adds up what all workers hold.
 */
@NullMarked
package dev.sluice.schedule;

import org.jspecify.annotations.NullMarked;
