/**
 * The steering program and its maps: which packets leave the kernel's path for an XSK, attached so that steering works
 * from the first packet on and that a killed director leaves nothing in the way of the next.
 */
@NullMarked
package dev.sluice.bpf;

import org.jspecify.annotations.NullMarked;
