package dev.sluice.cli.top;

import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.HealthStats;
import dev.sluice.stats.InterfaceStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.stats.Traffic;
import dev.sluice.stats.WorkerStats;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Readings of a director that does the same all the time. */
final class Readings {
    private Readings() {}

    /**
     * @param seconds since the director was ready
     * @param services how many
     */
    static DirectorStats after(double seconds, int services) {
        return after(seconds, services, 4711);
    }

    static DirectorStats after(double seconds, int services, long pid) {
        List<ServiceStats> all = new ArrayList<>();
        for (int i = 0; i < services; i++) {
            all.add(service(seconds, i));
        }
        long in = Math.round(1_000_000 * seconds);
        return new DirectorStats(
                "1.2.3",
                pid,
                Math.round(seconds * 1000),
                7,
                all,
                Map.of(
                        "packets_in",
                        in,
                        "forwarded",
                        in - Math.round(30 * seconds),
                        "no_service",
                        Math.round(20 * seconds),
                        "ttl_expired",
                        Math.round(10 * seconds)),
                List.of(new InterfaceStats(
                        "eth1",
                        "native",
                        false,
                        Map.of("steered", in, "pass_not_ip", 5L),
                        List.of(new InterfaceStats.QueueStats(
                                0, false, Map.of("rx_dropped", 0L, "rx_ring_full", Math.round(40 * seconds)))))),
                List.of(new WorkerStats(
                        0,
                        3,
                        Map.of(
                                "rx_packets",
                                in,
                                "tx_packets",
                                in,
                                "busy_ns",
                                Math.round(0.25e9 * seconds),
                                "stalls",
                                0L,
                                "connections",
                                12_345L,
                                "longest_cycle_ns",
                                1_500_000L,
                                "frames_total",
                                100L,
                                "frames_free",
                                50L),
                        Map.of(1, Math.round(100 * seconds), 64, Math.round(19_900 * seconds)))),
                new HealthStats(new HealthStats.Progress(0, 0, 0, 0, 0, 0), List.of()));
    }

    private static ServiceStats service(double seconds, int number) {
        long packets = Math.round(1000 * (number + 1) * seconds);
        Traffic traffic = new Traffic(packets / 10, packets, 0, packets * 100, 0);
        return new ServiceStats(
                "TCP",
                "10.0.0." + (100 + number),
                80,
                "inet",
                "rr",
                List.of(),
                0,
                null,
                false,
                null,
                traffic,
                Traffic.NONE,
                List.of(
                        real("10.0.0.11", 1, 40, new Traffic(traffic.connections(), packets, 0, packets * 100, 0)),
                        real("10.0.0.12", 0, 2, Traffic.NONE)));
    }

    private static RealServerStats real(String address, int weight, long active, Traffic traffic) {
        return new RealServerStats(
                address,
                80,
                "dr",
                null,
                "keep",
                weight,
                "",
                List.of(),
                true,
                active,
                5,
                0,
                0,
                false,
                0,
                traffic,
                Traffic.NONE);
    }
}
