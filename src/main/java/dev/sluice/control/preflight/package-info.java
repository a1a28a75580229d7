/**
 * What the machine must offer before a director touches anything: kernel, privileges, libraries, interfaces, CPUs, memory.
 */
@NullMarked
package dev.sluice.control.preflight;

import org.jspecify.annotations.NullMarked;
