/** Instructions a packet, counted in a virtual machine under QEMU, whose clock advances by one nanosecond with each. */
@NullMarked
package dev.sluice.bench.vm;

import org.jspecify.annotations.NullMarked;
