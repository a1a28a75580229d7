package dev.sluice.forward;

import dev.sluice.service.Persistence;
import dev.sluice.service.VirtualService;
import java.util.Arrays;

/** Persistence and one-packet scheduling by service id. Written by a snapshot's builder only, then read by workers. */
final class ServiceOptions {
    private static final int STRIDE = 3;

    /** By service id: timeout in milliseconds, 0 without persistence; netmask high and low. */
    private long[] persistence = {};

    private boolean[] onePacket = {};

    ServiceOptions() {}

    void set(VirtualService service) {
        int id = service.id();
        if (id >= onePacket.length) {
            int size = Math.max(id + 1, 2 * onePacket.length);
            onePacket = Arrays.copyOf(onePacket, size);
            persistence = Arrays.copyOf(persistence, size * STRIDE);
        }
        onePacket[id] = service.onePacket();
        Persistence of = service.persistence();
        persistence[id * STRIDE] = of == null ? 0 : of.timeoutSeconds() * 1000L;
        persistence[id * STRIDE + 1] = of == null ? 0 : of.netmask().high();
        persistence[id * STRIDE + 2] = of == null ? 0 : of.netmask().low();
    }

    ServiceOptions copy() {
        ServiceOptions copy = new ServiceOptions();
        copy.persistence = persistence.clone();
        copy.onePacket = onePacket.clone();
        return copy;
    }

    /** Whether each UDP datagram is scheduled by itself. */
    boolean isOnePacket(int service) {
        return onePacket[service];
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
