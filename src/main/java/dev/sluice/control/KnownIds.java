package dev.sluice.control;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.ServiceKey;
import java.util.Map;

/**
 * Which id stands for which virtual service and which real server, those that were removed and whose connections are still
 * remembered included. Immutable.
 *
 * @param services ids by key
 * @param realServers ids by what they stand for
 */
record KnownIds(Map<ServiceKey, Integer> services, Map<Place, Integer> realServers) {
    /** No id stands for anything. */
    static final KnownIds NONE = new KnownIds(Map.of(), Map.of());

    /** What a real server's id stands for: an address and a port behind a service. */
    record Place(ServiceKey service, IpAddress address, int port) {}

    KnownIds {
        services = Map.copyOf(services);
        realServers = Map.copyOf(realServers);
    }
}
