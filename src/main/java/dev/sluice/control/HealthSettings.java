package dev.sluice.control;

import dev.sluice.control.config.HealthConfig;
import dev.sluice.control.config.RealServerConfig.Endpoint;
import dev.sluice.health.CheckSpec;
import dev.sluice.service.RealServer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What is configured of the health of a running service. Immutable.
 *
 * @param config what its table says
 * @param sorry its sorry server with the id that the datapath knows it by, null for none
 * @param ownChecks the checks of real servers that do not have the service's
 */
record HealthSettings(HealthConfig config, @Nullable RealServer sorry, Map<Endpoint, List<CheckSpec>> ownChecks) {
    /** A service whose real servers are never checked. */
    static final HealthSettings NONE = new HealthSettings(HealthConfig.NONE, null, Map.of());

    HealthSettings {
        ownChecks = Map.copyOf(ownChecks);
    }

    /** The checks of a real server of the service. */
    List<CheckSpec> checksOf(RealServer real) {
        return ownChecks.getOrDefault(new Endpoint(real.address(), real.port()), config.checks());
    }

    /** Whether anything is configured. */
    boolean isSet() {
        return config.isSet() || sorry != null || !ownChecks.isEmpty();
    }

    /** Real servers of the service, and its sorry server behind them. */
    List<RealServer> withSorry(List<RealServer> realServers) {
        return sorry == null
                ? realServers
                : Stream.concat(realServers.stream(), Stream.of(sorry)).toList();
    }

    /** The same with other checks of a real server's own, null for those of the service. */
    HealthSettings withOwnChecks(Endpoint endpoint, @Nullable List<CheckSpec> checks) {
        if (checks == null && !ownChecks.containsKey(endpoint)) {
            return this;
        }
        Map<Endpoint, List<CheckSpec>> changed = new HashMap<>(ownChecks);
        if (checks == null) {
            changed.remove(endpoint);
        } else {
            changed.put(endpoint, checks);
        }
        return new HealthSettings(config, sorry, changed);
    }
}
