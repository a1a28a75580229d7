package dev.sluice.control;

import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
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
    private int nextServiceId;
    private int nextRealServerId;

    /** Takes in a service from the configuration; {@link VirtualService#id} is new. */
    VirtualService add(ServiceConfig config) {
        List<RealServer> realServers = new ArrayList<>();
        for (RealServerConfig real : config.realServers()) {
            realServers.add(new RealServer(
                    nextRealServerId++, real.address(), config.key().port(), real.method(), real.weight()));
        }
        VirtualService service = new VirtualService(
                nextServiceId++, config.key(), config.scheduler(), config.schedulerFlags(), realServers);
        services.add(service);
        return service;
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
