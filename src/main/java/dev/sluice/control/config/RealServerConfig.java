package dev.sluice.control.config;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;

/**
 * One {@code [[service.real]]}.
 *
 * @param address the RIP, of the service's family; unique in its service together with the port
 * @param port the service's own, which {@link ForwardingMethod#DR} keeps; 0 in a service of a firewall mark
 * @param method how packets get there
 * @param weight 0–65535
 * @param upperThreshold connections from which on it gets no new flows; 0 for no threshold
 * @param lowerThreshold connections below which it gets new flows again, at most the upper threshold; 0 for three quarters of
 *     that
 */
public record RealServerConfig(
        IpAddress address, int port, ForwardingMethod method, int weight, int upperThreshold, int lowerThreshold) {
    /** What makes a real server unique in its service. */
    public record Endpoint(IpAddress address, int port) {}

    /** What makes it unique in its service. */
    public Endpoint endpoint() {
        return new Endpoint(address, port);
    }
}
