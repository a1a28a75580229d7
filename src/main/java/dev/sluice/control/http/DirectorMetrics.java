package dev.sluice.control.http;

import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.InterfaceStats;
import dev.sluice.stats.InterfaceStats.QueueStats;
import dev.sluice.stats.WorkerStats;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Makes the metrics of one reading: nothing is counted twice, and nothing is kept but labels. Owned by: one thread at a time.
 */
final class DirectorMetrics {
    private static final double NS_PER_S = 1e9;
    private static final double MS_PER_S = 1000;

    /** The counters of a worker that are metrics as they are. */
    private static final Map<String, Metric> WORKER = Map.ofEntries(
            Map.entry("duty_cycles", Metric.WORKER_CYCLES),
            Map.entry("busy_cycles", Metric.WORKER_BUSY_CYCLES),
            Map.entry("sleeps", Metric.WORKER_SLEEPS),
            Map.entry("rx_packets", Metric.WORKER_RX),
            Map.entry("tx_packets", Metric.WORKER_TX),
            Map.entry("tx_kick_errors", Metric.WORKER_KICK_ERRORS),
            Map.entry("stalls", Metric.WORKER_STALLS),
            Map.entry("packets_held", Metric.WORKER_HELD),
            Map.entry("frames_total", Metric.WORKER_UMEM_FRAMES),
            Map.entry("connections", Metric.WORKER_FLOWS),
            Map.entry("connections_half_open", Metric.WORKER_HALF_OPEN),
            Map.entry("allocated_bytes", Metric.WORKER_ALLOCATED));

    private static final Map<String, Metric> XSK = Map.of(
            "rx_dropped", Metric.XSK_RX_DROPPED,
            "rx_invalid_descs", Metric.XSK_RX_INVALID,
            "tx_invalid_descs", Metric.XSK_TX_INVALID,
            "rx_ring_full", Metric.XSK_RX_RING_FULL,
            "rx_fill_ring_empty_descs", Metric.XSK_FILL_EMPTY,
            "tx_ring_empty_descs", Metric.XSK_TX_EMPTY);

    private final ServiceMetrics services = new ServiceMetrics();

    MetricSnapshots of(Reading reading) {
        Snapshots out = new Snapshots();
        DirectorStats stats = reading.stats();
        out.info(Metric.BUILD, Labels.of("version", stats.version()));
        out.put(Metric.UPTIME, Labels.EMPTY, stats.uptimeMs() / MS_PER_S);
        out.put(Metric.CONFIG_GENERATION, Labels.EMPTY, stats.generation());
        out.put(Metric.CONFIG_RELOAD_SUCCESSFUL, Labels.EMPTY, reading.load().lastSucceeded());
        out.put(Metric.CONFIG_RELOAD_TIME, Labels.EMPTY, reading.load().at().toEpochMilli() / MS_PER_S);
        out.put(Metric.FLOW_CAPACITY, Labels.EMPTY, reading.maxFlows());
        reading.nextHops().forEach((state, count) -> out.put(Metric.NEXT_HOPS, Labels.of("state", state), count));
        services.put(reading, out);
        packets(stats, out);
        stats.interfaces().forEach(nic -> nic(nic, out));
        stats.workers().forEach(worker -> worker(worker, out));
        return out.made();
    }

    private static void packets(DirectorStats stats, Snapshots out) {
        for (Counter counter : Counter.values()) {
            double value = value(stats.outcomes(), counter.label());
            switch (counter.kind()) {
                case INPUT -> out.put(Metric.PACKETS_RECEIVED, Labels.EMPTY, value);
                case FORWARDED -> out.put(Metric.PACKETS_FORWARDED, Labels.EMPTY, value);
                case DROP -> out.put(Metric.PACKETS_DROPPED, Labels.of("reason", counter.label()), value);
                case MADE, EVENT -> out.counter(nameOf(counter), help(counter), value);
            }
        }
    }

    /** The name, without {@code _total}, of the metric that a counter has to itself. */
    static String nameOf(Counter counter) {
        return "sluice_" + counter.label();
    }

    static String help(Counter counter) {
        String help = counter.help();
        return Character.toUpperCase(help.charAt(0)) + help.substring(1) + ".";
    }

    private static void nic(InterfaceStats nic, Snapshots out) {
        out.info(
                Metric.INTERFACE,
                Labels.of(
                        "interface",
                        nic.name(),
                        "xdp_mode",
                        nic.xdpMode(),
                        "dispatcher",
                        Boolean.toString(nic.dispatcher())));
        nic.steering()
                .forEach((outcome, packets) ->
                        out.put(Metric.STEERING, Labels.of("interface", nic.name(), "outcome", outcome), packets));
        for (QueueStats queue : nic.queues()) {
            Labels labels = Labels.of("interface", nic.name(), "queue", Integer.toString(queue.queue()));
            out.put(Metric.XSK_ZERO_COPY, labels, queue.zeroCopy());
            XSK.forEach((name, metric) -> out.put(metric, labels, value(queue.xsk(), name)));
        }
    }

    private static void worker(WorkerStats worker, Snapshots out) {
        String queue = Integer.toString(worker.queue());
        Labels labels = Labels.of("queue", queue);
        Map<String, Long> counters = worker.counters();
        out.info(Metric.WORKER, Labels.of("queue", queue, "cpu", Integer.toString(worker.cpu())));
        WORKER.forEach((name, metric) -> out.put(metric, labels, value(counters, name)));
        out.put(Metric.WORKER_BUSY_SECONDS, labels, value(counters, "busy_ns") / NS_PER_S);
        out.histogram(Metric.WORKER_BATCH, labels, buckets(worker.batches()), value(counters, "rx_packets"));
        out.put(Metric.WORKER_LONGEST, labels, value(counters, "longest_cycle_ns") / NS_PER_S);
        for (String place : new String[] {"free", "receiving", "sending", "held"}) {
            out.put(
                    Metric.WORKER_FRAMES,
                    Labels.of("queue", queue, "place", place),
                    value(counters, "frames_" + place));
        }
    }

    private static ClassicHistogramBuckets buckets(Map<Integer, Long> batches) {
        List<Integer> bounds = batches.keySet().stream().sorted().toList();
        double[] upper = new double[bounds.size() + 1];
        long[] counts = new long[upper.length];
        for (int i = 0; i < bounds.size(); i++) {
            upper[i] = bounds.get(i);
            counts[i] = Objects.requireNonNull(batches.get(bounds.get(i)));
        }
        // No batch is larger than the largest bound; a histogram has this bucket all the same.
        upper[bounds.size()] = Double.POSITIVE_INFINITY;
        return ClassicHistogramBuckets.of(upper, counts);
    }

    private static double value(Map<String, Long> counters, String name) {
        return Objects.requireNonNull(counters.get(name), name).doubleValue();
    }
}
