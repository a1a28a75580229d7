package dev.sluice.control.config;

import dev.sluice.service.SchedulerKind;
import dev.sluice.service.ServiceKey;
import java.util.List;

/**
 * One {@code [[service]]}.
 *
 * @param key protocol, VIP and port; unique in the file
 * @param scheduler how new flows find their real server
 * @param realServers in file order; may be empty
 */
public record ServiceConfig(ServiceKey key, SchedulerKind scheduler, List<RealServerConfig> realServers) {
    /** Copies the list. */
    public ServiceConfig {
        realServers = List.copyOf(realServers);
    }
}
