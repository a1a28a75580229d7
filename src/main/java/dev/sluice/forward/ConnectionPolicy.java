package dev.sluice.forward;

/**
 * How a worker treats connections where IPVS leaves the choice to sysctls, and how much it remembers under overload.
 *
 * @param sloppyTcp what becomes of a TCP packet from the middle of an unknown connection ({@code sloppy_tcp})
 * @param sloppySctp what becomes of an SCTP packet of an unknown association that begins with another chunk than INIT ({@code
 *     sloppy_sctp})
 * @param reuseMode what a SYN or INIT on a known connection does ({@code conn_reuse_mode}): 0 nothing; 1 one in TIME_WAIT or
 *     CLOSE, or an association in CLOSED, is scheduled anew; 2 a connection in FIN_WAIT as well
 * @param expireNodest whether a connection whose real server was removed, or has weight 0 when a SYN or INIT comes, is
 *     forgotten and the packet scheduled anew ({@code expire_nodest_conn})
 * @param expireQuiescentTemplate whether a persistence template whose real server has weight 0 is forgotten when its client
 *     opens a connection ({@code expire_quiescent_template})
 * @param maxNewFlowsPerSecond above so many new flows a second the worker remembers no more of them; 0 for no limit
 */
public record ConnectionPolicy(
        Sloppy sloppyTcp,
        Sloppy sloppySctp,
        int reuseMode,
        boolean expireNodest,
        boolean expireQuiescentTemplate,
        int maxNewFlowsPerSecond) {
    /** IPVS's defaults but for {@code sloppy_tcp} and {@code sloppy_sctp}; no limit. */
    public static final ConnectionPolicy DEFAULT = new ConnectionPolicy(Sloppy.HASH, Sloppy.HASH, 1, false, false, 0);
}
