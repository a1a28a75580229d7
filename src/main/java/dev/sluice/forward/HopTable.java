package dev.sluice.forward;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.packet.Ipv4;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/** The next hops of all real servers, in arrays because workers read them per packet. Immutable. */
final class HopTable {
    /** No hop: the real server's next hop is unresolved. */
    static final int NONE = -1;

    private static final int ROW = 4;
    private static final int MAC_TAIL_AND_PORT = 1;
    private static final int MTU_AND_VLAN = 2;

    // By real server id.
    private final int[] first;
    private final int[] count;

    /**
     * By hop, {@link #ROW} words that lie in one line: both MAC addresses as they stand in a frame, eight octets and four in the
     * upper half; below these the egress port; MTU in the upper half, VLAN in the lower.
     */
    private final long[] rows;
    /** The outer source's fixed bits; the others are the flow's. */
    private final long[] tunnelSourceHigh;

    private final long[] tunnelSourceLow;
    private final long[] spreadHigh;
    private final long[] spreadLow;

    /**
     * @param realServers ids lie below this
     * @param hopsOf by id, empty while unresolved
     */
    HopTable(int realServers, IntFunction<List<NextHop>> hopsOf) {
        first = new int[realServers];
        count = new int[realServers];
        List<NextHop> all = new ArrayList<>();
        for (int id = 0; id < realServers; id++) {
            List<NextHop> hops = hopsOf.apply(id);
            first[id] = all.size();
            count[id] = hops.size();
            all.addAll(hops);
        }
        rows = new long[ROW * all.size()];
        for (int hop = 0; hop < all.size(); hop++) {
            NextHop next = all.get(hop);
            rows[ROW * hop] = Ethernet.addressesHead(next.destinationMac(), next.sourceMac());
            rows[ROW * hop + MAC_TAIL_AND_PORT] = next.sourceMac() << 32 | next.egressPort();
            // The loopback device takes 65536, which no packet may have.
            rows[ROW * hop + MTU_AND_VLAN] =
                    (long) Math.min(next.mtuBytes(), Ipv4.MAX_PACKET_BYTES) << 32 | (next.vlan() & 0xffff_ffffL);
        }
        tunnelSourceHigh = new long[all.size()];
        tunnelSourceLow = new long[all.size()];
        spreadHigh = new long[all.size()];
        spreadLow = new long[all.size()];
        for (int hop = 0; hop < all.size(); hop++) {
            IpPrefix source = all.get(hop).tunnelSource();
            if (source != null) {
                IpAddress mask = IpAddress.netmask(source.address().family(), source.length());
                tunnelSourceHigh[hop] = source.address().high();
                tunnelSourceLow[hop] = source.address().low();
                boolean inet6 = source.address().family() == AddressFamily.INET6;
                spreadHigh[hop] = inet6 ? ~mask.high() : 0;
                spreadLow[hop] = inet6 ? ~mask.low() : ~mask.low() & 0xffff_ffffL;
            }
        }
    }

    /** The hop that a flow takes to a real server, or {@link #NONE}; flows of other hashes may take others. */
    int of(int realServer, long hash) {
        int hops = count[realServer];
        if (hops <= 1) {
            return hops == 1 ? first[realServer] : NONE;
        }
        // Mixed once more (Knuth 6.4): the hash has chosen the real server already, by some of its bits.
        long mixed = (hash * 0x9e37_79b9_7f4a_7c15L) >>> 32;
        return first[realServer] + (int) ((mixed * hops) >>> 32);
    }

    /** The one hop of a real server, or {@link #NONE} when there is none, or several. */
    int only(int realServer) {
        return count[realServer] == 1 ? first[realServer] : NONE;
    }

    /** Whether the outer source is the same for all flows. */
    boolean hasOneTunnelSource(int hop) {
        return spreadHigh[hop] == 0 && spreadLow[hop] == 0;
    }

    int egressPort(int hop) {
        return (int) rows[ROW * hop + MAC_TAIL_AND_PORT];
    }

    /** The first eight octets of a frame to this hop, most significant first: destination and the first two of the source. */
    long macHead(int hop) {
        return rows[ROW * hop];
    }

    /** The next four octets of the frame: the last of the source. */
    int macTail(int hop) {
        return (int) (rows[ROW * hop + MAC_TAIL_AND_PORT] >>> 32);
    }

    int mtuBytes(int hop) {
        return (int) (rows[ROW * hop + MTU_AND_VLAN] >>> 32);
    }

    int vlan(int hop) {
        return (int) rows[ROW * hop + MTU_AND_VLAN];
    }

    long tunnelSourceHigh(int hop, long hash) {
        return tunnelSourceHigh[hop] | (hash & spreadHigh[hop]);
    }

    long tunnelSourceLow(int hop, long hash) {
        return tunnelSourceLow[hop] | (hash & spreadLow[hop]);
    }
}
