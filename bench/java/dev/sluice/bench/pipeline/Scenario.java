package dev.sluice.bench.pipeline;

/** What kind of packets arrive. */
public enum Scenario {
    /** UDP datagrams of known flows. */
    HIT,
    /** UDP datagrams, each of a flow never seen, in a table that is as full as it stays: as many flows expire as come. */
    MISS,
    /** TCP SYNs, each of a flow never seen, after half-open flows have used up their share of the table: none is entered. */
    SYNFLOOD,
    /** The datagrams of {@link #HIT} are delivered, and nothing is done with them: what the measuring itself costs. */
    COPY
}
