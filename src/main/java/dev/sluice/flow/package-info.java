/**
 * The connection table: which real server a flow was given, how far its connection has come, and when it is forgotten.
 * One table a worker, off-heap, without locks.
 *
 * <p>The rest of the datapath knows flows by slot numbers that a {@link dev.sluice.flow.FlowTable} hands out, and real
 * servers by id; nothing outside reads an entry's bytes. Timers, synchronisation and look-ups from other workers are
 * matters behind that surface.
 */
@NullMarked
package dev.sluice.flow;

import org.jspecify.annotations.NullMarked;
