package dev.sluice.stats;

/**
 * How long connections may be silent, in seconds: the three that {@code ipvsadm --set} sets.
 *
 * @param tcp established
 * @param tcpfin in FIN_WAIT
 * @param udp datagrams
 */
public record TimeoutStats(int tcp, int tcpfin, int udp) {}
