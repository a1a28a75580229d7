package dev.sluice.forward;

import dev.sluice.packet.AddressFamily;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.RealServer;
import java.util.Collection;

/** What packets for each real server are translated to, in arrays by real server id. Immutable once built. */
final class NatTable {
    private final boolean[] translates;
    private final boolean[] inet6;
    private final char[] port;
    private final long[] addressHigh;
    private final long[] addressLow;
    private final boolean any;

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
