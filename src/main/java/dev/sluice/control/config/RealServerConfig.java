package dev.sluice.control.config;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;

/**
 * One {@code [[service.real]]}. Its port follows from the service's.
 *
 * @param address the RIP; unique in its service, of the VIP's family
 * @param method how packets get there
 * @param weight 0–65535
 */
public record RealServerConfig(IpAddress address, ForwardingMethod method, int weight) {}
