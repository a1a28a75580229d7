package dev.sluice.forward;

import dev.sluice.packet.AddressFamily;
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

    // By real server id.
    private final int[] first;
    private final int[] count;

    // By hop.
    private final int[] egressPort;
    private final long[] destinationMac;
    private final long[] sourceMac;
    private final int[] mtuBytes;
    private final int[] vlan;
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
        egressPort = all.stream().mapToInt(NextHop::egressPort).toArray();
        destinationMac = all.stream().mapToLong(NextHop::destinationMac).toArray();
        sourceMac = all.stream().mapToLong(NextHop::sourceMac).toArray();
        // The loopback device takes 65536, which no packet may have.
        mtuBytes = all.stream()
                .mapToInt(hop -> Math.min(hop.mtuBytes(), Ipv4.MAX_PACKET_BYTES))
                .toArray();
        vlan = all.stream().mapToInt(NextHop::vlan).toArray();
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

    int egressPort(int hop) {
        return egressPort[hop];
    }

    long destinationMac(int hop) {
        return destinationMac[hop];
    }

    long sourceMac(int hop) {
        return sourceMac[hop];
    }

    int mtuBytes(int hop) {
        return mtuBytes[hop];
    }

    int vlan(int hop) {
        return vlan[hop];
    }

    long tunnelSourceHigh(int hop, long hash) {
        return tunnelSourceHigh[hop] | (hash & spreadHigh[hop]);
    }

    long tunnelSourceLow(int hop, long hash) {
        return tunnelSourceLow[hop] | (hash & spreadLow[hop]);
    }
}
