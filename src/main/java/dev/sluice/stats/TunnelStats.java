package dev.sluice.stats;

/**
 * How packets for a real server are encapsulated.
 *
 * @param type the word of {@code ipvsadm --tun-type}
 * @param port the UDP port, 0 without one
 * @param checksum {@code nocsum}, {@code csum} or {@code remcsum}
 */
public record TunnelStats(String type, int port, String checksum) {}
