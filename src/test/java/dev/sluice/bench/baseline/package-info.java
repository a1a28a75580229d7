/** The C baseline does what the Java datapath does. */
@NullMarked
package dev.sluice.bench.baseline;

import org.jspecify.annotations.NullMarked;
