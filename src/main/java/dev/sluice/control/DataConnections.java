package dev.sluice.control;

import dev.sluice.service.AddressKey;
import dev.sluice.service.Protocol;
import dev.sluice.service.VirtualService;
import java.util.HashSet;
import java.util.Set;

/**
 * What is steered besides a service's own packets for the sake of connections that its connections announce: with FTP by NAT or FULLNAT,
 * all of TCP to the VIP, and by NAT all that its real servers send by TCP, for either side may name any port.
 */
final class DataConnections {
    private static final int FTP_CONTROL_PORT = 21;

    private DataConnections() {}

    /** Whether a service's connections announce others. */
    static boolean has(Registry registry, VirtualService service) {
        return service.key() instanceof AddressKey key
                && key.protocol() == Protocol.TCP
                && key.port() == FTP_CONTROL_PORT
                && registry.allRealServers(service).stream()
                        .anyMatch(real -> real.method().isTranslation());
    }

    /** What else is steered to the VIPs of services that {@link #has}. */
    static Set<AddressKey> toVips(Registry registry) {
        Set<AddressKey> keys = new HashSet<>();
        for (VirtualService service : registry.services()) {
            if (has(registry, service)) {
                keys.add(toVip(service));
            }
        }
        return keys;
    }

    /** What else is steered to the VIP of a service that {@link #has}. */
    static AddressKey toVip(VirtualService service) {
        if (!(service.key() instanceof AddressKey key)) {
            throw new IllegalArgumentException(service.key() + " has no VIP");
        }
        return new AddressKey(key.protocol(), key.address(), 0);
    }
}
