package dev.sluice.bench.pipeline;

/** Whose packets arrive where replies come through the director as well. */
public enum Direction {
    /** The clients'. */
    IN,
    /** The real servers'. */
    OUT,
    /** Half of each, in no order. */
    BOTH
}
