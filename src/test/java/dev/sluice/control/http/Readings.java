package dev.sluice.control.http;

import dev.sluice.bpf.SteeringOutcome;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.HealthStats;
import dev.sluice.stats.InterfaceStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.stats.Traffic;
import dev.sluice.stats.WorkerStats;
import dev.sluice.worker.WorkerCounter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Made-up readings, in which every counter has another value. */
final class Readings implements Source {
    private static final Instant LOADED = Instant.parse("2026-11-22T10:00:00Z");

    private final int services;
    private final int realServers;
    private long read;

    /** So many services with so many real servers each; the last of each is down. */
    Readings(int services, int realServers) {
        this.services = services;
        this.realServers = realServers;
    }

    @Override
    public synchronized Reading read() {
        read++;
        List<ServiceStats> all = new ArrayList<>();
        List<HealthStats.Service> health = new ArrayList<>();
        for (int i = 0; i < services; i++) {
            all.add(service(i));
            health.add(health(i));
        }
        Map<String, Long> outcomes = new LinkedHashMap<>();
        for (Counter counter : Counter.values()) {
            outcomes.put(counter.label(), 1000L + outcomes.size());
        }
        DirectorStats stats = new DirectorStats(
                "1.2.3",
                4711,
                60_000 + read,
                7,
                all,
                outcomes,
                List.of(nic()),
                List.of(worker(0), worker(1)),
                new HealthStats(
                        new HealthStats.Progress(services * realServers, services * realServers, 1, 99, 0.5, 12),
                        health));
        return new Reading(
                stats,
                Map.of("resolved", services * realServers, "unreachable", 0),
                new Reading.Load("/etc/sluice.toml", LOADED, true, LOADED),
                1 << 20);
    }

    /** How often there was a reading. */
    synchronized long count() {
        return read;
    }

    @Override
    public Sample sample() {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < services; i++) {
            names.add("TCP " + vip(i) + ":80");
            for (int j = 0; j < realServers; j++) {
                names.add(Sample.real("TCP " + vip(i) + ":80", rip(i, j) + ":80"));
            }
        }
        return new Sample(names, new long[names.size() * Sample.COUNTS], 0, 0, 0);
    }

    private static String vip(int service) {
        return "10.1." + service / 250 + "." + (1 + service % 250);
    }

    private static String rip(int service, int real) {
        return "10." + (2 + real / 250) + "." + service % 250 + "." + (1 + real % 250);
    }

    private ServiceStats service(int number) {
        List<RealServerStats> reals = new ArrayList<>();
        for (int j = 0; j < realServers; j++) {
            boolean down = j == realServers - 1;
            reals.add(new RealServerStats(
                    rip(number, j),
                    80,
                    "dr",
                    null,
                    "keep",
                    down ? 0 : 3,
                    rip(number, j) + " is at 02:00:00:00:00:01 on eth1",
                    List.of(),
                    !down,
                    5,
                    7,
                    0,
                    0,
                    false,
                    2,
                    new Traffic(11 + j, 100 + j, 0, 7000 + j, 0),
                    Traffic.NONE));
        }
        return new ServiceStats(
                "TCP",
                vip(number),
                80,
                "inet",
                "wrr",
                List.of(),
                0,
                null,
                false,
                null,
                new Traffic(31, 307, 0, 21_007, 0),
                Traffic.NONE,
                reals);
    }

    private HealthStats.Service health(int number) {
        List<HealthStats.RealServer> reals = new ArrayList<>();
        for (int j = 0; j < realServers; j++) {
            boolean down = j == realServers - 1;
            reals.add(new HealthStats.RealServer(
                    rip(number, j),
                    80,
                    3,
                    down ? 0 : 3,
                    !down,
                    down ? "down" : "up",
                    "2026-11-22T10:00:01Z",
                    down ? "connection refused <script>alert(1)</script>" : "",
                    false,
                    List.of(new HealthStats.Check(
                            "tcp", "tcp", !down, !down, "ok", "2026-11-22T10:00:02Z", 3, 4, 40, 1)),
                    List.of(new HealthStats.Change("2026-11-22T10:00:01Z", !down, "why"))));
        }
        return new HealthStats.Service(
                "TCP",
                vip(number),
                80,
                "inet",
                "remove",
                0,
                new HealthStats.Quorum(true, 1, 0, 3L * (realServers - 1), "2026-11-22T10:00:00Z"),
                null,
                reals);
    }

    private static InterfaceStats nic() {
        Map<String, Long> steering = new LinkedHashMap<>();
        for (SteeringOutcome outcome : SteeringOutcome.values()) {
            steering.put(outcome.label(), 10L + steering.size());
        }
        Map<String, Long> xsk = new LinkedHashMap<>();
        for (String name : List.of(
                "rx_dropped",
                "rx_invalid_descs",
                "tx_invalid_descs",
                "rx_ring_full",
                "rx_fill_ring_empty_descs",
                "tx_ring_empty_descs")) {
            xsk.put(name, 20L + xsk.size());
        }
        return new InterfaceStats(
                "eth1", "native", false, steering, List.of(new InterfaceStats.QueueStats(0, true, xsk)));
    }

    private static WorkerStats worker(int queue) {
        Map<String, Long> counters = new LinkedHashMap<>();
        for (WorkerCounter counter : WorkerCounter.values()) {
            counters.put(counter.label(), 1000L + counters.size());
        }
        Map<Integer, Long> batches = new LinkedHashMap<>();
        batches.put(1, 5L);
        batches.put(2, 7L);
        batches.put(256, 1L);
        return new WorkerStats(queue, queue, counters, batches);
    }
}
