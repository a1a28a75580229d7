package dev.sluice.control;

import dev.sluice.control.KnownIds.Place;
import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.RealServer;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The virtual services and real servers that the director has, with the ids by which the datapath knows them.
 *
 * <p>An id is never given out twice: connection entries hold it, and must not come to mean another real server.
 *
 * <p>Owned by: control thread.
 */
final class Registry {
    private final List<VirtualService> services = new ArrayList<>();
    /** Ids from earlier, which nobody else gets. */
    private final KnownIds known;

    private final BitSet serviceIds = new BitSet();
    private final BitSet realServerIds = new BitSet();

    /**
     * A registry without services.
     *
     * @param known ids that connections from before the start may hold: what they stand for gets them again
     */
    Registry(KnownIds known) {
        this.known = known;
        known.services().values().forEach(serviceIds::set);
        known.realServers().values().forEach(realServerIds::set);
    }

    /** Takes in a service from the configuration; {@link VirtualService#id} is new. */
    VirtualService add(ServiceConfig config) {
        List<RealServer> realServers = new ArrayList<>();
        for (RealServerConfig real : config.realServers()) {
            int port = config.key().port();
            Integer earlier = known.realServers().get(new Place(config.key(), real.address(), port));
            int id = earlier == null ? take(realServerIds) : earlier;
            realServers.add(new RealServer(id, real.address(), port, real.method(), real.weight()));
        }
        Integer earlier = known.services().get(config.key());
        int serviceId = earlier == null ? take(serviceIds) : earlier;
        VirtualService service =
                new VirtualService(serviceId, config.key(), config.scheduler(), config.schedulerFlags(), realServers);
        services.add(service);
        return service;
    }

    private static int take(BitSet ids) {
        int id = ids.nextClearBit(0);
        ids.set(id);
        return id;
    }

    /** All ids in use, and those from earlier. */
    KnownIds ids() {
        Map<ServiceKey, Integer> serviceOf = new HashMap<>(known.services());
        Map<Place, Integer> realServerOf = new HashMap<>(known.realServers());
        for (VirtualService service : services) {
            serviceOf.put(service.key(), service.id());
            for (RealServer real : service.realServers()) {
                realServerOf.put(new Place(service.key(), real.address(), real.port()), real.id());
            }
        }
        return new KnownIds(serviceOf, realServerOf);
    }

    /** The services in the order in which they came. */
    List<VirtualService> services() {
        return List.copyOf(services);
    }

    /** Every RIP once, however many services it stands behind. */
    Set<IpAddress> realServerAddresses() {
        Set<IpAddress> addresses = new LinkedHashSet<>();
        for (VirtualService service : services) {
            for (RealServer real : service.realServers()) {
                addresses.add(real.address());
            }
        }
        return addresses;
    }
}
