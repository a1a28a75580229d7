package dev.sluice.control.config;

import dev.sluice.forward.Sloppy;

/**
 * How connections are remembered and forgotten. Every default, unit and range stands in {@code docs/configuration.md}.
 *
 * @param sloppyTcp what becomes of TCP packets from the middle of unknown connections
 * @param sloppySctp what becomes of SCTP packets of unknown associations that ask for none
 * @param reuseMode {@code conn_reuse_mode}, 0 to 2
 * @param expireNodest {@code expire_nodest_conn}
 * @param expireQuiescentTemplate {@code expire_quiescent_template}
 * @param persistenceTableSize clients of persistent services that are remembered
 * @param halfOpenPercent the share of the flow table that half-open connections may have
 * @param maxNewFlowsPerSecond above which a worker remembers no more new flows; 0 for no limit
 * @param timeouts how long connections may be silent
 */
public record ConnectionConfig(
        Sloppy sloppyTcp,
        Sloppy sloppySctp,
        int reuseMode,
        boolean expireNodest,
        boolean expireQuiescentTemplate,
        int persistenceTableSize,
        int halfOpenPercent,
        int maxNewFlowsPerSecond,
        Timeouts timeouts) {
    /**
     * How long connections may be silent in each state, in seconds.
     *
     * @param tcp established
     * @param tcpfin in FIN_WAIT
     * @param udp datagrams
     * @param synRecv in SYN_RECV
     * @param timeWait in TIME_WAIT
     * @param close in CLOSE
     * @param sctp established SCTP associations
     */
    public record Timeouts(int tcp, int tcpfin, int udp, int synRecv, int timeWait, int close, int sctp) {}
}
