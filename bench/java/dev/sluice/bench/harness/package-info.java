/**
 * The benchmark harness: what every benchmark needs. A benchmark is a subcommand of {@link dev.sluice.bench.harness.Bench} that
 * puts what it measured into a {@link dev.sluice.bench.harness.Run}.
 */
@NullMarked
package dev.sluice.bench.harness;

import org.jspecify.annotations.NullMarked;
