package dev.sluice.bpf;

import dev.sluice.ffi.NativeException;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.FwmarkRule;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The maps through which the director tells the steering programs which services exist, which real servers' packets are
 * its own, and which addresses are its host's: one set for the process, shared by the programs of all its interfaces.
 *
 * <p>They are created before any program is, so that they can be filled first and steering is complete from the first
 * packet on.
 *
 * <p>Owned by: control. Failures of the kernel are {@link NativeException}s.
 */
public final class SteeringMaps implements AutoCloseable {
    /** How many services fit, and how many of anything else; memory is taken as they come. */
    public static final int MAX_SERVICES = 65_536;

    /** How many rules that give marks there can be. */
    public static final int MAX_FWMARK_RULES = 256;

    private final FwmarkMaps fwmarks;
    private final List<SteeringHash> hashes = new ArrayList<>();
    private final EndpointMaps services;
    private final EndpointMaps realServers;
    private final SteeringHash ownAddressMap;
    private final SteeringHash localAddressMap;
    private final SteeringHash peerMap;
    private final Set<IpAddress> ownAddresses = new HashSet<>();
    private final Map<IpAddress, Integer> localAddresses = new HashMap<>();
    private final Set<AddressKey> peers = new HashSet<>();
    private final Map<String, InterfaceMaps> interfaces = new LinkedHashMap<>();

    private SteeringMaps() {
        fwmarks = FwmarkMaps.create();
        try {
            services = new EndpointMaps(createHash("services"), createHash("vips"));
            realServers = new EndpointMaps(createHash("reals"), createHash("rips"));
            ownAddressMap = createHash("own_addresses");
            localAddressMap = createHash("local_addresses");
            peerMap = createHash("peers");
        } catch (NativeException e) {
            fwmarks.close();
            hashes.forEach(SteeringHash::close);
            throw e;
        }
    }

    /** Creates the maps, empty. */
    public static SteeringMaps create() {
        return new SteeringMaps();
    }

    private SteeringHash createHash(String name) {
        SteeringHash hash = new SteeringHash(name);
        hashes.add(hash);
        return hash;
    }

    /**
     * The maps of one interface, made at the first call. They outlive a detach, so an interface that comes back keeps
     * its counters.
     */
    public InterfaceMaps ofInterface(String interfaceName) {
        InterfaceMaps known = interfaces.get(interfaceName);
        if (known == null) {
            known = InterfaceMaps.create();
            interfaces.put(interfaceName, known);
            known.setTranslates(translates());
        }
        return known;
    }

    /**
     * Steers a service from now on; a service that is there already only changes its id. A UDP service that IKE's packets
     * meet has its address's AH and ESP steered as well.
     */
    public void addService(AddressKey key, int serviceId) {
        services.put(key, serviceId);
    }

    /** Leaves a service's packets to the kernel from now on; nothing happens for one that is not there. */
    public void removeService(AddressKey key) {
        services.remove(key);
    }

    /** The services that are steered. */
    public Set<AddressKey> services() {
        return services.keys();
    }

    /**
     * Steers what a real server sends from a port, or from every port for 0, to others than {@link #setOwnAddresses this
     * host}, and ICMP errors about what was sent there; nothing happens for one that is there.
     *
     * @param real protocol, RIP and RPORT
     */
    public void addRealServer(AddressKey real) {
        // Before the entry, so that it counts from the first packet on.
        setTranslates(true);
        realServers.put(real, 0);
    }

    /** Leaves what a real server sends to the kernel from now on; nothing happens for one that is not there. */
    public void removeRealServer(AddressKey real) {
        realServers.remove(real);
        setTranslates(translates());
    }

    /** The real servers whose packets are steered. */
    public Set<AddressKey> realServers() {
        return realServers.keys();
    }

    /** Says which addresses the host has: what real servers send there is the kernel's. */
    public void setOwnAddresses(Set<IpAddress> addresses) {
        for (IpAddress address : addresses) {
            if (!ownAddresses.contains(address)) {
                ownAddressMap.put(SteeringKey.of(address), 0);
                ownAddresses.add(address);
            }
        }
        for (IpAddress address : Set.copyOf(ownAddresses)) {
            if (!addresses.contains(address)) {
                ownAddressMap.remove(SteeringKey.of(address));
                ownAddresses.remove(address);
            }
        }
    }

