package dev.sluice.service;

import dev.sluice.packet.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * One real server of one virtual service. The same machine behind two services is two of them.
 *
 * @param id stable for as long as flows may hold it; index into per-real-server arrays; never negative
 * @param address the RIP
 * @param port the port the real server answers on; the service's own for {@link ForwardingMethod#DR} and {@link ForwardingMethod#TUN};
 *     0 for {@link ForwardingMethod#NAT} keeps the port that the client asked for, as in IPVS
 * @param method how packets get there
 * @param weight 0 to {@link #MAX_WEIGHT}; 0 quiesces: no new flows, established ones stay
 * @param upperThreshold connections from which on it gets no new flows ({@code ipvsadm -x}); 0 for no threshold
 * @param lowerThreshold connections below which it gets new flows again ({@code -y}); 0 for three quarters of the upper one
 * @param tunnel how packets are encapsulated; null unless the method is {@link ForwardingMethod#TUN}
 * @param vlan the 802.1Q VLAN in which packets leave: {@link #VLAN_KEEP}, {@link #VLAN_NONE} or 1–4094
 */
public record RealServer(
        int id,
        IpAddress address,
        int port,
        ForwardingMethod method,
        int weight,
        int upperThreshold,
        int lowerThreshold,
        @Nullable Tunnel tunnel,
        int vlan) {
    /** The largest weight that ipvsadm accepts. */
    public static final int MAX_WEIGHT = Integer.MAX_VALUE;
    /** Packets leave with the tags that they came with, unless the next hop is on a VLAN device. */
    public static final int VLAN_KEEP = -1;
    /** Packets leave without any tag. */
    public static final int VLAN_NONE = 0;
    /** The highest VLAN identifier that IEEE 802.1Q leaves to users. */
    public static final int MAX_VLAN = 4094;

    /** Throws {@link IllegalArgumentException} for an id, weight, threshold or VLAN out of range, or a tunnel amiss. */
    public RealServer {
        if (id < 0) {
            throw new IllegalArgumentException("real server id " + id + " is negative");
        }
        if (weight < 0) {
            throw new IllegalArgumentException("weight " + weight + " is negative");
        }
        if (upperThreshold < 0 || lowerThreshold < 0) {
            throw new IllegalArgumentException("a threshold of real server " + address + " is negative");
        }
        if ((tunnel != null) != (method == ForwardingMethod.TUN)) {
            throw new IllegalArgumentException("method " + method.keyword() + " of real server " + address
                    + (tunnel == null ? " needs a tunnel" : " has no tunnel"));
        }
        if (vlan < VLAN_KEEP || vlan > MAX_VLAN) {
            throw new IllegalArgumentException("VLAN " + vlan + " is outside 1-" + MAX_VLAN);
        }
    }

    /** A real server without thresholds and VLAN, encapsulated to by IPIP if the method is {@link ForwardingMethod#TUN}. */
    public RealServer(int id, IpAddress address, int port, ForwardingMethod method, int weight) {
        this(id, address, port, method, weight, 0, 0);
    }

    /** A real server without VLAN, encapsulated to by IPIP if the method is {@link ForwardingMethod#TUN}. */
    public RealServer(
            int id,
            IpAddress address,
            int port,
            ForwardingMethod method,
            int weight,
            int upperThreshold,
            int lowerThreshold) {
        this(
                id,
                address,
                port,
                method,
                weight,
                upperThreshold,
                lowerThreshold,
                method == ForwardingMethod.TUN ? Tunnel.IPIP : null,
                VLAN_KEEP);
    }
}
