package dev.sluice.control;

import dev.sluice.control.ChangeException.Code;
import dev.sluice.control.KnownIds.Place;
import dev.sluice.control.config.AddressRules;
import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.health.CheckSpec;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.LocalPool;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.TranslationOptions;
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
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The virtual services and real servers that are configured, with the ids by which the datapath knows them, and the edits
 * that ipvsadm knows, with the same preconditions. What health makes of them is in {@link Overlay}: here a real server that
 * has failed is like any other, and keeps its id.
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
    private final IdPool<ServiceKey> serviceIds;
    private final IdPool<Place> realServerIds;
    private final Map<ServiceKey, VirtualService> services;
    /** Of services where anything of it is configured. */
    private final Map<ServiceKey, HealthSettings> health;

    private List<FwmarkRule> fwmarkRules = List.of();
    private LocalPool localPool = LocalPool.NONE;

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
        this.maglevTableSize = maglevTableSize;
        serviceIds = new IdPool<>(ForwardingSnapshot.MAX_SERVICES, known.services());
        realServerIds = new IdPool<>(ForwardingSnapshot.MAX_REAL_SERVERS, known.realServers());
        services = new LinkedHashMap<>();
        health = new HashMap<>();
    }

    private Registry(Registry other) {
        maglevTableSize = other.maglevTableSize;
        serviceIds = new IdPool<>(other.serviceIds);
        realServerIds = new IdPool<>(other.realServerIds);
        services = new LinkedHashMap<>(other.services);
        health = new HashMap<>(other.health);
        fwmarkRules = other.fwmarkRules;
        localPool = other.localPool;
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

    /** The pool of services that have no local addresses of their own; the ports of all. */
    LocalPool localPool() {
        return localPool;
    }

    /** The pool from which a service speaks to real servers by FULLNAT. */
    LocalPool localPool(VirtualService service) {
        List<IpAddress> own = service.translation().pool().addresses();
        if (own.isEmpty()) {
            return localPool;
        }
        LocalPool pool = service.translation().pool();
        boolean same = pool.firstPort() == localPool.firstPort() && pool.lastPort() == localPool.lastPort();
        return same ? pool : new LocalPool(own, localPool.firstPort(), localPool.lastPort());
    }

    /** Replaces the pool of services that have no local addresses of their own. */
    void setLocalPool(LocalPool pool) {
        localPool = pool;
    }

    /** What is configured of a service's health. */
    HealthSettings health(ServiceKey key) {
        return health.getOrDefault(key, HealthSettings.NONE);
    }

    /** The real servers of a service, and its sorry server behind them. */
    List<RealServer> allRealServers(VirtualService service) {
        return health(service.key()).withSorry(service.realServers());
    }

    private Stream<RealServer> allRealServers() {
        return services.values().stream().flatMap(service -> allRealServers(service).stream());
    }

    /** Every RIP once, those of sorry servers included, however many services it stands behind. */
    Set<IpAddress> realServerAddresses() {
        return allRealServers().map(RealServer::address).collect(Collectors.toCollection(LinkedHashSet::new));
    }

    /** Every way to a real server or sorry server once, however many services use it. */
    Set<Way> ways() {
        return allRealServers().map(Way::of).collect(Collectors.toCollection(LinkedHashSet::new));
    }

    /** Whether anybody may hold the id of a removed real server. */
    boolean keepsIdsOfRemoved() {
        return !realServerIds.removed().isEmpty();
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
            for (RealServer real : allRealServers(service)) {
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
                        Code.REAL_EXISTS,
                        "real server " + EditText.endpoint(key, real.address(), real.port()) + " twice in service "
                                + key);
            }
            realServers.add(newRealServer(key, real));
        }
        HealthSettings settings = new HealthSettings(
                config.health(), sorry(config, HealthSettings.NONE), ownChecks(config.realServers()));
        if (settings.isSet()) {
            health.put(key, settings);
        }
        VirtualService service = new VirtualService(
                id,
                key,
                config.scheduler(),
                config.schedulerFlags(),
                config.persistence(),
                config.onePacket(),
                config.translation(),
                realServers);
        checkMaglev(service);
        checkSorry(service);
        services.put(key, service);
        added.set(id);
        rescheduled.set(id);
        return service;
    }

    private static Map<RealServerConfig.Endpoint, List<CheckSpec>> ownChecks(List<RealServerConfig> realServers) {
        Map<RealServerConfig.Endpoint, List<CheckSpec>> own = new HashMap<>();
        for (RealServerConfig real : realServers) {
            List<CheckSpec> checks = real.checks();
            if (checks != null) {
                own.put(real.endpoint(), checks);
            }
        }
        return own;
    }

    /** The sorry server that a service is to have; the one that it had has its id kept if it goes. */
    private @Nullable RealServer sorry(ServiceConfig config, HealthSettings before) throws ChangeException {
        RealServer was = before.sorry();
        RealServerConfig wanted = config.health().sorry();
        if (was != null
                && wanted != null
                && wanted.endpoint().equals(new RealServerConfig.Endpoint(was.address(), was.port()))) {
            checkRealServer(config.key(), wanted);
            return realServer(was.id(), wanted);
        }
        if (was != null) {
            realServerIds.remove(new Place(config.key(), was.address(), was.port()), was.id());
        }
        return wanted == null ? null : newRealServer(config.key(), wanted);
    }

    private void checkSorry(VirtualService service) throws ChangeException {
        RealServer sorry = health(service.key()).sorry();
        if (sorry != null && find(service, sorry.address(), sorry.port()).isPresent()) {
            throw new ChangeException(
                    Code.REAL_EXISTS,
                    EditText.endpoint(service.key(), sorry) + " is the sorry server of service " + service.key()
                            + " already");
        }
    }

    /** Gives a service other settings, those of its health included; its real servers stay. */
    void editService(ServiceConfig config) throws ChangeException {
        editService(config, KeptSettings.NONE);
    }

    /**
     * Gives a service other settings; its real servers stay.
     *
     * @param kept the settings that stay as well
     */
    void editService(ServiceConfig config, KeptSettings kept) throws ChangeException {
        VirtualService before = get(config.key());
        checkSettings(config);
        VirtualService after = new VirtualService(
                before.id(),
                before.key(),
                config.scheduler(),
                config.schedulerFlags(),
                config.persistence(),
                config.onePacket(),
                kept.of(before.translation(), config.translation()),
                before.realServers());
        if (!kept.health()) {
            HealthSettings was = health(config.key());
            put(config.key(), new HealthSettings(config.health(), sorry(config, was), was.ownChecks()));
            checkSorry(after);
        }
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
        for (RealServer real : allRealServers(service)) {
            realServerIds.remove(new Place(key, real.address(), real.port()), real.id());
        }
        services.remove(key);
        health.remove(key);
        serviceIds.remove(key, service.id());
    }

    /** Adds a real server to a service; it becomes the newest. */
    void addRealServer(ServiceKey key, RealServerConfig config) throws ChangeException {
        VirtualService service = get(key);
        checkNumbers(config);
        if (find(service, config.address(), config.port()).isPresent()) {
            throw new ChangeException(
                    Code.REAL_EXISTS,
                    "service " + key + " has real server " + EditText.endpoint(key, config.address(), config.port())
                            + " already");
        }
        List<RealServer> realServers = new ArrayList<>(service.realServers());
        realServers.add(newRealServer(key, config));
        put(key, health(key).withOwnChecks(config.endpoint(), config.checks()));
        replaceRealServers(service, realServers);
    }

    private void put(ServiceKey key, HealthSettings settings) {
        if (settings.isSet()) {
            health.put(key, settings);
        } else {
            health.remove(key);
        }
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

    /** Gives a real server other settings, its checks included. */
    void editRealServer(ServiceKey key, RealServerConfig config) throws ChangeException {
        editRealServer(key, config, false);
    }

    /**
     * Gives a real server other settings, all of them.
     *
     * @param keepsChecks whether it keeps its checks, which ipvsadm has no words for
     */
    void editRealServer(ServiceKey key, RealServerConfig config, boolean keepsChecks) throws ChangeException {
        VirtualService service = get(key);
        checkNumbers(config);
        RealServer before = get(service, config.address(), config.port());
        checkRealServer(key, config);
        if (!keepsChecks) {
            put(key, health(key).withOwnChecks(config.endpoint(), config.checks()));
        }
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
        put(key, health(key).withOwnChecks(new RealServerConfig.Endpoint(address, port), null));
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

    /** Gives a service other local addresses of its own, none for the director's pool. */
    void setLocalAddresses(ServiceKey key, List<IpAddress> addresses) throws ChangeException {
        VirtualService service = get(key);
        TranslationOptions before = service.translation();
        LocalPool pool = new LocalPool(
                addresses, before.pool().firstPort(), before.pool().lastPort());
        services.put(
                key, service.withTranslation(new TranslationOptions(pool, before.clientAddress(), before.synProxy())));
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
                        Code.REAL_NOT_FOUND,
                        "service " + service.key() + " has no real server "
                                + EditText.endpoint(service.key(), address, port)));
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
        checkSorry(after);
        services.put(service.key(), after);
        rescheduled.set(service.id());
    }

    private void checkMaglev(VirtualService service) throws ChangeException {
        if (service.scheduler() == SchedulerKind.MAGLEV
                && allRealServers(service).size() > maglevTableSize) {
            throw new ChangeException(
                    Code.FULL,
                    "a Maglev table of " + maglevTableSize + " entries has no room for "
                            + allRealServers(service).size() + " real servers");
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
        Optional<String> kind = AddressRules.notForwardable(address);
        if (kind.isPresent()) {
            throw new ChangeException(Code.NOT_UNICAST, "real server " + address + " is " + kind.get());
        }
        if (address.family() != service.family() && !config.method().crossesFamilies()) {
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
