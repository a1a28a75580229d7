package dev.sluice.control.config;

import dev.sluice.service.FwmarkRule;
import java.util.List;

/**
 * Services and rules without a director.
 *
 * @param services in order
 * @param fwmarkRules in order
 */
public record ServiceTables(List<ServiceConfig> services, List<FwmarkRule> fwmarkRules) {
    /** Copies the lists. */
    public ServiceTables {
        services = List.copyOf(services);
        fwmarkRules = List.copyOf(fwmarkRules);
    }
}
