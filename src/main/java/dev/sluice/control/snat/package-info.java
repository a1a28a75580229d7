/** Translation of the source of real servers' own connections, which is the kernel's. */
@NullMarked
package dev.sluice.control.snat;

import org.jspecify.annotations.NullMarked;
