package dev.sluice.control;

import dev.sluice.bpf.SteeringMaps;
import dev.sluice.service.AddressKey;
import dev.sluice.service.VirtualService;
import java.util.HashSet;
import java.util.Set;

/**
 * Keeps the steering program's maps in step with the services, in two halves round the publishing of a snapshot: what goes
 * is no longer steered before workers forget it, what comes is steered only when all workers know it.
 *
 * <p>Owned by: control thread. Failures of the kernel are {@code NativeException}s.
 */
final class ServiceSteering {
    private final SteeringMaps maps;

    ServiceSteering(SteeringMaps maps) {
        this.maps = maps;
    }

    /** Before the snapshot of this registry is published: leaves to the kernel what it has no service for. */
    void narrow(Registry registry) {
        Set<AddressKey> wanted = new HashSet<>();
        for (VirtualService service : registry.services()) {
            if (service.key() instanceof AddressKey key) {
                wanted.add(key);
            }
        }
        for (AddressKey key : maps.services()) {
            if (!wanted.contains(key)) {
                maps.removeService(key);
            }
        }
    }

    /** When every worker has acknowledged it: steers all that it has services for. */
    void widen(Registry registry) {
        Set<AddressKey> steered = maps.services();
        for (VirtualService service : registry.services()) {
            if (service.key() instanceof AddressKey key && (!steered.contains(key) || registry.isAdded(service.id()))) {
                maps.addService(key, service.id());
            }
        }
    }
}
