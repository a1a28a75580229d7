package dev.sluice.control;

import dev.sluice.bpf.SteeringMaps;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.LocalPool;
import dev.sluice.service.VirtualService;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Keeps the local addresses of FULLNAT that the steering program knows in step with the configured ones. One that comes is
 * steered before a worker gives it to a connection; one that has gone, or has lost ports, as long as a connection has it.
 *
 * <p>Owned by: control thread. Failures of the kernel are {@code NativeException}s.
 */
final class LocalSteering {
    private final SteeringMaps maps;
    private Map<IpAddress, Ports> configured = Map.of();

    /** What workers give to no connection any more, but connections may have. */
    private final Map<IpAddress, Ports> leaving = new HashMap<>();

    /** As the kernel has them. */
    private final Map<IpAddress, Ports> steered = new HashMap<>();

    /** Ports of an address. */
    private record Ports(int first, int last) {
        boolean contains(Ports other) {
            return first <= other.first && other.last <= last;
        }

        /** Both, and what is between them. */
        Ports with(Ports other) {
            return new Ports(Math.min(first, other.first), Math.max(last, other.last));
        }
    }

    LocalSteering(SteeringMaps maps) {
        this.maps = maps;
    }

    /** The local addresses that services of a registry use, each with the ports that they use. */
    static Set<IpAddress> inUse(Registry registry) {
        return wanted(registry).keySet();
    }

    private static Map<IpAddress, Ports> wanted(Registry registry) {
        Map<IpAddress, Ports> wanted = new HashMap<>();
        for (VirtualService service : registry.services()) {
            if (registry.allRealServers(service).stream().anyMatch(real -> real.method() == ForwardingMethod.FULLNAT)) {
                LocalPool pool = registry.localPool(service);
                Ports ports = new Ports(pool.firstPort(), pool.lastPort());
                pool.addresses().forEach(address -> wanted.put(address, ports));
            }
        }
        return wanted;
    }

    /** Before the snapshot of this registry is published: steers what comes. */
    void widen(Registry registry) {
        wanted(registry).forEach((address, ports) -> {
            Ports now = steered.get(address);
            if (now == null || !now.contains(ports)) {
                put(address, now == null ? ports : now.with(ports));
            }
        });
    }

    private void put(IpAddress address, Ports ports) {
        maps.putLocalAddress(address, ports.first, ports.last);
        steered.put(address, ports);
    }

    /**
     * When every worker has acknowledged it, or the one before it again: whatever else is steered is leaving.
     *
     * @return whether anything has begun to leave, so that connections have to be looked through anew
     */
    boolean follow(Registry registry) {
        configured = wanted(registry);
        boolean more = false;
        for (Map.Entry<IpAddress, Ports> entry : steered.entrySet()) {
            Ports own = configured.get(entry.getKey());
            if (own == null || !own.contains(entry.getValue())) {
                more |= !entry.getValue().equals(leaving.put(entry.getKey(), entry.getValue()));
            } else {
                leaving.remove(entry.getKey());
            }
        }
        return more;
    }

    /** Whether connections have to be looked through. */
    boolean isAnyLeaving() {
        return !leaving.isEmpty();
    }

    /** Whether a connection's local address and port are among what is leaving. */
    boolean isLeaving(IpAddress address, int port) {
        Ports ports = leaving.get(address);
        Ports own = configured.get(address);
        return ports != null
                && ports.first <= port
                && port <= ports.last
                && !(own != null && own.first <= port && port <= own.last);
    }

    /**
     * Leaves to the kernel what no connection has any more.
     *
     * @param held the leaving addresses that some connection has
     */
    void narrow(Set<IpAddress> held) {
        for (IpAddress address : Set.copyOf(leaving.keySet())) {
            if (!held.contains(address)) {
                leaving.remove(address);
                Ports own = configured.get(address);
                if (own == null) {
                    maps.removeLocalAddress(address);
                    steered.remove(address);
                } else {
                    put(address, own);
                }
            }
        }
    }
}
