package dev.sluice.bench.pipeline;

/**
 * What a packet costs.
 *
 * @param processorNs of processor time, which does not count what the machine does besides: what subjects are compared by
 * @param elapsedNs of time that passes
 */
record Cost(double processorNs, double elapsedNs) {}
