/**
 * End-to-end benchmarks: packets over real interfaces through the director, and through what else there is, in network
 * namespaces of their own.
 */
@NullMarked
package dev.sluice.bench.net;

import org.jspecify.annotations.NullMarked;
