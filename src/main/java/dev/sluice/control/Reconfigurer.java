package dev.sluice.control;

import dev.sluice.control.ChangeException.Code;
import dev.sluice.ffi.NativeException;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import dev.sluice.stats.LogField;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Changes the services of a running director: all of a list of edits, or none.
 *
 * <p>The edits are made to a copy of the registry. New RIPs get some time to answer ARP, so that they do not swallow flows
 * that they could have served. Then what goes is no longer steered; one snapshot with everything is published and
 * acknowledged by every worker; what comes is steered; and only then is the change done.
 *
 * <p>Owned by: control thread.
 */
final class Reconfigurer {
    private static final Logger LOG = System.getLogger(Reconfigurer.class.getName());

    private final NextHopFollower nextHops;
    private final SnapshotCompiler compiler;
    private final Datapath datapath;
    private final ServiceSteering steering;
    private final TrafficReader traffic;
    private final IdKeeper ids;
    private final HealthFollower health;
    private Registry registry;

    /**
     * @param registry what runs, compiled and published
     * @param nextHops watches all its RIPs
     * @param ids is told of every id before a worker is
     * @param health says what is left of the services, and is told of changes
     */
    Reconfigurer(
            Registry registry,
            NextHopFollower nextHops,
            SnapshotCompiler compiler,
            Datapath datapath,
            ServiceSteering steering,
            TrafficReader traffic,
            IdKeeper ids,
            HealthFollower health) {
        this.registry = registry;
        this.nextHops = nextHops;
        this.compiler = compiler;
        this.datapath = datapath;
        this.steering = steering;
        this.traffic = traffic;
        this.ids = ids;
        this.health = health;
    }

    /** What is configured. */
    Registry registry() {
        return registry;
    }

    /** The generation of the snapshot in force. Any thread. */
    long generation() {
        return compiler.current().snapshot().generation();
    }

    /** Publishes what runs once more, and waits until every worker has taken it over. */
    void publishAgain() {
        go(compiler.again(compiler.current()));
    }

    /**
     * What edits would change, a line each.
     *
     * @throws ChangeException when one of them cannot be made
     */
    List<String> preview(List<Edit> edits) throws ChangeException {
        return apply(edits, registry.copy());
    }

    /**
     * Makes edits; when it returns, every worker goes by them.
     *
     * @return what changed, a line each
     * @throws ChangeException when one of them cannot be made, or the kernel refuses; nothing has changed
     */
    List<String> change(List<Edit> edits) throws ChangeException, InterruptedException {
        ForwardingSnapshot before = compiler.current().snapshot();
        Registry draft = registry.copy();
        // Whatever was removed earlier is not in the current snapshot: when that is acknowledged, nobody comes to hold
        // it
        // any more.
        if (datapath.awaitAcknowledged(before)) {
            draft.reclaim(datapath::holdsRealServer);
            // An id that is another's from now on must not keep what the one before it had.
            steering.release(datapath::holdsRealServer);
        }
        List<String> lines = apply(edits, draft);
        Set<IpAddress> rips = draft.realServerAddresses();
        Set<IpAddress> coming = new LinkedHashSet<>(rips);
        coming.removeAll(registry.realServerAddresses());
        Set<Way> newWays = new LinkedHashSet<>(draft.ways());
        newWays.removeAll(registry.ways());
        boolean followed = nextHops.followsClientRoutes();
        Overlay overlay;
        boolean done = false;
        try {
            nextHops.resolve(newWays);
            overlay = health.plan(draft);
            publish(draft, overlay);
            done = true;
        } finally {
            Set<IpAddress> unused = done ? new LinkedHashSet<>(registry.realServerAddresses()) : coming;
            if (done) {
                unused.removeAll(rips);
                registry = draft;
            }
            unused.forEach(nextHops::forget);
            // What is left of a removed real server's connections may still need them.
            if (registry.ways().stream().noneMatch(Way::answersPassDirector)
                    && !(followed && registry.keepsIdsOfRemoved())) {
                nextHops.forgetClientRoutes();
            }
        }
        health.adopt(draft, overlay);
        long generation = generation();
        lines.forEach(line -> LOG.log(Level.INFO, "{0}", LogField.change(line), LogField.generation(generation)));
        return lines;
    }

    /**
     * Publishes what checks have found and time has brought since the last time, all of it in one snapshot. Real servers come
     * and go whose way is known, with ids that they keep: nothing has to be waited for.
     */
    void followHealth() {
        health.tick(registry).ifPresent(overlay -> {
            SnapshotCompiler.Compiled before = compiler.current();
            List<ServiceState> states = overlay.states(registry);
            if (states.stream().map(ServiceState::effective).toList().equals(before.services())) {
                compiler.makeCurrent(before.withStates(states));
            } else {
                SnapshotCompiler.Compiled after = compiler.compile(registry.copy(), overlay, nextHops.resolver());
                compiler.makeCurrent(after);
                datapath.limit(after.services());
                datapath.publish(after.snapshot());
            }
            health.adopt(registry, overlay);
        });
    }

    /** Leaves to the kernel what real servers send that were removed earlier and have no connections any more. */
    void releaseReplies() {
        steering.release(datapath::holdsRealServer);
    }

    /** Leaves local addresses to the kernel that were removed earlier and that no connection has any more; a part of the work. */
    void releaseLocalAddresses() {
        steering.releaseLocalAddresses(NextHopFollower.nowMs());
    }

    private static List<String> apply(List<Edit> edits, Registry draft) throws ChangeException {
        List<String> lines = new ArrayList<>();
        for (Edit edit : edits) {
            lines.addAll(edit.applyTo(draft));
        }
        TranslationCheck.check(draft);
        return lines;
    }

    private void publish(Registry draft, Overlay overlay) throws ChangeException {
        try {
            ids.save(draft.ids());
        } catch (IOException e) {
            throw new ChangeException(Code.REFUSED, "nothing changed: cannot keep ids: " + e.getMessage());
        }
        SnapshotCompiler.Compiled before = compiler.current();
        SnapshotCompiler.Compiled after = compiler.compile(draft, overlay, nextHops.resolver());
        for (VirtualService service : draft.services()) {
            zeroWhatIsNew(draft, service);
        }
        try {
            steering.narrow(draft);
            go(after);
            steering.widen(draft);
        } catch (NativeException e) {
            go(compiler.again(before));
            steering.narrow(registry);
            steering.widen(registry);
            throw new ChangeException(Code.REFUSED, "nothing changed: " + e.getMessage());
        }
    }

    private void go(SnapshotCompiler.Compiled compiled) {
        compiler.makeCurrent(compiled);
        datapath.limit(compiled.services());
        datapath.publish(compiled.snapshot());
        if (!datapath.awaitAcknowledged(compiled.snapshot())) {
            LOG.log(
                    Level.WARNING,
                    "a worker has not taken over configuration {0}",
                    LogField.generation(compiled.snapshot().generation()));
        }
    }

    private void zeroWhatIsNew(Registry draft, VirtualService service) {
        boolean added = draft.isAdded(service.id());
        if (added) {
            traffic.zeroService(service.id());
        }
        for (RealServer real : draft.allRealServers(service)) {
            // As IPVS, where a real server that comes back keeps its counters if the service is the same.
            if (added || draft.isNewRealServer(real.id())) {
                traffic.zeroRealServer(real.id());
            }
        }
    }
}
