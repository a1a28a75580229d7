package dev.sluice.control.config;

import dev.sluice.health.CheckSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a {@code [[service]]} says about the health of its real servers.
 *
 * @param onFailure what becomes of one that fails
 * @param slowStartSeconds in how many seconds one that comes back gets to its full weight; 0 for at once
 * @param quorum the sum of the weights of healthy real servers that the service needs, in keepalived's meaning
 * @param hysteresis how far beyond the quorum that sum must be for the quorum to be gained or lost; less than the quorum
 * @param quorumUp the command run when the quorum is gained, empty for none
 * @param quorumDown the command run when it is lost, empty for none
 * @param sorry the real server in place of all others while the quorum is lost; its weight is 1
 * @param checks the checks of every real server that has none of its own
 */
public record HealthConfig(
        FailureMode onFailure,
        int slowStartSeconds,
        int quorum,
        int hysteresis,
        List<String> quorumUp,
        List<String> quorumDown,
        @Nullable RealServerConfig sorry,
        List<CheckSpec> checks) {
    /** A service whose real servers are never checked. */
    public static final HealthConfig NONE =
            new HealthConfig(FailureMode.REMOVE, 0, 1, 0, List.of(), List.of(), null, List.of());

    /** Copies the lists. */
    public HealthConfig {
        quorumUp = List.copyOf(quorumUp);
        quorumDown = List.copyOf(quorumDown);
        checks = List.copyOf(checks);
    }

    /** Whether it is other than {@link #NONE}. Not by {@code equals}, which the JVM links at its first use. */
    public boolean isSet() {
        return onFailure != FailureMode.REMOVE
                || slowStartSeconds != 0
                || quorum != 1
                || hysteresis != 0
                || !quorumUp.isEmpty()
                || !quorumDown.isEmpty()
                || sorry != null
                || !checks.isEmpty();
    }
}
