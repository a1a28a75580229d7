package dev.sluice.bench.pipeline;

/** What kind of packets arrive. */
public enum Scenario {
    /** UDP datagrams of known flows. */
    HIT,
    /** TCP SYNs, each of a flow that the table does not hold; as many flows expire meanwhile. */
    MISS,
    /** TCP SYNs, each of a flow never seen, after half-open flows have used up their share of the table: none is entered. */
    SYNFLOOD,
    /** The datagrams of {@link #HIT} are delivered, and nothing is done with them: what the measuring itself costs. */
    COPY
}
