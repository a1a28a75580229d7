/** What a director has counted, as plain values: read by the admin socket, printed by the command line. */
@NullMarked
package dev.sluice.stats;

import org.jspecify.annotations.NullMarked;
