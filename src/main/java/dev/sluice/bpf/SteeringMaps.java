package dev.sluice.bpf;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.service.AddressKey;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

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

    private final int servicesFd;
    private final int vipsFd;
    private final Map<AddressKey, Integer> services = new LinkedHashMap<>();
    /** By service key with port 0: how many services the address and protocol have. */
    private final Map<AddressKey, Integer> servicesOfVip = new HashMap<>();

    private final Map<String, InterfaceMaps> interfaces = new LinkedHashMap<>();

    private SteeringMaps(int servicesFd, int vipsFd) {
        this.servicesFd = servicesFd;
        this.vipsFd = vipsFd;
    }

    /** Creates the maps, empty. */
    public static SteeringMaps create() {
        int services = createHash("services");
        try {
            return new SteeringMaps(services, createHash("vips"));
        } catch (NativeException e) {
            LibC.close(CallState.current(), services);
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

    /** Steers a service from now on; a service that is there already only changes its id. */
    public void addService(AddressKey key, int serviceId) {
        AddressKey vip = vip(key);
        boolean firstOfVip = !services.containsKey(key) && !servicesOfVip.containsKey(vip);
        if (firstOfVip) {
            update(vipsFd, "vips", vip, 0);
        }
        try {
            update(servicesFd, "services", key, serviceId);
        } catch (NativeException e) {
            if (firstOfVip) {
                delete(vipsFd, "vips", vip);
            }
            throw e;
        }
        if (services.put(key, serviceId) == null) {
            servicesOfVip.merge(vip, 1, Integer::sum);
        }
    }

    /** Leaves a service's packets to the kernel from now on; nothing happens for one that is not there. */
    public void removeService(AddressKey key) {
        if (!services.containsKey(key)) {
            return;
        }
        delete(servicesFd, "services", key);
        services.remove(key);
        AddressKey vip = vip(key);
        if (servicesOfVip.merge(vip, -1, Integer::sum) == 0) {
            servicesOfVip.remove(vip);
            delete(vipsFd, "vips", vip);
        }
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

    /** Closes the descriptors; the kernel keeps the maps of a program that is still attached. */
    @Override
    public void close() {
        interfaces.values().forEach(InterfaceMaps::close);
        interfaces.clear();
        LibC.close(CallState.current(), servicesFd);
        LibC.close(CallState.current(), vipsFd);
    }

    private static AddressKey vip(AddressKey key) {
        return new AddressKey(key.protocol(), key.address(), 0);
    }

    private static void update(int fd, String map, AddressKey key, int value) {
        try (Arena arena = Arena.ofConfined()) {
            int result =
                    LibBpf.mapUpdate(fd, SteeringKey.of(key, arena), arena.allocateFrom(ValueLayout.JAVA_INT, value));
            NativeException.check(result, "bpf_map_update_elem(" + map + ", " + key + ")");
        }
    }

    private static void delete(int fd, String map, AddressKey key) {
        try (Arena arena = Arena.ofConfined()) {
            int result = LibBpf.mapDelete(fd, SteeringKey.of(key, arena));
            if (result != -Native.ENOENT()) {
                NativeException.check(result, "bpf_map_delete_elem(" + map + ", " + key + ")");
            }
        }
    }
}
