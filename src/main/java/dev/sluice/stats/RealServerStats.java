package dev.sluice.stats;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One real server of a service.
 *
 * @param address the RIP
 * @param port the port it answers on
 * @param method the forwarding method's keyword
 * @param tunnel how packets are encapsulated, null where they are not
 * @param vlan the VLAN in which packets leave: {@code keep}, {@code none} or its number
 * @param weight its weight
 * @param nextHop where packets for it go, or why they cannot, in words
 * @param paths the paths that packets for it take now, none while it cannot be reached
 * @param reachable whether packets for it can be forwarded now
 * @param active connections of its whose state is an active one, as {@code ipvsadm -L} shows them
 * @param inactive its other connections
 * @param upperThreshold connections from which on it gets no new flows, 0 for no threshold
 * @param lowerThreshold connections below which it gets new flows again, 0 for three quarters of the upper one
 * @param overloaded whether it gets no new flows now because of its thresholds
 * @param persistent clients that come back to it by persistence: templates, as {@code ipvsadm --persistent-conn} counts
 *     them
 * @param traffic what the real server got
 * @param rates what it gets in a second, as IPVS estimates it
 */
public record RealServerStats(
        String address,
        int port,
        String method,
        @Nullable TunnelStats tunnel,
        String vlan,
        int weight,
        String nextHop,
        List<PathStats> paths,
        boolean reachable,
        long active,
        long inactive,
        int upperThreshold,
        int lowerThreshold,
        boolean overloaded,
        long persistent,
        Traffic traffic,
        Traffic rates) {}
