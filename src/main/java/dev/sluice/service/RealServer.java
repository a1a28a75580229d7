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
 */
public record RealServer(int id, IpAddress address, int port, ForwardingMethod method, int weight) {
    /** The largest weight that ipvsadm accepts. */
    public static final int MAX_WEIGHT = 65535;

    /** Throws {@link IllegalArgumentException} for an id or weight out of range. */
    public RealServer {
        if (id < 0) {
            throw new IllegalArgumentException("real server id " + id + " is negative");
        }
        if (weight < 0 || weight > MAX_WEIGHT) {
            throw new IllegalArgumentException("weight " + weight + " is outside 0-" + MAX_WEIGHT);
        }
    }
}
