package dev.sluice.control;

import dev.sluice.control.config.RealServerConfig;
import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A service, and what health makes of it. Immutable.
 *
 * @param configured as the file and commands have it
 * @param effective as workers have it
 * @param settings what is configured of its health
 * @param quorum whether it has its quorum
 */
record ServiceState(
        VirtualService configured, VirtualService effective, HealthSettings settings, Overlay.Quorum quorum) {
    /** Whether new connections go to one of its configured real servers. */
    boolean isInService(RealServer real) {
        return Registry.find(effective, real.address(), real.port())
                .map(now -> now.weight() > 0)
                .orElse(false);
    }

    /** The real servers that workers have, to find thousands of them by. */
    Map<RealServerConfig.Endpoint, RealServer> effectiveByEndpoint() {
        return effective.realServers().stream()
                .collect(Collectors.toMap(ServiceState::endpoint, Function.identity(), (first, _) -> first));
    }

    /** What a real server is found by. */
    static RealServerConfig.Endpoint endpoint(RealServer real) {
        return new RealServerConfig.Endpoint(real.address(), real.port());
    }

    /** Its configured real servers, and its sorry server behind them. */
    List<RealServer> allRealServers() {
        return settings.withSorry(configured.realServers());
    }
}
