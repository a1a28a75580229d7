package dev.sluice.bpf;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Protocol;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The maps through which the director tells the steering programs which services exist: one set for the process,
 * shared by the programs of all its interfaces.
 *
 * <p>They are created before any program is, so that they can be filled first and steering is complete from the first
 * packet on. What the kernel holds is mirrored here, because an address stays in {@code vips} as long as any of its
 * services does.
 *
 * <p>Owned by: control. Failures of the kernel are {@link NativeException}s.
 */
public final class SteeringMaps implements AutoCloseable {
    /** How many services fit; memory is taken as they come. */
    public static final int MAX_SERVICES = 65_536;

    /** How many rules that give marks there can be. */
    public static final int MAX_FWMARK_RULES = 256;

    /** Ports of IKE, without and with NAT between the peers (RFC 7296 section 2.23). */
    private static final Set<Integer> IKE_PORTS = Set.of(500, 4500);

    private static final int ESP = 50;

    private final int servicesFd;
    private final int vipsFd;
    private final FwmarkMaps fwmarks;
    private final Map<AddressKey, Integer> services = new LinkedHashMap<>();
    /** The entries of {@code vips}: how many services each stands for. */
    private final Map<SteeringKey, Integer> servicesOfVip = new HashMap<>();

    private final Map<String, InterfaceMaps> interfaces = new LinkedHashMap<>();

    private SteeringMaps(int servicesFd, int vipsFd, FwmarkMaps fwmarks) {
        this.servicesFd = servicesFd;
        this.vipsFd = vipsFd;
        this.fwmarks = fwmarks;
    }

    /** Creates the maps, empty. */
    public static SteeringMaps create() {
        FwmarkMaps fwmarks = FwmarkMaps.create();
        int services = -1;
        try {
            services = createHash("services");
            return new SteeringMaps(services, createHash("vips"), fwmarks);
        } catch (NativeException e) {
            fwmarks.close();
            if (services >= 0) {
                LibC.close(CallState.current(), services);
            }
            throw e;
        }
    }

    private static int createHash(String name) {
        return LibBpf.mapCreate(
                Native.BPF_MAP_TYPE_HASH(),
                name,
                SteeringKey.BYTES,
                Integer.BYTES,
                MAX_SERVICES,
                Native.BPF_F_NO_PREALLOC());
    }

    /**
     * The maps of one interface, made at the first call. They outlive a detach, so an interface that comes back keeps
     * its counters.
     */
    public InterfaceMaps ofInterface(String interfaceName) {
        return interfaces.computeIfAbsent(interfaceName, name -> InterfaceMaps.create());
    }

    /**
     * Steers a service from now on; a service that is there already only changes its id. A UDP service that IKE's packets
     * meet has its address's AH and ESP steered as well.
     */
    public void addService(AddressKey key, int serviceId) {
        if (services.containsKey(key)) {
            update(servicesFd, "services", SteeringKey.of(key), serviceId);
        } else {
            List<SteeringKey> vips = vips(key);
            vips.forEach(this::addVip);
            try {
                update(servicesFd, "services", SteeringKey.of(key), serviceId);
            } catch (NativeException e) {
                vips.forEach(this::removeVip);
                throw e;
            }
        }
        services.put(key, serviceId);
    }

    /** Leaves a service's packets to the kernel from now on; nothing happens for one that is not there. */
    public void removeService(AddressKey key) {
        if (!services.containsKey(key)) {
            return;
        }
        delete(servicesFd, "services", SteeringKey.of(key));
        services.remove(key);
        vips(key).forEach(this::removeVip);
    }

    private void addVip(SteeringKey vip) {
        if (!servicesOfVip.containsKey(vip)) {
            update(vipsFd, "vips", vip, 0);
        }
        servicesOfVip.merge(vip, 1, Integer::sum);
    }

    private void removeVip(SteeringKey vip) {
        if (servicesOfVip.merge(vip, -1, Integer::sum) == 0) {
            servicesOfVip.remove(vip);
            delete(vipsFd, "vips", vip);
        }
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

    /** The services that are steered. */
    public Set<AddressKey> services() {
        return Set.copyOf(services.keySet());
    }

    int servicesFd() {
        return servicesFd;
    }

    int vipsFd() {
        return vipsFd;
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
        LibC.close(CallState.current(), servicesFd);
        LibC.close(CallState.current(), vipsFd);
        fwmarks.close();
    }

    /** What {@code vips} has for a service: its protocol's fragments, and IPsec's packets where IKE's are its own. */
    private static List<SteeringKey> vips(AddressKey key) {
        SteeringKey fragments = new SteeringKey(key.address(), 0, key.protocol().number());
        boolean ike = key.protocol() == Protocol.UDP && (key.port() == 0 || IKE_PORTS.contains(key.port()));
        return ike ? List.of(fragments, new SteeringKey(key.address(), 0, ESP)) : List.of(fragments);
    }

    private static void update(int fd, String map, SteeringKey key, int value) {
        try (Arena arena = Arena.ofConfined()) {
            int result = LibBpf.mapUpdate(fd, key.bytes(arena), arena.allocateFrom(ValueLayout.JAVA_INT, value));
            if (result < 0) {
                throw new NativeException("bpf_map_update_elem(" + map + ", " + key + ")", -result);
            }
        }
    }

    private static void delete(int fd, String map, SteeringKey key) {
        try (Arena arena = Arena.ofConfined()) {
            int result = LibBpf.mapDelete(fd, key.bytes(arena));
            if (result < 0 && result != -Native.ENOENT()) {
                throw new NativeException("bpf_map_delete_elem(" + map + ", " + key + ")", -result);
            }
        }
    }
}
