/** What {@code sluice capture} and {@code sluice trace} ask of a running director. */
@NullMarked
package dev.sluice.control.observe;

import org.jspecify.annotations.NullMarked;
