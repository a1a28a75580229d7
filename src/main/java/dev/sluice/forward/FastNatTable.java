package dev.sluice.forward;

import dev.sluice.service.RealServer;

/**
 * What {@link FastNat} needs of a real server, in one line of the cache: where packets to it go, and what they are translated to.
 * Immutable.
 */
final class FastNatTable {
    /** Words of a real server's row. */
    static final int ROW = 8;
    /** Both MAC addresses as they stand in a frame: their first eight octets. */
    static final int MAC_HEAD = 0;
    /** Their last four in the upper half, the egress port in the lower. */
    static final int MAC_TAIL_AND_PORT = 1;
    /** The service in the upper half; the RIP's family in bit 16; below, the longest IP packet that fits. */
    static final int SERVICE_AND_ROOM = 2;
    /** RPORT, 0 for the one that the client asked for. */
    static final int PORT = 3;
    /** RIP, its upper half. */
    static final int ADDRESS_HIGH = 4;
    /** RIP, its lower half. */
    static final int ADDRESS_LOW = 5;

    static final int ROOM_MASK = 0xffff;
    static final int INET6 = 1 << 16;

    private final long[] rows;

    /** The fast path serves real servers with one next hop, in no VLAN. */
    FastNatTable(int[] serviceOf, NatTable nat, HopTable hops) {
        rows = new long[nat.any() ? ROW * serviceOf.length : 0];
        for (int id = 0; id < rows.length / ROW; id++) {
            int hop = hops.only(id);
            if (serviceOf[id] == ForwardingSnapshot.NONE
                    || hop == HopTable.NONE
                    || hops.vlan(hop) > RealServer.VLAN_NONE
                    || !nat.translates(id)) {
                continue;
            }
            int at = ROW * id;
            rows[at + MAC_HEAD] = hops.macHead(hop);
            rows[at + MAC_TAIL_AND_PORT] =
                    (long) hops.macTail(hop) << 32 | Integer.toUnsignedLong(hops.egressPort(hop));
            rows[at + SERVICE_AND_ROOM] = (long) serviceOf[id] << 32
                    | (nat.inet6(id) ? INET6 : 0)
                    | Math.clamp(hops.mtuBytes(hop), 0, ROOM_MASK);
            rows[at + PORT] = nat.port(id, 0);
            rows[at + ADDRESS_HIGH] = nat.addressHigh(id);
            rows[at + ADDRESS_LOW] = nat.addressLow(id);
        }
    }

    /** {@link #ROW} words by real server id; none where nothing is translated. */
    long[] rows() {
        return rows;
    }
}
