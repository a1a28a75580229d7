package dev.sluice.bench.pipeline;

/** Which flows packets are of. */
public enum Distribution {
    /** Every flow once before any comes again, in random order. */
    UNIFORM,
    /** The k-th most frequent flow's share is in proportion to 1/k. */
    ZIPF
}
