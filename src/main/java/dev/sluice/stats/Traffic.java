package dev.sluice.stats;

/**
 * What a service or a real server got. The director sees only the clients' half in direct routing.
 *
 * @param connections new flows
 * @param packets packets forwarded
 * @param bytes bytes forwarded, by the length of the IP packet as IPVS counts them
 */
public record Traffic(long connections, long packets, long bytes) {}
