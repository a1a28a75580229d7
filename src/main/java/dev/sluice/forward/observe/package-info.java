/** Looking at what the pipeline does to single packets: selection, the copies that are taken, and the ring that hands them on. */
@NullMarked
package dev.sluice.forward.observe;

import org.jspecify.annotations.NullMarked;
