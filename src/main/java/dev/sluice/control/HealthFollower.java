package dev.sluice.control;

import dev.sluice.control.HealthEvents.Event;
import dev.sluice.control.config.FailureMode;
import dev.sluice.health.CheckSpec;
import dev.sluice.health.HealthChecks;
import dev.sluice.health.Target;
import dev.sluice.health.Timing;
import dev.sluice.health.Via;
import dev.sluice.service.RealServer;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import dev.sluice.stats.LogField;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps checks in step with the services, and the overlay in step with what checks find and how time passes.
 *
 * <p>Owned by: control thread.
 */
final class HealthFollower {
    private static final Logger LOG = System.getLogger(HealthFollower.class.getName());

    /** Weights grow once a second; looking more often keeps each step within this of its time. */
    private static final long RAMP_TICK_MS = 250;

    /** Lines about single real servers in a second; the others are counted. */
    private static final int MAX_LINES_PER_SECOND = 20;

    private final HealthChecks checks;
    private final HealthEvents events;
    private final QuorumCommands commands;
    private final Supplier<Overlay.Now> clock;
    private Overlay overlay = Overlay.NONE;
    private Map<Target, List<CheckSpec>> followed = Map.of();
    private Map<Target, List<CheckSpec>> configured = Map.of();
    private long rampedMs;
    private long linesSinceMs;
    private int lines;
    private int linesKeptBack;

    /**
     * @param checks tells {@code events} what it finds
     * @param commands runs what is to be run when a quorum is gained or lost
     */
    HealthFollower(HealthChecks checks, HealthEvents events, QuorumCommands commands, Supplier<Overlay.Now> clock) {
        this.checks = checks;
        this.events = events;
        this.commands = commands;
        this.clock = clock;
    }

    /** The overlay in force. */
    Overlay overlay() {
        return overlay;
    }

    /** The overlay for services that are about to be in force. */
    Overlay plan(Registry registry) {
        return overlay.next(registry, Map.of(), clock.get(), false);
    }

    /** Services and the overlay planned for them are in force; checks follow. */
    void adopt(Registry registry, Overlay planned) {
        Overlay before = overlay;
        overlay = planned;
        for (ServiceKey key : planned.quorumsChangedSince(before)) {
            quorumChanged(registry, key);
        }
        follow(registry);
    }

    /**
     * What checks have found and time has brought since the last time.
     *
     * @param registry the services in force
     * @return the overlay that is due, which {@link #adopt} then takes; empty when all is as it was
     */
    Optional<Overlay> tick(Registry registry) {
        Map<Target, Event> found = events.take();
        if (found.isEmpty() && lines == 0 && !overlay.isRamping()) {
            return Optional.empty();
        }
        Overlay.Now now = clock.get();
        flushLines(now.ms());
        boolean ramps = now.ms() - rampedMs >= RAMP_TICK_MS && overlay.isRamping();
        if (found.isEmpty() && !ramps) {
            return Optional.empty();
        }
        rampedMs = now.ms();
        Map<Target, Boolean> up = new HashMap<>();
        found.forEach((target, event) -> up.put(target, event.up()));
        Overlay next = overlay.next(registry, up, now, false);
        found.forEach((target, event) -> {
            if (overlay.isUp(target) != next.isUp(target)) {
                log(registry, next, target, event, now.ms());
            }
        });
        return Optional.of(next);
    }

    private void follow(Registry registry) {
        Map<Target, List<CheckSpec>> wanted = targets(registry);
        if (wanted.equals(configured)) {
            return;
        }
        Map<Target, List<CheckSpec>> next = new HashMap<>();
        wanted.forEach((target, specs) -> next.put(target, specsFor(target, specs)));
        events.retain(next.keySet());
        checks.follow(next);
        configured = wanted;
        followed = next;
        // Other checks of a real server that is still there may find it otherwise, and nobody has been told.
        for (Target target : next.keySet()) {
            checks.of(target)
                    .filter(health -> health.up() != overlay.isUp(target))
                    .ifPresent(health -> events.lookedUp(target, health.up(), health.reason()));
        }
    }

