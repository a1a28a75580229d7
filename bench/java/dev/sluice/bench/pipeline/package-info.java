/**
 * What the datapath costs in memory, without rings and kernel, beside the same datapath in C ({@code bench/baseline}).
 */
@NullMarked
package dev.sluice.bench.pipeline;

import org.jspecify.annotations.NullMarked;
