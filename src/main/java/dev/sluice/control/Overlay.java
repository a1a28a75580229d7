package dev.sluice.control;

import dev.sluice.control.config.FailureMode;
import dev.sluice.control.config.HealthConfig;
import dev.sluice.health.CheckSpec;
import dev.sluice.health.Target;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.LocalPool;
import dev.sluice.service.RealServer;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.TranslationOptions;
import dev.sluice.service.VirtualService;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What health makes of the configured services: which of their real servers are in service, with which weight, and whether
 * the sorry server stands in for them. It does not touch what is configured, so that a command can edit a real server that
 * has failed, and no reload brings it back.
 *
 * <p>A quorum is gained and lost as keepalived has it (keepalived.conf(5), {@code quorum} and {@code hysteresis}): it is gained
 * when the configured weights of healthy real servers sum up to {@code quorum + hysteresis}, and lost when they are
 * below {@code quorum - hysteresis}, which is 1 at the least.
 *
 * <p>Immutable; any thread.
 */
final class Overlay {
    /** What health makes of no service. */
    static final Overlay NONE = new Overlay(Map.of(), Map.of());

    private static final long NOT_RAMPING = Long.MIN_VALUE;

    private final Map<Target, State> targets;
    private final Map<ServiceKey, Quorum> quorums;
    private final boolean ramping;

    /** How things stand when an overlay is made. */
    record Now(long ms, Instant wallClock) {}

    /**
     * A real server.
     *
     * @param waitsSinceStart whether it has been down since its service came: then its first recovery is a start
     * @param rampFromMs since when its weight grows, {@link #NOT_RAMPING} when it does not
     * @param weightShare how far it has grown, in whole seconds
     */
    private record State(boolean up, boolean waitsSinceStart, long rampFromMs, int weightShare) {}

    /**
     * Whether a service has its quorum.
     *
     * @param weight the sum of the weights of its healthy real servers
     * @param since when it was gained or lost, or the service came
     */
    record Quorum(boolean reached, long weight, Instant since) {}

    private Overlay(Map<Target, State> targets, Map<ServiceKey, Quorum> quorums) {
        this.targets = targets;
        this.quorums = quorums;
        ramping = targets.values().stream().anyMatch(state -> state.rampFromMs != NOT_RAMPING);
    }

    /** The target that a real server of a service is for its checks. */
    static Target target(VirtualService service, RealServer real) {
        return new Target(service.key(), real.address(), real.port());
    }

    /**
     * What becomes of this when services were changed, real servers failed or recovered, or time has passed.
     *
     * @param registry the services as they are configured from now on
     * @param events real servers of which it is known whether they are up; the others stay as they are
     * @param starting whether the director starts: then nothing has been added to anything
     */
    Overlay next(Registry registry, Map<Target, Boolean> events, Now now, boolean starting) {
        Map<Target, State> states = new HashMap<>();
        Map<ServiceKey, Quorum> reached = new HashMap<>();
        for (VirtualService service : registry.services()) {
            HealthSettings settings = registry.health(service.key());
            Quorum before = quorums.get(service.key());
            long weight = 0;
            for (RealServer real : service.realServers()) {
                Target target = target(service, real);
                List<CheckSpec> checks = settings.checksOf(real);
                State was = targets.get(target);
                State is = was == null
                        ? begin(checks, starting || before == null, now)
                        : follow(was, checks.isEmpty() ? Boolean.TRUE : events.get(target), now);
                states.put(target, ramp(is, settings.config().slowStartSeconds(), now));
                weight += is.up ? real.weight() : 0;
            }
            reached.put(service.key(), quorum(before, settings.config(), weight, now));
        }
        return new Overlay(states, reached);
    }

    private static State begin(List<CheckSpec> checks, boolean serviceComes, Now now) {
        boolean up = checks.stream().allMatch(check -> check.timing().initiallyUp());
        return new State(up, serviceComes && !up, up && !serviceComes ? now.ms : NOT_RAMPING, 0);
    }

    private static State follow(State was, @Nullable Boolean up, Now now) {
        if (up == null || up == was.up) {
            return was;
        }
        return new State(up, false, up && !was.waitsSinceStart ? now.ms : NOT_RAMPING, 0);
    }

