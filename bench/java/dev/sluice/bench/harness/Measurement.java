package dev.sluice.bench.harness;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What one subject was measured at, several times.
 *
 * @param subject who was measured, as named in reports: {@code sluice-dr}, {@code c-loop}, {@code testpmd-macswap}
 * @param metric what, in one word or two: {@code rate}, {@code cost}, {@code allocated}, {@code lost}
 * @param unit of the samples: {@code packets/s}, {@code ns/packet}, {@code bytes/packet}
 * @param parameters under which: {@code flows}, {@code services}, {@code keys}; the same names in all benchmarks, so that runs
 *     can be compared and plots drawn over one of them
 * @param samples in the order in which they were taken, at least one
 */
public record Measurement(
        String subject,
        String metric,
        String unit,
        Better better,
        Map<String, String> parameters,
        List<Double> samples) {
    /** Which way is better. */
    public enum Better {
        HIGHER,
        LOWER,
        NEITHER
    }

    /** Copies its arguments; throws {@link IllegalArgumentException} without samples. */
    public Measurement {
        if (samples.isEmpty()) {
            throw new IllegalArgumentException(subject + " " + metric + " " + parameters + " has no samples");
        }
        parameters = new TreeMap<>(parameters);
        samples = List.copyOf(samples);
    }

    /** The middle one of the samples, or the mean of the two middle ones. */
    public double median() {
        double[] sorted =
                samples.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    /** The smallest sample. */
    public double min() {
        return samples.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
    }

    /** The largest sample. */
    public double max() {
        return samples.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    }
}
