package dev.sluice.stats;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The health of real servers and what comes of it, by configured service: {@link ServiceStats} has what is in service.
 *
 * @param progress how the checks themselves get on
 * @param services the services of whose health anything is configured, in the order of the configuration
 */
public record HealthStats(Progress progress, List<Service> services) {
    /**
     * How the checks themselves get on.
     *
     * @param targets how many real servers are checked
     * @param checks how many checks they have
     * @param running how many of them are being made now
     * @param made how many have been made
     * @param lateMs how late checks began lately in the mean, in milliseconds
     * @param maxLateMs how late the latest of them began
     */
    public record Progress(int targets, int checks, int running, long made, double lateMs, long maxLateMs) {}

    /**
     * A service.
     *
     * @param protocol {@code TCP}, {@code UDP}, {@code SCTP}, or {@code FWM} for a firewall mark
     * @param address the VIP, or the mark as a number
     * @param port the virtual port, 0 for every port
     * @param family {@code inet} or {@code inet6}
     * @param onFailure {@code remove} or {@code quiesce}
     * @param slowStart seconds in which a real server that comes back gets to its full weight
     * @param quorum whether it has its quorum
     * @param sorry its sorry server, null for none
     * @param realServers its real servers in the order of the configuration
     */
    public record Service(
            String protocol,
            String address,
            int port,
            String family,
            String onFailure,
            int slowStart,
            Quorum quorum,
            @Nullable Sorry sorry,
            List<RealServer> realServers) {}

    /**
     * A quorum.
     *
     * @param reached whether the service has it
     * @param quorum the weight that it takes
     * @param hysteresis how far beyond that the weight must be to gain or lose it
     * @param weight the sum of the weights of healthy real servers
     * @param since when it was gained or lost, or the service came; ISO 8601
     */
    public record Quorum(boolean reached, int quorum, int hysteresis, long weight, String since) {}

    /**
     * A sorry server.
     *
     * @param address its RIP
     * @param port the port it answers on
     * @param inUse whether it stands in for the real servers now
     */
    public record Sorry(String address, int port, boolean inUse) {}

    /**
     * A real server.
     *
     * @param address the RIP
     * @param port the port it answers on
     * @param weight its configured weight
     * @param effectiveWeight the weight that it has now; 0 when it is not in service
     * @param inService whether the service has it now
     * @param state {@code up}, {@code down}, or {@code unchecked} for one without checks
     * @param since when it came to be so, or to be checked; ISO 8601, empty for one without checks
     * @param reason what made it so, in words
     * @param flapping whether it changes so often that it has to stay healthy longer to count as up again
     * @param checks its checks in the order of the configuration
     * @param history its latest changes, newest last
     */
    public record RealServer(
            String address,
            int port,
            int weight,
            int effectiveWeight,
            boolean inService,
            String state,
            String since,
            String reason,
            boolean flapping,
            List<Check> checks,
            List<Change> history) {}

    /**
     * A check.
     *
     * @param type its word in configuration files
     * @param settings all of it, in words
     * @param up what it says of the real server
     * @param lastSuccess whether its latest result was a success
     * @param lastResult its latest result in words, empty before the first
     * @param lastAt when that was, ISO 8601; empty before the first
     * @param lastDurationMs how long it took
     * @param streak results in a row that were like the latest
     * @param successes all its successes
     * @param failures all its failures
     */
    public record Check(
            String type,
            String settings,
            boolean up,
            boolean lastSuccess,
            String lastResult,
            String lastAt,
            long lastDurationMs,
            int streak,
            long successes,
            long failures) {}

    /**
     * A change of state.
     *
     * @param at when, ISO 8601
     */
    public record Change(String at, boolean up, String reason) {}
}
