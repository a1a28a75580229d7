package dev.sluice.control;

import dev.sluice.bpf.SteeringMaps;
import dev.sluice.control.CommonRules.Verdict;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.VirtualService;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;

/**
 * Keeps the steering program's maps in step with the services, in two halves round the publishing of a snapshot: what goes
 * is no longer steered before workers forget it, what comes is steered only when all workers know it. What one service loses to
 * another is steered all the while: the kernel would reset its connections.
 *
 * <p>Owned by: control thread. Failures of the kernel are {@code NativeException}s.
 */
final class ServiceSteering {
    private final SteeringMaps maps;
    private final ReplySteering replies;
    private final LocalSteering locals;
    private final LocalAddressScan scan;
    /** As the kernel has them, unless {@link #between}. */
    private List<FwmarkRule> rules = List.of();

    /** The marks with a service. */
    private Set<FwmarkKey> served = Set.of();

    /** Whether the kernel has what these rules and the next ones share. */
    private boolean between;

    /**
     * @param maps the kernel's
     * @param scan looks for connections with local addresses that are leaving
     */
    ServiceSteering(SteeringMaps maps, LocalAddressScan scan) {
        this.maps = maps;
        this.scan = scan;
        this.locals = new LocalSteering(maps);
        this.replies = new ReplySteering(maps);
    }

    /**
     * Before the snapshot of this registry is published: leaves to the kernel what it has no service for. Replies of real
     * servers and to local addresses that come are steered from here on, for the first may be quicker than the last worker.
     */
    void narrow(Registry registry) {
        replies.widen(registry);
        locals.widen(registry);
        Set<AddressKey> wanted = addresses(registry);
        Set<AddressKey> steered = maps.services();
        Set<FwmarkKey> marks = marks(registry);
        List<Verdict> coming = new ArrayList<>();
        wanted.stream().filter(key -> !steered.contains(key)).map(Verdict::of).forEach(coming::add);
        registry.fwmarkRules().stream()
                .map(rule -> Verdict.of(rule, marks::contains))
                .forEach(coming::add);
        for (AddressKey key : steered) {
            if (!wanted.contains(key) && !isTakenOver(key, coming)) {
                maps.removeService(key);
            }
        }
        if (!registry.fwmarkRules().equals(rules) || !marks.equals(served)) {
            List<Verdict> going = rules.stream()
                    .map(rule -> Verdict.of(rule, served::contains))
                    .toList();
            between = true;
            maps.setFwmarkRules(CommonRules.of(going, coming, SteeringMaps.MAX_FWMARK_RULES), CommonRules::isSteered);
        }
    }

    /** Whether packets of a service that goes will be another's. Those that will be nobody's are dropped until then. */
    private static boolean isTakenOver(AddressKey key, List<Verdict> coming) {
        FwmarkRule going = Verdict.of(key).rule();
        return coming.stream().anyMatch(verdict -> verdict.steered() && CommonRules.overlap(verdict.rule(), going));
    }

    /** When every worker has acknowledged it: steers all that it has services for, and nothing else. */
    void widen(Registry registry) {
        replies.widen(registry);
        replies.follow(registry);
        locals.widen(registry);
        if (locals.follow(registry)) {
            scan.restart();
        }
        Set<AddressKey> steered = maps.services();
        for (VirtualService service : registry.services()) {
            if (service.key() instanceof AddressKey key && (!steered.contains(key) || registry.isAdded(service.id()))) {
                maps.addService(key, service.id());
            }
        }
        for (VirtualService service : registry.services()) {
            if (DataConnections.has(registry, service) && !maps.services().contains(DataConnections.toVip(service))) {
                maps.addService(DataConnections.toVip(service), service.id());
            }
        }
        Set<FwmarkKey> marks = marks(registry);
        if (between || !registry.fwmarkRules().equals(rules) || !marks.equals(served)) {
            maps.setFwmarkRules(registry.fwmarkRules(), marks::contains);
            between = false;
            rules = List.copyOf(registry.fwmarkRules());
            served = Set.copyOf(marks);
        }
        Set<AddressKey> wanted = addresses(registry);
        steered.stream().filter(key -> !wanted.contains(key)).forEach(maps::removeService);
    }

    /**
     * Leaves replies to the kernel that nobody waits for any more, of real servers that are gone.
     *
     * @param held whether anything in the datapath still refers to a real server's id; the last snapshot is acknowledged
     */
    void release(IntPredicate held) {
        replies.narrow(held);
    }

    /**
     * Leaves local addresses to the kernel that have gone and that no connection has any more; looks through a part of the
     * connections, if there is any such address.
     *
     * @param nowMs on the workers' clock
     */
    void releaseLocalAddresses(long nowMs) {
        if (locals.isAnyLeaving() && scan.step(nowMs, locals::isLeaving)) {
            locals.narrow(scan.held());
            scan.restart();
        }
    }

    private static Set<AddressKey> addresses(Registry registry) {
        Set<AddressKey> keys = new HashSet<>();
        for (VirtualService service : registry.services()) {
            if (service.key() instanceof AddressKey key) {
                keys.add(key);
            }
        }
        keys.addAll(DataConnections.toVips(registry));
        return keys;
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
