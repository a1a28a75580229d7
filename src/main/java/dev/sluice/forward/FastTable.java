package dev.sluice.forward;

import dev.sluice.service.RealServer;

/**
 * What the fast path must know of each real server, side by side: one that it cannot serve has no room for any packet. Immutable.
 */
final class FastTable {
    /** Words of a real server: half a cache line. */
    static final int ROW = 4;
    /** Both MAC addresses as they stand in a frame: the first eight octets. */
    static final int MAC_HEAD = 0;
    /** Their last four in the upper half, the egress port in the lower. */
    static final int MAC_TAIL_AND_PORT = 1;
    /** The service in the upper half; whether there is an outer header in bit 16; below, the longest IP packet that fits. */
    static final int SERVICE_AND_ROOM = 2;
    /** The outer IPv4 header's addresses, the source in the upper half. */
    static final int OUTER_ADDRESSES = 3;

    static final int ROOM_MASK = 0xffff;
    static final int TUNNEL = 1 << 16;

    private final long[] rows;

    /**
     * The fast path serves real servers with one next hop that keep a frame's VLAN tags, by direct routing or IP in IP over IPv4
     * from one source address.
     */
    FastTable(int[] serviceOf, TunnelTable tunnels, NatTable nat, HopTable hops) {
        rows = new long[ROW * serviceOf.length];
        for (int id = 0; id < serviceOf.length; id++) {
            int hop = hops.only(id);
            if (serviceOf[id] == ForwardingSnapshot.NONE
                    || hop == HopTable.NONE
                    || hops.vlan(hop) != RealServer.VLAN_KEEP
                    || nat.translates(id)) {
                continue;
            }
            boolean tunnel = tunnels.kind(id) != TunnelTable.NONE;
            if (tunnel
                    && (tunnels.kind(id) != TunnelTable.IPIP || tunnels.inet6(id) || !hops.hasOneTunnelSource(hop))) {
                continue;
            }
            int room = hops.mtuBytes(hop) - (tunnel ? Encapsulation.overhead(tunnels, id) : 0);
            int at = ROW * id;
            rows[at + MAC_HEAD] = hops.macHead(hop);
            rows[at + MAC_TAIL_AND_PORT] =
                    (long) hops.macTail(hop) << 32 | Integer.toUnsignedLong(hops.egressPort(hop));
            rows[at + SERVICE_AND_ROOM] =
                    (long) serviceOf[id] << 32 | (tunnel ? TUNNEL : 0) | Math.clamp(room, 0, ROOM_MASK);
            rows[at + OUTER_ADDRESSES] = tunnel ? hops.tunnelSourceLow(hop, 0) << 32 | tunnels.addressLow(id) : 0;
        }
    }

    /** {@link #ROW} words by real server id. */
    long[] rows() {
        return rows;
    }
}
