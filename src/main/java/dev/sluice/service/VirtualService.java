package dev.sluice.service;

import java.util.List;
import java.util.Set;

/**
 * A virtual service with its real servers.
 *
 * @param id stable while the service exists; index into per-service arrays; never negative
 * @param key protocol, VIP and port
 * @param scheduler how new flows find their real server
 * @param schedulerFlags variations of that scheduler; flags of another have no effect, as in IPVS
 * @param realServers in the order in which they were added, oldest first (IPVS's own list runs the other way)
 */
public record VirtualService(
        int id,
        ServiceKey key,
        SchedulerKind scheduler,
        Set<SchedulerFlag> schedulerFlags,
        List<RealServer> realServers) {
    /** Copies the collections; throws {@link IllegalArgumentException} for a negative id. */
    public VirtualService {
        if (id < 0) {
            throw new IllegalArgumentException("service id " + id + " is negative");
        }
        schedulerFlags = Set.copyOf(schedulerFlags);
        realServers = List.copyOf(realServers);
    }

    /** A service without scheduler flags. */
    public VirtualService(int id, ServiceKey key, SchedulerKind scheduler, List<RealServer> realServers) {
        this(id, key, scheduler, Set.of(), realServers);
    }
}
