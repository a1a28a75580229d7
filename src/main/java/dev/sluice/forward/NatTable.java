package dev.sluice.forward;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.PacketView;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What packets for each real server are translated to, in arrays by real server id. Immutable once built. */
final class NatTable {
    private final boolean[] translates;
    private final boolean[] inet6;
    private final char[] port;
    private final long[] addressHigh;
    private final long[] addressLow;
    private final boolean any;
    private final LocalPools locals;
    private final AddressSet masqueraded;
    private final AddressSet local;

    /**
     * @param size ids lie below this
     * @param services all of them
     */
    NatTable(int size, Collection<VirtualService> services) {
        List<RealServer> realServers = services.stream()
                .flatMap(service -> service.realServers().stream())
                .filter(real -> real.method().isTranslation())
                .toList();
        locals = new LocalPools(size, services);
        translates = new boolean[size];
        inet6 = new boolean[size];
        port = new char[size];
        addressHigh = new long[size];
        addressLow = new long[size];
        any = !realServers.isEmpty();
        for (RealServer real : realServers) {
            int id = real.id();
            translates[id] = true;
            inet6[id] = real.address().family() == AddressFamily.INET6;
            port[id] = (char) real.port();
            addressHigh[id] = real.address().high();
            addressLow[id] = real.address().low();
        }
        masqueraded = new AddressSet(realServers.stream()
                .filter(real -> real.method() == ForwardingMethod.NAT)
                .map(RealServer::address));
        local = new AddressSet(services.stream().flatMap(service -> service.translation().pool().addresses().stream()));
    }

    /** Whether a packet comes from the address of a real server that sees its clients' addresses. */
    boolean isFromRealServer(PacketView packet) {
        return masqueraded.contains(packet.inet6(), packet.sourceHigh(), packet.sourceLow());
    }

    /** Whether there are local addresses. */
    boolean hasLocalAddresses() {
        return !local.isEmpty();
    }

    /** Whether a packet goes to a local address. */
    boolean isToLocalAddress(PacketView packet) {
        return local.contains(packet.inet6(), packet.destinationHigh(), packet.destinationLow());
    }

    /** Whether there is any real server whose packets are translated. */
    boolean any() {
        return any;
    }

    /** Whether packets for a real server are translated. */
    boolean translates(int realServer) {
        return translates[realServer];
    }

    /** Where local addresses and ports come from; null when the client's are kept. */
    LocalPools.@Nullable Pool pool(int realServer) {
        return locals.of(realServer);
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
