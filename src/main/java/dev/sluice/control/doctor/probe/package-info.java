/** The few packets that {@code sluice doctor} sends, and their answers. */
@NullMarked
package dev.sluice.control.doctor.probe;

import org.jspecify.annotations.NullMarked;
