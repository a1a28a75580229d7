package dev.sluice.control.config;

/**
 * What {@code [director]} says of packets on their way through.
 *
 * @param ttl what becomes of their TTL or hop limit
 * @param icmpEcho who answers echo requests to a VIP
 * @param icmpRateLimit the most ICMP errors that a worker sends in a second; 0 for none
 */
public record PacketConfig(TtlMode ttl, EchoMode icmpEcho, int icmpRateLimit) {}
