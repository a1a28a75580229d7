/**
 * {@code sluice doctor}: facts are read, checks turn them into findings. A check is a function of {@link dev.sluice.control.doctor.Facts} and
 * touches nothing.
 */
@NullMarked
package dev.sluice.control.doctor;

import org.jspecify.annotations.NullMarked;
