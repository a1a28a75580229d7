package dev.sluice.control;

import dev.sluice.control.ChangeException.Code;
import dev.sluice.control.KnownIds.Place;
import dev.sluice.control.config.AddressRules;
import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;

/**
 * The virtual services and real servers that the director has, with the ids by which the datapath knows them, and the edits
 * that ipvsadm knows, with the same preconditions.
 *
 * <p>Connection entries hold ids of real servers, so an id must not come to mean another one while any does. A removed
 * real server's id is kept; added again to the same service it has its id back, and with it its connections
 * (ip_vs_trash_get_dest). Ids of which {@link #reclaim} learns that nobody holds them are given to others.
 *
 * <p>Changes are made to a {@link #copy}, which takes the registry's place when the datapath has followed.
 *
 * <p>Owned by: control thread.
 */
final class Registry {
    private final int maglevTableSize;
    private final Set<ForwardingMethod> methods;
    private final IdPool<ServiceKey> serviceIds;
    private final IdPool<Place> realServerIds;
    private final Map<ServiceKey, VirtualService> services;
    private List<FwmarkRule> fwmarkRules = List.of();

    // What happened to this copy: by service id, and by the id of a real server.
    private final BitSet added = new BitSet();
    private final BitSet rescheduled = new BitSet();
    private final BitSet unknownRealServers = new BitSet();

    /**
     * A registry without services.
     *
     * @param maglevTableSize the most real servers that a {@code maglev} service can have
     * @param known ids that connections from before the start may hold: what they stand for gets them again
     */
    Registry(int maglevTableSize, KnownIds known) {
        this(maglevTableSize, known, ForwardingMethod.AVAILABLE);
    }

    /** As {@link #Registry(int, KnownIds)}, with the forwarding methods that real servers may have. */
    Registry(int maglevTableSize, KnownIds known, Set<ForwardingMethod> methods) {
        this.maglevTableSize = maglevTableSize;
        this.methods = Set.copyOf(methods);
        serviceIds = new IdPool<>(ForwardingSnapshot.MAX_SERVICES, known.services());
        realServerIds = new IdPool<>(ForwardingSnapshot.MAX_REAL_SERVERS, known.realServers());
        services = new LinkedHashMap<>();
    }

    private Registry(Registry other) {
        maglevTableSize = other.maglevTableSize;
        methods = other.methods;
        serviceIds = new IdPool<>(other.serviceIds);
        realServerIds = new IdPool<>(other.realServerIds);
        services = new LinkedHashMap<>(other.services);
        fwmarkRules = other.fwmarkRules;
    }

    /** A copy to make changes to. */
    Registry copy() {
        return new Registry(this);
    }

    /** The services in the order in which they came. */
    List<VirtualService> services() {
        return List.copyOf(services.values());
    }

    /** The rules of firewall marks, those of marks without a service included. */
    List<FwmarkRule> fwmarkRules() {
        return fwmarkRules;
    }

    /** Every RIP once, however many services it stands behind. */
    Set<IpAddress> realServerAddresses() {
        Set<IpAddress> addresses = new LinkedHashSet<>();
        for (VirtualService service : services.values()) {
            for (RealServer real : service.realServers()) {
                addresses.add(real.address());
            }
        }
        return addresses;
    }

