package dev.sluice.control;

import dev.sluice.health.CheckSpec;
import dev.sluice.health.HealthChecks;
import dev.sluice.health.HealthListener;
import dev.sluice.health.Target;
import dev.sluice.health.TargetHealth;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Health that tests decide upon, in the place of checks. What is followed anew begins as its checks say. */
final class FakeChecks implements HealthChecks {
    private final HealthListener listener;
    private final Map<Target, Boolean> up = new HashMap<>();

    /** What was asked to be followed last. */
    Map<Target, List<CheckSpec>> wanted = Map.of();

    /** How often that was asked. */
    int follows;

    FakeChecks(HealthListener listener) {
        this.listener = listener;
    }

    /** The checks find a target up or down. */
    void find(Target target, boolean isUp) {
        up.put(target, isUp);
        listener.changed(target, isUp, isUp ? "tcp: connected" : "tcp: connection refused");
    }

    @Override
    public void follow(Map<Target, List<CheckSpec>> next) {
        follows++;
        next.forEach((target, specs) -> {
            if (!specs.equals(wanted.get(target))) {
                up.put(target, specs.stream().allMatch(spec -> spec.timing().initiallyUp()));
            }
        });
        up.keySet().retainAll(next.keySet());
        wanted = Map.copyOf(next);
    }

    @Override
    public Optional<TargetHealth> of(Target target) {
        return Optional.ofNullable(up.get(target))
                .map(isUp -> new TargetHealth(isUp, Instant.EPOCH, "said so", false, List.of(), List.of()));
    }

    @Override
    public Progress progress() {
        return new Progress(wanted.size(), wanted.size(), 0, 0, 0, 0);
    }

    @Override
    public void close() {}
}
