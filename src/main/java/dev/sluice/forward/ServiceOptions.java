package dev.sluice.forward;

import dev.sluice.service.ClientAddress;
import dev.sluice.service.Persistence;
import dev.sluice.service.VirtualService;
import java.util.Arrays;

/** Persistence, one-packet scheduling and options of translation by service id. Written by a snapshot's builder only, then read by workers. */
final class ServiceOptions {
    private static final int STRIDE = 3;

    /** By service id: timeout in milliseconds, 0 without persistence; netmask high and low. */
    private long[] persistence = {};

    private boolean[] onePacket = {};
    private boolean[] synProxy = {};
    private ClientAddress[] clientAddress = {};

    ServiceOptions() {}

    void set(VirtualService service) {
        int id = service.id();
        if (id >= onePacket.length) {
            int size = Math.max(id + 1, 2 * onePacket.length);
            onePacket = Arrays.copyOf(onePacket, size);
            synProxy = Arrays.copyOf(synProxy, size);
            int before = clientAddress.length;
            clientAddress = Arrays.copyOf(clientAddress, size);
            Arrays.fill(clientAddress, before, size, ClientAddress.NONE);
            persistence = Arrays.copyOf(persistence, size * STRIDE);
        }
        onePacket[id] = service.onePacket();
        synProxy[id] = service.translation().synProxy();
        clientAddress[id] = service.translation().clientAddress();
        Persistence of = service.persistence();
        persistence[id * STRIDE] = of == null ? 0 : of.timeoutSeconds() * 1000L;
        persistence[id * STRIDE + 1] = of == null ? 0 : of.netmask().high();
        persistence[id * STRIDE + 2] = of == null ? 0 : of.netmask().low();
    }

    ServiceOptions copy() {
        ServiceOptions copy = new ServiceOptions();
        copy.persistence = persistence.clone();
        copy.onePacket = onePacket.clone();
        copy.synProxy = synProxy.clone();
        copy.clientAddress = clientAddress.clone();
        return copy;
    }

    /** Whether each UDP datagram is scheduled by itself. */
    boolean isOnePacket(int service) {
        return onePacket[service];
    }

    /** Whether handshakes are completed here before a real server hears of a connection. */
    boolean isSynProxied(int service) {
        return synProxy[service];
    }

    /** How a real server learns the client's address. */
    ClientAddress clientAddress(int service) {
        return clientAddress[service];
    }

    boolean isPersistent(int service) {
        return persistence[service * STRIDE] != 0;
    }

    /** How long a template lives after the latest connection under it began. */
    long persistenceMs(int service) {
        return persistence[service * STRIDE];
    }

    long netmaskHigh(int service) {
        return persistence[service * STRIDE + 1];
    }

    long netmaskLow(int service) {
        return persistence[service * STRIDE + 2];
    }
}
