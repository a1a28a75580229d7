package dev.sluice.control.config;

import dev.sluice.health.CheckSpec;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.RealServer;
import dev.sluice.service.Tunnel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One {@code [[service.real]]}.
 *
 * @param address the RIP, of the service's family unless the method {@link ForwardingMethod#crossesFamilies}; unique in its
 *     service together with the port
 * @param port the service's own, which {@link ForwardingMethod#DR} and {@link ForwardingMethod#TUN} keep, or any in a service
 *     of a firewall mark, where it only tells real servers apart; any with {@link ForwardingMethod#NAT} and {@link ForwardingMethod#FULLNAT}, where 0 keeps the
 *     port that the client asked for
 * @param method how packets get there
 * @param weight 0 to {@link RealServer#MAX_WEIGHT}
 * @param upperThreshold connections from which on it gets no new flows; 0 for no threshold
 * @param lowerThreshold connections below which it gets new flows again, at most the upper threshold; 0 for three quarters of
 *     that
 * @param tunnel how packets are encapsulated; null unless the method is {@link ForwardingMethod#TUN}
 * @param vlan as {@link RealServer#vlan}
 * @param checks its own checks, in place of the service's; null when it has those
 */
public record RealServerConfig(
        IpAddress address,
        int port,
        ForwardingMethod method,
        int weight,
        int upperThreshold,
        int lowerThreshold,
        @Nullable Tunnel tunnel,
        int vlan,
        @Nullable List<CheckSpec> checks) {
    /** Copies the list. */
    public RealServerConfig {
        checks = checks == null ? null : List.copyOf(checks);
    }

    /** One with the checks of its service. */
    public RealServerConfig(
            IpAddress address,
            int port,
            ForwardingMethod method,
            int weight,
            int upperThreshold,
            int lowerThreshold,
            @Nullable Tunnel tunnel,
            int vlan) {
        this(address, port, method, weight, upperThreshold, lowerThreshold, tunnel, vlan, null);
    }

    /** One that keeps its VLAN, and is encapsulated to by IPIP if the method is {@link ForwardingMethod#TUN}. */
    public RealServerConfig(
            IpAddress address, int port, ForwardingMethod method, int weight, int upperThreshold, int lowerThreshold) {
        this(
                address,
                port,
                method,
                weight,
                upperThreshold,
                lowerThreshold,
                method == ForwardingMethod.TUN ? Tunnel.IPIP : null,
                RealServer.VLAN_KEEP);
    }

    /** What makes a real server unique in its service. */
    public record Endpoint(IpAddress address, int port) {
        // By hand, as with IpAddress.
        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Endpoint that && port == that.port && address.equals(that.address);
        }

        @Override
        public int hashCode() {
            return address.hashCode() * 31 + port;
        }
    }

    /** What makes it unique in its service. */
    public Endpoint endpoint() {
        return new Endpoint(address, port);
    }
}
