package dev.sluice.service;

import dev.sluice.packet.IpAddress;

/**
 * One real server of one virtual service. The same machine behind two services is two of them.
 *
 * @param id stable for as long as flows may hold it; index into per-real-server arrays; never negative
 * @param address the RIP
 * @param port the port the real server answers on; the service's own for {@link ForwardingMethod#DR}
 * @param method how packets get there
 * @param weight 0–65535; 0 quiesces: no new flows, established ones stay
 * @param upperThreshold connections from which on it gets no new flows ({@code ipvsadm -x}); 0 for no threshold
 * @param lowerThreshold connections below which it gets new flows again ({@code -y}); 0 for three quarters of the upper one
 */
public record RealServer(
        int id,
        IpAddress address,
        int port,
        ForwardingMethod method,
        int weight,
        int upperThreshold,
        int lowerThreshold) {
    /** The largest weight that ipvsadm accepts. */
    public static final int MAX_WEIGHT = 65535;

    /** Throws {@link IllegalArgumentException} for an id, weight or threshold out of range. */
    public RealServer {
        if (id < 0) {
            throw new IllegalArgumentException("real server id " + id + " is negative");
        }
        if (weight < 0 || weight > MAX_WEIGHT) {
            throw new IllegalArgumentException("weight " + weight + " is outside 0-" + MAX_WEIGHT);
        }
        if (upperThreshold < 0 || lowerThreshold < 0) {
            throw new IllegalArgumentException("a threshold of real server " + address + " is negative");
        }
    }

    /** A real server without thresholds. */
    public RealServer(int id, IpAddress address, int port, ForwardingMethod method, int weight) {
        this(id, address, port, method, weight, 0, 0);
    }
}
