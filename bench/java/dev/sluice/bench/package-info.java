/** Packets to order, tables of odd ones, and the generator that sends them: shared by tests and benchmarks. */
@NullMarked
package dev.sluice.bench;

import org.jspecify.annotations.NullMarked;
