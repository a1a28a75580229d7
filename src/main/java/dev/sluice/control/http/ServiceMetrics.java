package dev.sluice.control.http;

import dev.sluice.stats.HealthStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.stats.Traffic;
import io.prometheus.metrics.model.snapshots.Labels;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Metrics of services, real servers and their health. Owned by: one thread at a time. */
final class ServiceMetrics {
    private static final double MS_PER_S = 1000;

    /** Of real servers in the last scrape, so that those of thousands are not made anew each time. */
    private Map<String, RealServerLabels> known = new HashMap<>();

    void put(Reading reading, Snapshots out) {
        HealthStats health = reading.stats().health();
        Map<String, HealthStats.Service> healthOf = new HashMap<>();
        health.services().forEach(service -> healthOf.put(Names.of(service), service));
        Map<String, RealServerLabels> labels = new HashMap<>();
        long templates = 0;
        for (ServiceStats service : reading.stats().services()) {
            templates += service(service, healthOf.get(Names.of(service)), labels, out);
        }
        known = labels;
        out.put(Metric.TEMPLATES, Labels.EMPTY, templates);
        HealthStats.Progress progress = health.progress();
        out.put(Metric.HEALTH_TARGETS, Labels.EMPTY, progress.targets());
        out.put(Metric.HEALTH_CHECKS, Labels.EMPTY, progress.checks());
        out.put(Metric.HEALTH_RUNNING, Labels.EMPTY, progress.running());
        out.put(Metric.HEALTH_MADE, Labels.EMPTY, progress.made());
        out.put(Metric.HEALTH_LATE, Labels.EMPTY, progress.lateMs() / MS_PER_S);
        out.put(Metric.HEALTH_MAX_LATE, Labels.EMPTY, progress.maxLateMs() / MS_PER_S);
    }

    /** Returns how many persistence templates its real servers have. */
    private long service(
            ServiceStats service,
            HealthStats.@Nullable Service health,
            Map<String, RealServerLabels> labels,
            Snapshots out) {
        String name = Names.of(service);
        Labels own = Labels.of("service", name);
        out.info(
                Metric.SERVICE,
                Labels.of(
                        "service",
                        name,
                        "protocol",
                        service.protocol(),
                        "address",
                        service.address(),
                        "port",
                        Integer.toString(service.port()),
                        "family",
                        service.family(),
                        "scheduler",
                        service.scheduler()));
        traffic(service.traffic(), own, out, SERVICE_TRAFFIC);
        if (health != null) {
            out.put(Metric.SERVICE_QUORUM_REACHED, own, health.quorum().reached());
            out.put(Metric.SERVICE_QUORUM, own, health.quorum().quorum());
            out.put(Metric.SERVICE_HEALTHY_WEIGHT, own, health.quorum().weight());
            if (health.sorry() != null) {
                out.put(Metric.SERVICE_SORRY, own, health.sorry().inUse());
            }
        }
        Map<String, HealthStats.RealServer> healthOf = new HashMap<>();
        if (health != null) {
            health.realServers().forEach(real -> healthOf.put(Names.endpoint(real.address(), real.port()), real));
        }
        Map<String, Integer> states = new HashMap<>(Map.of("up", 0, "down", 0, "unchecked", 0));
        long templates = 0;
        for (RealServerStats real : service.realServers()) {
            String endpoint = Names.endpoint(real.address(), real.port());
            RealServerLabels made = labels(name, endpoint, labels);
            Labels of = made.own();
            HealthStats.RealServer found = healthOf.get(endpoint);
            HealthStats.Sorry sorry = health != null && found == null ? health.sorry() : null;
            realServer(real, made, out);
            out.put(Metric.REAL_WEIGHT, of, found == null ? real.weight() : found.weight());
            out.put(Metric.REAL_IN_SERVICE, of, sorry != null ? sorry.inUse() : found == null || found.inService());
            if (found != null) {
                health(found, made, out);
            }
            if (sorry == null) {
                states.merge(found == null ? "unchecked" : found.state(), 1, Integer::sum);
            }
            templates += real.persistent();
        }
        states.forEach((state, count) ->
                out.put(Metric.SERVICE_REAL_SERVERS, Labels.of("service", name, "state", state), count));
        return templates;
    }

    private RealServerLabels labels(String service, String real, Map<String, RealServerLabels> labels) {
        String key = Sample.real(service, real);
        RealServerLabels before = known.get(key);
        RealServerLabels made =
                before == null ? new RealServerLabels(Labels.of("service", service, "real_server", real)) : before;
        labels.put(key, made);
        return made;
    }

    private static void realServer(RealServerStats real, RealServerLabels all, Snapshots out) {
        Labels labels = all.own();
        out.info(Metric.REAL, all.withMethod(real.method()));
        traffic(real.traffic(), labels, out, REAL_TRAFFIC);
        out.put(Metric.REAL_ACTIVE, labels, real.active());
        out.put(Metric.REAL_INACTIVE, labels, real.inactive());
        out.put(Metric.REAL_PERSISTENT, labels, real.persistent());
        out.put(Metric.REAL_EFFECTIVE_WEIGHT, labels, real.weight());
        out.put(Metric.REAL_REACHABLE, labels, real.reachable());
        out.put(Metric.REAL_OVERLOADED, labels, real.overloaded());
    }

    private static final List<Metric> SERVICE_TRAFFIC = List.of(
            Metric.SERVICE_CONNECTIONS,
            Metric.SERVICE_IN_PACKETS,
            Metric.SERVICE_OUT_PACKETS,
            Metric.SERVICE_IN_BYTES,
            Metric.SERVICE_OUT_BYTES);

    private static final List<Metric> REAL_TRAFFIC = List.of(
            Metric.REAL_CONNECTIONS,
            Metric.REAL_IN_PACKETS,
            Metric.REAL_OUT_PACKETS,
            Metric.REAL_IN_BYTES,
            Metric.REAL_OUT_BYTES);

    private static void traffic(Traffic traffic, Labels labels, Snapshots out, List<Metric> metrics) {
        out.put(metrics.get(0), labels, traffic.connections());
        out.put(metrics.get(1), labels, traffic.inPackets());
        out.put(metrics.get(2), labels, traffic.outPackets());
        out.put(metrics.get(3), labels, traffic.inBytes());
        out.put(metrics.get(4), labels, traffic.outBytes());
    }

    private static void health(HealthStats.RealServer real, RealServerLabels all, Snapshots out) {
        if (real.checks().isEmpty()) {
            return;
        }
        Labels labels = all.own();
        out.put(Metric.REAL_UP, labels, real.state().equals("up"));
        out.put(Metric.REAL_FLAPPING, labels, real.flapping());
        if (!real.since().isEmpty()) {
            out.put(Metric.REAL_LAST_CHANGE, labels, Instant.parse(real.since()).toEpochMilli() / MS_PER_S);
        }
        for (int i = 0; i < real.checks().size(); i++) {
            HealthStats.Check check = real.checks().get(i);
            RealServerLabels.Check of = all.ofCheck(i, check.type());
            out.put(Metric.CHECK_UP, of.own(), check.up());
            out.put(Metric.CHECK_DURATION, of.own(), check.lastDurationMs() / MS_PER_S);
            out.put(Metric.CHECK_RESULTS, of.success(), check.successes());
            out.put(Metric.CHECK_RESULTS, of.failure(), check.failures());
        }
    }
}
