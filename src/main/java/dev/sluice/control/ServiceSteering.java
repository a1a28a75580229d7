package dev.sluice.control;

import dev.sluice.bpf.SteeringMaps;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.VirtualService;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Keeps the steering program's maps in step with the services, in two halves round the publishing of a snapshot: what goes
 * is no longer steered before workers forget it, what comes is steered only when all workers know it.
 *
 * <p>Owned by: control thread. Failures of the kernel are {@code NativeException}s.
 */
final class ServiceSteering {
    private final SteeringMaps maps;
    /** As the kernel has them. */
    private List<FwmarkRule> rules = List.of();

    /** The marks with a service. */
    private Set<FwmarkKey> served = Set.of();

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
        // What a rule that changes its meaning matches is left to the kernel until all workers know the new one.
        List<FwmarkRule> lasting = new ArrayList<>(rules);
        lasting.retainAll(registry.fwmarkRules());
        Set<FwmarkKey> still = new HashSet<>(served);
        still.retainAll(marks(registry));
        steer(lasting, still);
    }

    /** When every worker has acknowledged it: steers all that it has services for. */
    void widen(Registry registry) {
        Set<AddressKey> steered = maps.services();
        for (VirtualService service : registry.services()) {
            if (service.key() instanceof AddressKey key && (!steered.contains(key) || registry.isAdded(service.id()))) {
                maps.addService(key, service.id());
            }
        }
        steer(registry.fwmarkRules(), marks(registry));
    }

    private void steer(List<FwmarkRule> newRules, Set<FwmarkKey> newServed) {
        if (!newRules.equals(rules) || !newServed.equals(served)) {
            maps.setFwmarkRules(newRules, newServed::contains);
            rules = List.copyOf(newRules);
            served = Set.copyOf(newServed);
        }
    }

    private static Set<FwmarkKey> marks(Registry registry) {
        Set<FwmarkKey> marks = new HashSet<>();
        for (VirtualService service : registry.services()) {
            if (service.key() instanceof FwmarkKey key) {
                marks.add(key);
            }
        }
        return marks;
    }
}
