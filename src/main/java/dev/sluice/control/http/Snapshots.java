package dev.sluice.control.http;

import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Exemplars;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot.InfoDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricMetadata;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Gathers the values of one scrape. Owned by: the thread that makes it. */
final class Snapshots {
    private final Map<Metric, List<CounterDataPointSnapshot>> counters = new EnumMap<>(Metric.class);
    private final Map<Metric, List<GaugeDataPointSnapshot>> gauges = new EnumMap<>(Metric.class);
    private final Map<Metric, List<InfoDataPointSnapshot>> infos = new EnumMap<>(Metric.class);
    private final Map<Metric, List<HistogramDataPointSnapshot>> histograms = new EnumMap<>(Metric.class);
    private final List<MetricSnapshot> others = new ArrayList<>();

    /** A value of a counter or a gauge; {@code labels} are those that the metric has, sorted by name. */
    void put(Metric metric, Labels labels, double value) {
        switch (metric.type()) {
            case COUNTER ->
                counters.computeIfAbsent(metric, _ -> new ArrayList<>())
                        .add(new CounterDataPointSnapshot(value, labels, null, 0));
            case GAUGE ->
                gauges.computeIfAbsent(metric, _ -> new ArrayList<>())
                        .add(new GaugeDataPointSnapshot(value, labels, null));
            case INFO, HISTOGRAM -> throw new IllegalArgumentException(metric + " has no single value");
        }
    }

    /** As {@link #put(Metric, Labels, double)}. What is above 2^53 is rounded, as in every scrape. */
    void put(Metric metric, Labels labels, long value) {
        put(metric, labels, (double) value);
    }

    /** As {@link #put(Metric, Labels, double)}. */
    void put(Metric metric, Labels labels, boolean value) {
        put(metric, labels, value ? 1L : 0L);
    }

    void info(Metric metric, Labels labels) {
        infos.computeIfAbsent(metric, _ -> new ArrayList<>()).add(new InfoDataPointSnapshot(labels));
    }

    void histogram(Metric metric, Labels labels, ClassicHistogramBuckets buckets, double sum) {
        histograms
                .computeIfAbsent(metric, _ -> new ArrayList<>())
                .add(new HistogramDataPointSnapshot(buckets, sum, labels, Exemplars.EMPTY, 0));
    }

    /** A counter without labels that is not among {@link Metric}. */
    void counter(String name, String help, double value) {
        others.add(new CounterSnapshot(
                new MetricMetadata(name, help), List.of(new CounterDataPointSnapshot(value, Labels.EMPTY, null, 0))));
    }

    MetricSnapshots made() {
        List<MetricSnapshot> all = new ArrayList<>(others);
        counters.forEach((metric, points) -> all.add(new CounterSnapshot(metric.metadata(), points)));
        gauges.forEach((metric, points) -> all.add(new GaugeSnapshot(metric.metadata(), points)));
        infos.forEach((metric, points) -> all.add(new InfoSnapshot(metric.metadata(), points)));
        histograms.forEach((metric, points) -> all.add(new HistogramSnapshot(metric.metadata(), points)));
        return new MetricSnapshots(all);
    }
}
