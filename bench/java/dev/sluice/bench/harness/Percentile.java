package dev.sluice.bench.harness;

import org.HdrHistogram.Histogram;

/** The percentiles of latencies that tables, files and plots name. */
enum Percentile {
    P50("p50", 50),
    P90("p90", 90),
    P99("p99", 99),
    P999("p99.9", 99.9),
    P9999("p99.99", 99.99),
    MAX("max", 100);

    private final String label;
    private final double percent;

    Percentile(String label, double percent) {
        this.label = label;
        this.percent = percent;
    }

    /** As {@code p99.9}. */
    String label() {
        return label;
    }

    /** 0 to 100. */
    double percent() {
        return percent;
    }

    /** In nanoseconds. */
    long of(Histogram histogram) {
        return this == MAX ? histogram.getMaxValue() : histogram.getValueAtPercentile(percent);
    }
}
