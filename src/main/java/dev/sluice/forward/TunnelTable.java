package dev.sluice.forward;

import dev.sluice.packet.AddressFamily;
import dev.sluice.service.RealServer;
import dev.sluice.service.Tunnel;
import dev.sluice.service.VirtualService;
import java.util.Collection;
import java.util.List;

/** How packets for each real server are encapsulated, in arrays by real server id. Immutable once built. */
final class TunnelTable {
    static final byte NONE = 0;
    static final byte IPIP = 1;
    static final byte GUE = 2;
    static final byte GRE = 3;

    private final byte[] kind;
    private final boolean[] inet6;
    private final boolean[] checksum;
    private final char[] port;
    private final long[] addressHigh;
    private final long[] addressLow;

    /**
     * @param size ids lie below this
     * @param services all of them
     */
    TunnelTable(int size, Collection<VirtualService> services) {
        kind = new byte[size];
        inet6 = new boolean[size];
        checksum = new boolean[size];
        port = new char[size];
        addressHigh = new long[size];
        addressLow = new long[size];
        List<RealServer> realServers = services.stream()
                .flatMap(service -> service.realServers().stream())
                .toList();
        for (RealServer real : realServers) {
            int id = real.id();
            Tunnel tunnel = real.tunnel();
            inet6[id] = real.address().family() == AddressFamily.INET6;
            if (tunnel != null) {
                kind[id] = switch (tunnel.type()) {
                    case IPIP -> IPIP;
                    case GUE -> GUE;
                    case GRE -> GRE;
                };
                checksum[id] = tunnel.checksum() == Tunnel.Checksum.CSUM;
                port[id] = (char) tunnel.port();
                addressHigh[id] = real.address().high();
                addressLow[id] = real.address().low();
            }
        }
    }

    /** {@link #NONE} for direct routing. */
    byte kind(int realServer) {
        return kind[realServer];
    }

    /** Whether the RIP, and with it the outer header, is IPv6. */
    boolean inet6(int realServer) {
        return inet6[realServer];
    }

    boolean hasChecksum(int realServer) {
        return checksum[realServer];
    }

    int port(int realServer) {
        return port[realServer];
    }

    long addressHigh(int realServer) {
        return addressHigh[realServer];
    }

    long addressLow(int realServer) {
        return addressLow[realServer];
    }
}
