package dev.sluice.health;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.ServiceKey;

/**
 * A real server of a service, whose health is followed. The same machine behind two services is two of them.
 *
 * @param service the service
 * @param address the RIP
 * @param port the port that it answers on; 0 for the service's, and in a service of every port or of a firewall mark
 */
public record Target(ServiceKey service, IpAddress address, int port) {
    /** {@code 10.0.0.11 of TCP 10.0.0.100:80}. */
    @Override
    public String toString() {
        return address + " of " + service;
    }
}
