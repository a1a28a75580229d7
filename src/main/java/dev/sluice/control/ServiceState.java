package dev.sluice.control;

import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import java.util.List;

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

    /** Its configured real servers, and its sorry server behind them. */
    List<RealServer> allRealServers() {
        return settings.withSorry(configured.realServers());
    }
}
