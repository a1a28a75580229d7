package dev.sluice.stats;

import java.util.List;

/**
 * One virtual service.
 *
 * @param protocol {@code TCP}, {@code UDP}, {@code SCTP}, or {@code FWM} for a firewall mark
 * @param address the VIP, or the mark as a number
 * @param port the virtual port, 0 for every port
 * @param family {@code inet} or {@code inet6}
 * @param scheduler its scheduler's name
 * @param persistence how long clients stay on their real server in seconds, 0 when the service is not persistent
 * @param onePacket whether each datagram is scheduled by itself
 * @param traffic what the service got
 * @param realServers its real servers in the order of the configuration
 */
public record ServiceStats(
        String protocol,
        String address,
        int port,
        String family,
        String scheduler,
        int persistence,
        boolean onePacket,
        Traffic traffic,
        List<RealServerStats> realServers) {}