    /**
     * Steers TCP, UDP and SCTP to an address from now on, whoever sends it, and ICMP errors about what was sent from there;
     * fragments, when they come from a {@link #addPeer peer}. Other ports stay as they are. An address that is there
     * already has its range replaced.
     *
     * @param firstPort 1–65535
     * @param lastPort not below the first, at most 65535
     */
    public void putLocalAddress(IpAddress address, int firstPort, int lastPort) {
        if (firstPort < 1 || lastPort < firstPort || lastPort > 65535) {
            throw new IllegalArgumentException("ports " + firstPort + "-" + lastPort + " of " + address);
        }
        setTranslates(true);
        int range = SteeringKey.portRange(firstPort, lastPort);
        localAddressMap.put(SteeringKey.of(address), range);
        localAddresses.put(address, range);
    }

    /** Leaves packets to an address to the kernel from now on; nothing happens for one that is not there. */
    public void removeLocalAddress(IpAddress address) {
        if (localAddresses.containsKey(address)) {
            localAddressMap.remove(SteeringKey.of(address));
            localAddresses.remove(address);
            setTranslates(translates());
        }
    }

    /**
     * Steers fragments of a protocol that a real server sends to local addresses, and ICMP errors about fragments that were sent
     * to it from there; nothing happens for one that is there. The rest goes by the local address.
     *
     * @param peer protocol and RIP, with port 0
     */
    public void addPeer(AddressKey peer) {
        if (!peers.contains(peer)) {
            peerMap.put(SteeringKey.of(peer), 0);
            peers.add(peer);
        }
    }

    /** Leaves such fragments to the kernel from now on; nothing happens for one that is not there. */
    public void removePeer(AddressKey peer) {
        if (peers.contains(peer)) {
            peerMap.remove(SteeringKey.of(peer));
            peers.remove(peer);
        }
    }

    /** The real servers whose fragments to local addresses are steered. */
    public Set<AddressKey> peers() {
        return Set.copyOf(peers);
    }

    /** The local addresses whose packets are steered. */
    public Set<IpAddress> localAddresses() {
        return Set.copyOf(localAddresses.keySet());
    }

    private boolean translates() {
        return !realServers.keys().isEmpty() || !localAddresses.isEmpty();
    }

    private void setTranslates(boolean translates) {
        interfaces.values().forEach(maps -> maps.setTranslates(translates));
    }

    /**
     * Steers what these rules, all of whose marks have a service, match from now on, and nothing else by mark.
     *
     * @throws IllegalArgumentException for more than {@link #MAX_FWMARK_RULES}
     */
    public void setFwmarkRules(List<FwmarkRule> rules) {
        setFwmarkRules(rules, key -> true);
    }

    /**
     * As {@link #setFwmarkRules(List)}, when some marks may have no service: a packet that such a rule is the first to match
     * is left to the kernel, whatever rules come behind it. No packet that both the old and the new rules steer reaches the
     * kernel in between.
     *
     * @param served whether the mark has a service
     * @throws IllegalArgumentException for more than {@link #MAX_FWMARK_RULES}
     */
    public void setFwmarkRules(List<FwmarkRule> rules, Predicate<FwmarkKey> served) {
        if (rules.size() > MAX_FWMARK_RULES) {
            throw new IllegalArgumentException(
                    rules.size() + " fwmark rules; at most " + MAX_FWMARK_RULES + " can be steered by");
        }
        fwmarks.set(rules, served);
    }

    /** The hash maps, for the program that reads them. */
    List<SteeringHash> hashes() {
        return List.copyOf(hashes);
    }

    int fwmarkRulesFd() {
        return fwmarks.rulesFd();
    }

    int fwmarkGateFd() {
        return fwmarks.gateFd();
    }

    /** Closes the descriptors; the kernel keeps the maps of a program that is still attached. */
    @Override
    public void close() {
        interfaces.values().forEach(InterfaceMaps::close);
        interfaces.clear();
        hashes.forEach(SteeringHash::close);
        fwmarks.close();
    }
}