    private static State ramp(State state, int slowStartSeconds, Now now) {
        if (state.rampFromMs == NOT_RAMPING) {
            return state;
        }
        long seconds = (now.ms - state.rampFromMs) / 1000;
        return seconds >= slowStartSeconds
                ? new State(state.up, false, NOT_RAMPING, 0)
                : new State(state.up, false, state.rampFromMs, (int) seconds);
    }

    private static Quorum quorum(@Nullable Quorum before, HealthConfig config, long weight, Now now) {
        boolean was = before != null && before.reached;
        long needed = was ? (long) config.quorum() - config.hysteresis() : (long) config.quorum() + config.hysteresis();
        boolean is = weight >= needed;
        return new Quorum(is, weight, before == null || is != was ? now.wallClock : before.since);
    }

    /** Whether a real server is healthy as far as this knows; true for one that is unknown. */
    boolean isUp(Target target) {
        State state = targets.get(target);
        return state == null || state.up;
    }

    /** Whether any weight grows with time. */
    boolean isRamping() {
        return ramping;
    }

    /** Whether a service has its quorum; null for one that is unknown. */
    @Nullable
    Quorum quorum(ServiceKey key) {
        return quorums.get(key);
    }

    /** Whether the sorry server stands in for all others of a service. */
    boolean usesSorry(ServiceKey key, HealthSettings settings) {
        Quorum quorum = quorums.get(key);
        return settings.sorry() != null && quorum != null && !quorum.reached;
    }

    /** Services that were there before, and have gained or lost their quorum since. */
    List<ServiceKey> quorumsChangedSince(Overlay before) {
        List<ServiceKey> changed = new ArrayList<>();
        quorums.forEach((key, quorum) -> {
            Quorum was = before.quorums.get(key);
            if (was != null && was.reached != quorum.reached) {
                changed.add(key);
            }
        });
        return changed;
    }

    /** All services of the registry that this was made for with what health makes of them, in their order. */
    List<ServiceState> states(Registry registry) {
        List<ServiceState> states = new ArrayList<>();
        for (VirtualService service : registry.services()) {
            HealthSettings settings = registry.health(service.key());
            Quorum quorum = Objects.requireNonNull(quorums.get(service.key()), "another registry's overlay");
            states.add(new ServiceState(service, withPool(effective(service, settings), registry), settings, quorum));
        }
        return states;
    }

    /** Services with real servers by FULLNAT get the pool that they use. */
    static VirtualService withPool(VirtualService service, Registry registry) {
        TranslationOptions options = service.translation();
        LocalPool pool = registry.localPool(service);
        boolean fullnat = service.realServers().stream().anyMatch(real -> real.method() == ForwardingMethod.FULLNAT);
        return !fullnat || pool.equals(options.pool())
                ? service
                : service.withTranslation(new TranslationOptions(pool, options.clientAddress(), options.synProxy()));
    }

    /**
     * A service as workers get it and {@code ipvsadm -L} lists it. A real server that comes back stands where it is configured,
     * not behind the others: so directors with the same real servers in service agree on hashed schedulers, and those flows that
     * moved away move back.
     */
    private VirtualService effective(VirtualService service, HealthSettings settings) {
        boolean sorry = usesSorry(service.key(), settings);
        List<RealServer> realServers = new ArrayList<>();
        for (RealServer real : service.realServers()) {
            State state = targets.get(target(service, real));
            if (!sorry && (state == null || state.up)) {
                realServers.add(
                        withWeight(real, weight(real, state, settings.config().slowStartSeconds())));
            } else if (settings.config().onFailure() == FailureMode.QUIESCE) {
                realServers.add(withWeight(real, 0));
            }
        }
        RealServer standIn = settings.sorry();
        if (sorry && standIn != null) {
            realServers.add(standIn);
        }
        return realServers.equals(service.realServers()) ? service : service.withRealServers(realServers);
    }

    private static int weight(RealServer real, @Nullable State state, int slowStartSeconds) {
        if (state == null || state.rampFromMs == NOT_RAMPING || real.weight() == 0) {
            return real.weight();
        }
        return Math.max(1, (int) ((long) real.weight() * state.weightShare / slowStartSeconds));
    }

    private static RealServer withWeight(RealServer real, int weight) {
        return real.weight() == weight
                ? real
                : new RealServer(
                        real.id(),
                        real.address(),
                        real.port(),
                        real.method(),
                        weight,
                        real.upperThreshold(),
                        real.lowerThreshold(),
                        real.tunnel(),
                        real.vlan());
    }
}
