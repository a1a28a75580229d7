package dev.sluice.bench.harness;

import java.util.Map;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;

/**
 * How long packets of one subject took.
 *
 * @param parameters under which, as in {@link Measurement}
 * @param histogram in nanoseconds; corrected for coordinated omission where the generator could have waited
 */
public record Latency(String subject, Map<String, String> parameters, Histogram histogram) {
    /** Copies its parameters. */
    public Latency {
        parameters = new TreeMap<>(parameters);
    }
}
