/** {@code sluice top}: what a director does right now, in a terminal. */
@NullMarked
package dev.sluice.cli.top;

import org.jspecify.annotations.NullMarked;