    /** The targets of configured services that have checks. */
    private static Map<Target, List<CheckSpec>> targets(Registry registry) {
        Map<Target, List<CheckSpec>> targets = new HashMap<>();
        for (VirtualService service : registry.services()) {
            HealthSettings settings = registry.health(service.key());
            for (RealServer real : service.realServers()) {
                List<CheckSpec> specs = settings.checksOf(real);
                if (!specs.isEmpty()) {
                    targets.put(
                            Overlay.target(service, real),
                            real.method().translatesPort()
                                    ? specs.stream()
                                            .map(HealthFollower::straight)
                                            .toList()
                                    : specs);
                }
            }
        }
        return targets;
    }

    /**
     * A check of a real server that is reached by translation: clients' packets bear the RIP and RPORT when they arrive there, so a
     * check via the VIP asks those.
     */
    private static CheckSpec straight(CheckSpec spec) {
        return spec.via() == Via.RIP
                ? spec
                : new CheckSpec(spec.probe(), null, spec.port(), spec.source(), Via.RIP, spec.timing());
    }

    /**
     * The checks to make. Those that replace others of a real server that is down begin as down: that somebody changed an
     * interval does not make it healthy.
     */
    private List<CheckSpec> specsFor(Target target, List<CheckSpec> specs) {
        List<CheckSpec> before = followed.get(target);
        if (before == null || specs.equals(configured.get(target))) {
            return before == null ? specs : before;
        }
        return overlay.isUp(target)
                ? specs
                : specs.stream().map(HealthFollower::initiallyDown).toList();
    }

    private static CheckSpec initiallyDown(CheckSpec spec) {
        Timing timing = spec.timing();
        return new CheckSpec(
                spec.probe(),
                spec.address(),
                spec.port(),
                spec.source(),
                spec.via(),
                new Timing(
                        timing.intervalMs(),
                        timing.retryIntervalMs(),
                        timing.timeoutMs(),
                        timing.rise(),
                        timing.fall(),
                        timing.jitterPercent(),
                        false));
    }

    private void quorumChanged(Registry registry, ServiceKey key) {
        HealthSettings settings = registry.health(key);
        Overlay.@Nullable Quorum quorum = overlay.quorum(key);
        if (quorum == null || !settings.isSet()) {
            return;
        }
        boolean gained = quorum.reached();
        RealServer sorry = settings.sorry();
        LOG.log(
                gained ? Level.INFO : Level.WARNING,
                "service {0} has {1} its quorum of {2}: healthy real servers have a weight of {3}{4}",
                LogField.service(key),
                gained ? "gained" : "lost",
                Integer.toString(settings.config().quorum()),
                Long.toString(quorum.weight()),
                sorry == null ? "" : (gained ? "; no longer" : "; now") + " served by sorry server " + sorry.address());
        commands.run(
                key,
                gained,
                gained ? settings.config().quorumUp() : settings.config().quorumDown());
    }

    private void log(Registry registry, Overlay next, Target target, Event event, long nowMs) {
        if (++lines > MAX_LINES_PER_SECOND) {
            linesKeptBack++;
            return;
        }
        if (lines == 1) {
            linesSinceMs = nowMs;
        }
        LOG.log(
                event.up() ? Level.INFO : Level.WARNING,
                "real server {0} of {1} is {2}: {3}",
                LogField.real(target.address()),
                LogField.service(target.service()),
                consequence(registry.health(target.service()), next, target, event.up()),
                event.reason());
    }

    private static String consequence(HealthSettings settings, Overlay next, Target target, boolean up) {
        boolean removes = settings.config().onFailure() == FailureMode.REMOVE;
        if (!up) {
            return removes ? "down, out of service" : "down, set to weight 0";
        }
        return next.usesSorry(target.service(), settings)
                ? "healthy, waiting for the quorum"
                : settings.config().slowStartSeconds() == 0
                        ? "healthy, in service"
                        : "healthy, in service by slow start";
    }

    private void flushLines(long nowMs) {
        if (lines == 0 || nowMs - linesSinceMs < 1000) {
            return;
        }
        if (linesKeptBack != 0) {
            LOG.log(
                    Level.WARNING,
                    "{0} more real servers went down or came back within a second",
                    Integer.toString(linesKeptBack));
        }
        lines = 0;
        linesKeptBack = 0;
    }
}
