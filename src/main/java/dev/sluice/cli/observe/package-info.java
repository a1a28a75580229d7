/** {@code sluice capture} and {@code sluice trace}. */
@NullMarked
package dev.sluice.cli.observe;

import org.jspecify.annotations.NullMarked;
