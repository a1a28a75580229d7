package dev.sluice.control;

import dev.sluice.control.config.RealServerConfig;
import dev.sluice.health.CheckSpec;
import dev.sluice.health.HealthChecks;
import dev.sluice.health.Target;
import dev.sluice.health.TargetHealth;
import dev.sluice.packet.AddressFamily;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import dev.sluice.stats.HealthStats;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads the health of all that is configured. Any thread. */
final class HealthReader {
    private final SnapshotCompiler compiler;
    private final HealthChecks checks;

    HealthReader(SnapshotCompiler compiler, HealthChecks checks) {
        this.compiler = compiler;
        this.checks = checks;
    }

    HealthStats read() {
        HealthChecks.Progress progress = checks.progress();
        return new HealthStats(
                new HealthStats.Progress(
                        progress.targets(),
                        progress.checks(),
                        progress.running(),
                        progress.made(),
                        progress.lateMs(),
                        progress.maxLateMs()),
                compiler.current().states().stream()
                        .filter(state -> state.settings().isSet())
                        .map(this::service)
                        .toList());
    }

    private HealthStats.Service service(ServiceState state) {
        VirtualService service = state.configured();
        HealthSettings settings = state.settings();
        RealServer sorry = settings.sorry();
        Map<RealServerConfig.Endpoint, RealServer> effective = state.effectiveByEndpoint();
        return new HealthStats.Service(
                switch (service.key()) {
                    case AddressKey key -> key.protocol().name();
                    case FwmarkKey _ -> "FWM";
                },
                switch (service.key()) {
                    case AddressKey key -> key.address().toString();
                    case FwmarkKey key -> Integer.toUnsignedString(key.mark());
                },
                service.key() instanceof AddressKey key ? key.port() : 0,
                service.key().family() == AddressFamily.INET ? "inet" : "inet6",
                settings.config().onFailure().keyword(),
                settings.config().slowStartSeconds(),
                new HealthStats.Quorum(
                        state.quorum().reached(),
                        settings.config().quorum(),
                        settings.config().hysteresis(),
                        state.quorum().weight(),
                        text(state.quorum().since())),
                sorry == null
                        ? null
                        : new HealthStats.Sorry(
                                sorry.address().toString(),
                                sorry.port(),
                                state.effective().realServers().contains(sorry)),
                service.realServers().stream()
                        .map(real -> realServer(state, real, effective.get(ServiceState.endpoint(real))))
                        .toList());
    }

    private HealthStats.RealServer realServer(ServiceState state, RealServer real, @Nullable RealServer inService) {
        VirtualService service = state.configured();
        List<CheckSpec> specs = state.settings().checksOf(real);
        Target target = Overlay.target(service, real);
        Optional<TargetHealth> health = specs.isEmpty() ? Optional.empty() : checks.of(target);
        return new HealthStats.RealServer(
                real.address().toString(),
                real.port(),
                real.weight(),
                inService == null ? 0 : inService.weight(),
                inService != null,
                health.map(known -> known.up() ? "up" : "down").orElse("unchecked"),
                health.map(known -> text(known.since())).orElse(""),
                health.map(TargetHealth::reason).orElse(""),
                health.map(TargetHealth::flapping).orElse(false),
                health.map(known ->
                                known.checks().stream().map(HealthReader::check).toList())
                        .orElse(List.of()),
                health.map(known -> known.history().stream()
                                .map(change -> new HealthStats.Change(text(change.at()), change.up(), change.reason()))
                                .toList())
                        .orElse(List.of()));
    }

    private static HealthStats.Check check(TargetHealth.CheckHealth check) {
        return new HealthStats.Check(
                check.spec().probe().keyword(),
                HealthText.checks(List.of(check.spec())),
                check.up(),
                check.lastSuccess(),
                check.lastResult(),
                check.lastAt().equals(Instant.EPOCH) ? "" : text(check.lastAt()),
                check.lastDurationMs(),
                check.streak(),
                check.successes(),
                check.failures());
    }

    private static String text(Instant instant) {
        return instant.truncatedTo(ChronoUnit.MILLIS).toString();
    }
}
