package dev.sluice.stats;

import java.util.List;

/**
 * One virtual service.
 *
 * @param protocol {@code TCP} or {@code UDP}
 * @param address the VIP
 * @param port the virtual port, 0 for every port
 * @param scheduler its scheduler's name
 * @param traffic what the service got
 * @param realServers its real servers in the order of the configuration
 */
public record ServiceStats(
        String protocol,
        String address,
        int port,
        String scheduler,
        Traffic traffic,
        List<RealServerStats> realServers) {}
