package dev.sluice.control.config;

import dev.sluice.service.AddressKey;
import dev.sluice.service.SchedulerFlag;
import dev.sluice.service.SchedulerKind;
import java.util.List;
import java.util.Set;

/**
 * One {@code [[service]]}.
 *
 * @param key protocol, VIP and port; unique in the file
 * @param scheduler how new flows find their real server
 * @param schedulerFlags variations of that scheduler
 * @param realServers in file order; may be empty
 */
public record ServiceConfig(
        AddressKey key,
        SchedulerKind scheduler,
        Set<SchedulerFlag> schedulerFlags,
        List<RealServerConfig> realServers) {
    /** Copies the collections. */
    public ServiceConfig {
        schedulerFlags = Set.copyOf(schedulerFlags);
        realServers = List.copyOf(realServers);
    }
}
