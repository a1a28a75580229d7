/**
 * The forwarding methods and what surrounds them: the snapshot of services, real servers and next hops that workers read,
 * the pipeline that takes a batch of frames to its verdicts, and the counters that account for every packet.
 */
@NullMarked
package dev.sluice.forward;

import org.jspecify.annotations.NullMarked;
