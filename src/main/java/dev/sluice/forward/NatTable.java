package dev.sluice.forward;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketView;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.RealServer;
import java.util.Collection;
import java.util.Comparator;

/** What packets for each real server are translated to, in arrays by real server id. Immutable once built. */
final class NatTable {
    private final boolean[] translates;
    private final boolean[] inet6;
    private final char[] port;
    private final long[] addressHigh;
    private final long[] addressLow;
    private final boolean any;
    /** All RIPs, in order. */
    private final IpAddress[] addresses;

    /**
     * @param size ids lie below this
     * @param realServers of all services
     */
    NatTable(int size, Collection<RealServer> realServers) {
        translates = new boolean[size];
        inet6 = new boolean[size];
        port = new char[size];
        addressHigh = new long[size];
        addressLow = new long[size];
        boolean some = false;
        for (RealServer real : realServers) {
            if (real.method() == ForwardingMethod.NAT) {
                int id = real.id();
                some = true;
                translates[id] = true;
                inet6[id] = real.address().family() == AddressFamily.INET6;
                port[id] = (char) real.port();
                addressHigh[id] = real.address().high();
                addressLow[id] = real.address().low();
            }
        }
        any = some;
        addresses = realServers.stream()
                .filter(real -> real.method() == ForwardingMethod.NAT)
                .map(RealServer::address)
                .distinct()
                .sorted(Comparator.comparingLong(IpAddress::high).thenComparingLong(IpAddress::low))
                .toArray(IpAddress[]::new);
    }

    /** Whether a packet comes from the address of such a real server. */
    boolean isFromRealServer(PacketView packet) {
        int from = 0;
        int to = addresses.length;
        while (from < to) {
            int middle = (from + to) >>> 1;
            IpAddress address = addresses[middle];
            int order = Long.compare(address.high(), packet.sourceHigh());
            order = order == 0 ? Long.compare(address.low(), packet.sourceLow()) : order;
            if (order == 0) {
                return (address.family() == AddressFamily.INET6) == packet.inet6();
            }
            if (order < 0) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        return false;
    }

    /** Whether there is any real server whose packets are translated. */
    boolean any() {
        return any;
    }

    /** Whether packets for a real server are translated. */
    boolean translates(int realServer) {
        return translates[realServer];
    }

    /** The RIP's family. */
    boolean inet6(int realServer) {
        return inet6[realServer];
    }

    /** RPORT, or the packet's own where the real server has none. */
    int port(int realServer, int virtualPort) {
        return port[realServer] == 0 ? virtualPort : port[realServer];
    }

    long addressHigh(int realServer) {
        return addressHigh[realServer];
    }

    long addressLow(int realServer) {
        return addressLow[realServer];
    }
}
