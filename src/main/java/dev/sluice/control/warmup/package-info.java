/**
 * The rehearsal before the first packet: a worker like the real ones, on rings in memory, directs made-up packets to the configured
 * services until the code that will direct the real ones is compiled.
 */
@NullMarked
package dev.sluice.control.warmup;

import org.jspecify.annotations.NullMarked;