    /** Every way to a real server once, however many services use it. */
    Set<Way> ways() {
        return services.values().stream()
                .flatMap(service -> service.realServers().stream())
                .map(Way::of)
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    /** Whether a service came into being with the changes to this copy. */
    boolean isAdded(int serviceId) {
        return added.get(serviceId);
    }

    /** Whether the changes to this copy are such that IPVS would have told the service's scheduler. */
    boolean isRescheduled(int serviceId) {
        return rescheduled.get(serviceId);
    }

    /** Whether a real server came into being with the changes to this copy, without having been there before. */
    boolean isNewRealServer(int realServerId) {
        return unknownRealServers.get(realServerId);
    }

    /**
     * Lets ids of removed real servers be given to others, and those of removed services none of whose real servers' ids is
     * held any more.
     *
     * @param held whether anything in the datapath still refers to a real server's id
     */
    void reclaim(IntPredicate held) {
        realServerIds.reclaim((place, id) -> !held.test(id));
        Set<ServiceKey> kept =
                realServerIds.removed().keySet().stream().map(Place::service).collect(Collectors.toSet());
        serviceIds.reclaim((key, id) -> !kept.contains(key));
    }

    /** All ids that stand for something, or may still be held for what was removed. */
    KnownIds ids() {
        Map<ServiceKey, Integer> serviceOf = new HashMap<>(serviceIds.removed());
        Map<Place, Integer> realServerOf = new HashMap<>(realServerIds.removed());
        for (VirtualService service : services.values()) {
            serviceOf.put(service.key(), service.id());
            for (RealServer real : service.realServers()) {
                realServerOf.put(new Place(service.key(), real.address(), real.port()), real.id());
            }
        }
        return new KnownIds(serviceOf, realServerOf);
    }

    /** The service with a key. */
    Optional<VirtualService> find(ServiceKey key) {
        return Optional.ofNullable(services.get(key));
    }

    /** The service, which must be there. */
    VirtualService get(ServiceKey key) throws ChangeException {
        return find(key).orElseThrow(() -> new ChangeException(Code.SERVICE_NOT_FOUND, "there is no service " + key));
    }

    /** Adds a service with its real servers. */
    VirtualService addService(ServiceConfig config) throws ChangeException {
        ServiceKey key = config.key();
        if (services.containsKey(key)) {
            throw new ChangeException(Code.SERVICE_EXISTS, "service " + key + " exists already");
        }
        checkSettings(config);
        int id = serviceIds.takeBack(key);
        if (id == IdPool.NONE) {
            id = serviceIds.takeNew();
        }
        if (id == IdPool.NONE) {
            throw new ChangeException(
                    Code.FULL, "there is no room for more than " + ForwardingSnapshot.MAX_SERVICES + " services");
        }
        List<RealServer> realServers = new ArrayList<>();
        Set<Place> places = new HashSet<>();
        for (RealServerConfig real : config.realServers()) {
            if (!places.add(new Place(key, real.address(), real.port()))) {
                throw new ChangeException(
                        Code.REAL_EXISTS, "real server " + real.address() + " twice in service " + key);
            }
            realServers.add(newRealServer(key, real));
        }
        VirtualService service = new VirtualService(
                id,
                key,
                config.scheduler(),
                config.schedulerFlags(),
                config.persistence(),
                config.onePacket(),
                realServers);
        checkMaglev(service);
        services.put(key, service);
        added.set(id);
        rescheduled.set(id);
        return service;
    }

    /** Gives a service other settings, all of them; its real servers stay. */
    void editService(ServiceConfig config) throws ChangeException {
        VirtualService before = get(config.key());
        checkSettings(config);
        VirtualService after = new VirtualService(
                before.id(),
                before.key(),
                config.scheduler(),
                config.schedulerFlags(),
                config.persistence(),
                config.onePacket(),
                before.realServers());
        checkMaglev(after);
        services.put(config.key(), after);
        // As IPVS, which leaves a scheduler alone that stays the same. Tables of hashes hold their flags, though.
        if (after.scheduler() != before.scheduler() || !after.schedulerFlags().equals(before.schedulerFlags())) {
            rescheduled.set(after.id());
        }
    }

    /** Removes a service with its real servers. */
    void deleteService(ServiceKey key) throws ChangeException {
        VirtualService service = get(key);
        for (RealServer real : service.realServers()) {
            realServerIds.remove(new Place(key, real.address(), real.port()), real.id());
        }
        services.remove(key);
        serviceIds.remove(key, service.id());
    }

    /** Adds a real server to a service; it becomes the newest. */
    void addRealServer(ServiceKey key, RealServerConfig config) throws ChangeException {
        VirtualService service = get(key);
        checkNumbers(config);
        if (find(service, config.address(), config.port()).isPresent()) {
            throw new ChangeException(
                    Code.REAL_EXISTS, "service " + key + " has real server " + config.address() + " already");
        }
        List<RealServer> realServers = new ArrayList<>(service.realServers());
        realServers.add(newRealServer(key, config));
        replaceRealServers(service, realServers);
    }

    /** A real server with the id that it had here before, or a new one. */
    private RealServer newRealServer(ServiceKey key, RealServerConfig config) throws ChangeException {
        checkNumbers(config);
        checkRealServer(key, config);
        Place place = new Place(key, config.address(), config.port());
        int id = realServerIds.takeBack(place);
        if (id == IdPool.NONE) {
            id = realServerIds.takeNew();
            if (id != IdPool.NONE) {
                unknownRealServers.set(id);
            }
        }
        if (id == IdPool.NONE) {
            throw new ChangeException(
                    Code.FULL,
                    "there is no room for more than " + ForwardingSnapshot.MAX_REAL_SERVERS
                            + " real servers, those removed whose connections have not expired included");
        }
        return realServer(id, config);
    }

    /** Gives a real server other settings, all of them. */
    void editRealServer(ServiceKey key, RealServerConfig config) throws ChangeException {
        VirtualService service = get(key);
        checkNumbers(config);
        RealServer before = get(service, config.address(), config.port());
        checkRealServer(key, config);
        replaceRealServers(
                service,
                service.realServers().stream()
                        .map(real -> real.id() == before.id() ? realServer(real.id(), config) : real)
                        .toList());
    }

    /** Removes a real server from a service. */
    void deleteRealServer(ServiceKey key, IpAddress address, int port) throws ChangeException {
        VirtualService service = get(key);
        RealServer gone = get(service, address, port);
        realServerIds.remove(new Place(key, address, port), gone.id());
        replaceRealServers(
                service,
                service.realServers().stream()
                        .filter(real -> real.id() != gone.id())
                        .toList());
    }

    /** Puts a service's real servers into an order, in which they are as if added one by one. */
    void orderRealServers(ServiceKey key, List<RealServerConfig> order) throws ChangeException {
        VirtualService service = get(key);
        Map<RealServerConfig.Endpoint, Integer> places = new HashMap<>();
        order.forEach(real -> places.putIfAbsent(real.endpoint(), places.size()));
        replaceRealServers(
                service,
                service.realServers().stream()
                        .sorted(Comparator.comparingInt(real -> places.getOrDefault(
                                new RealServerConfig.Endpoint(real.address(), real.port()), Integer.MAX_VALUE)))
                        .toList());
    }

    /** Replaces the rules of firewall marks. */
    void setFwmarkRules(List<FwmarkRule> rules) {
        fwmarkRules = List.copyOf(rules);
    }

    /** A real server of a service. */
    static Optional<RealServer> find(VirtualService service, IpAddress address, int port) {
        return service.realServers().stream()
                .filter(real -> real.address().equals(address) && real.port() == port)
                .findFirst();
    }

    private static RealServer get(VirtualService service, IpAddress address, int port) throws ChangeException {
        return find(service, address, port)
                .orElseThrow(() -> new ChangeException(
                        Code.REAL_NOT_FOUND, "service " + service.key() + " has no real server " + address));
    }

    private static RealServer realServer(int id, RealServerConfig config) {
        return new RealServer(
                id,
                config.address(),
                config.port(),
                config.method(),
                config.weight(),
                config.upperThreshold(),
                config.lowerThreshold(),
                config.tunnel(),
                config.vlan());
    }

    private void replaceRealServers(VirtualService service, List<RealServer> realServers) throws ChangeException {
        VirtualService after = service.withRealServers(realServers);
        checkMaglev(after);
        services.put(service.key(), after);
        rescheduled.set(service.id());
    }

    private void checkMaglev(VirtualService service) throws ChangeException {
        if (service.scheduler() == SchedulerKind.MAGLEV && service.realServers().size() > maglevTableSize) {
            throw new ChangeException(
                    Code.FULL,
                    "a Maglev table of " + maglevTableSize + " entries has no room for "
                            + service.realServers().size() + " real servers");
        }
    }

    private static void checkSettings(ServiceConfig config) throws ChangeException {
        if (config.key() instanceof AddressKey key) {
            if (config.onePacket() && key.protocol() != Protocol.UDP) {
                throw new ChangeException(
                        Code.INVALID, "one-packet scheduling is for UDP and fwmark services, not " + key);
            }
        }
    }

    private void checkRealServer(ServiceKey service, RealServerConfig config) throws ChangeException {
        IpAddress address = config.address();
        if (!methods.contains(config.method())) {
            throw new ChangeException(Code.INVALID, config.method().notAvailable());
        }
        Optional<String> kind = AddressRules.notForwardable(address);
        if (kind.isPresent()) {
            throw new ChangeException(Code.NOT_UNICAST, "real server " + address + " is " + kind.get());
        }
        if (address.family() != service.family() && config.method() != ForwardingMethod.TUN) {
            throw new ChangeException(
                    Code.INVALID,
                    "real server " + address + " is of another family than service " + service + ", which method "
                            + config.method().keyword() + " cannot bridge");
        }
        if (service instanceof AddressKey key
                && config.port() != key.port()
                && !config.method().translatesPort()) {
            throw new ChangeException(
                    Code.INVALID,
                    "method " + config.method().keyword() + " keeps the service's port " + key.port()
                            + ", so real server " + address + " cannot have port " + config.port());
        }
    }

    /** What IPVS looks at first. */
    private static void checkNumbers(RealServerConfig config) throws ChangeException {
        if (config.weight() < 0) {
            throw new ChangeException(Code.OUT_OF_RANGE, "weight " + config.weight() + " is negative");
        }
        if (config.lowerThreshold() < 0 || config.upperThreshold() < config.lowerThreshold()) {
            throw new ChangeException(
                    Code.OUT_OF_RANGE,
                    "lower threshold " + config.lowerThreshold() + " is above upper threshold "
                            + config.upperThreshold());
        }
    }
}
