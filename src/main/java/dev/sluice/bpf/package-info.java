/**
 * The steering program and its maps: which packets leave the kernel's path for an XSK, attached so that steering works
 * from the first packet on, goes on when the director ends, and is the next one's without a packet in between.
 */
@NullMarked
package dev.sluice.bpf;

import org.jspecify.annotations.NullMarked;
