package dev.sluice.bench.harness;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/**
 * Latency by percentile. The axis of percentiles goes by the share of packets that took longer, each tenth of them as far as the
 * one before: where the tail is, there is room.
 */
final class LatencyPlots {
    /** Beyond the last percentile that has packets of its own stands the maximum. */
    private static final double[] PERCENTILES = {50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 99.995, 99.999};

    private LatencyPlots() {}

    /**
     * A plot for each set of parameters, with all subjects.
     *
     * @param colours of subjects
     */
    static List<Plot> of(List<Latency> latencies, Map<String, Integer> colours) {
        Map<Map<String, String>, List<Latency>> cases = new LinkedHashMap<>();
        for (Latency latency : latencies) {
            if (latency.histogram().getTotalCount() > 0) {
                cases.computeIfAbsent(latency.parameters(), _ -> new ArrayList<>())
                        .add(latency);
            }
        }
        List<Plot> plots = new ArrayList<>();
        cases.forEach((parameters, ofCase) -> plots.add(plot(parameters, ofCase, colours)));
        return plots;
    }

    private static Plot plot(Map<String, String> parameters, List<Latency> latencies, Map<String, Integer> colours) {
        List<Plot.Series> series = new ArrayList<>();
        double smallest = Double.MAX_VALUE;
        double largest = 1;
        double end = 0;
        for (Latency latency : latencies) {
            Histogram histogram = latency.histogram();
            List<Plot.Point> points = points(histogram);
            series.add(new Plot.Series(latency.subject(), colours.getOrDefault(latency.subject(), 0), 0, true, points));
            smallest = Math.min(smallest, points.getFirst().y());
            largest = Math.max(largest, (double) histogram.getMaxValue());
            end = Math.max(end, points.getLast().x());
        }
        List<Axis.Tick> ticks = new ArrayList<>();
        for (double percentile : new double[] {50, 90, 99, 99.9, 99.99, 99.999}) {
            if (position(percentile) < end - 0.2) {
                ticks.add(new Axis.Tick(position(percentile), "p" + label(percentile)));
            }
        }
        ticks.add(new Axis.Tick(end, "max"));
        String text = Parameters.text(parameters, parameters.keySet());
        return new Plot(
                "latency by percentile" + (text.isEmpty() ? "" : " (" + text + ")"),
                new Axis("percentile of packets", position(50), end, false, ticks),
                Axis.decades("latency", Math.max(1, smallest), largest, Html::duration),
                series);
    }

    private static List<Plot.Point> points(Histogram histogram) {
        List<Plot.Point> points = new ArrayList<>();
        double last = position(50);
        for (double percentile : PERCENTILES) {
            // At least ten packets beyond it: fewer are the maximum's business.
            if (percentile == 50 || histogram.getTotalCount() * (100 - percentile) / 100 >= 10) {
                double value = Math.max(1, histogram.getValueAtPercentile(percentile));
                last = position(percentile);
                points.add(point(last, value, "p" + label(percentile)));
            }
        }
        points.add(point(last + 0.6, (double) Math.max(1, histogram.getMaxValue()), "max"));
        return points;
    }

    private static Plot.Point point(double x, double value, String name) {
        return new Plot.Point(x, value, value, value, name + " " + Html.duration(value));
    }

    private static String label(double percentile) {
        return percentile == Math.rint(percentile)
                ? Long.toString(Math.round(percentile))
                : Double.toString(percentile);
    }

    /** Nines: 1 for p90, 2 for p99. */
    private static double position(double percentile) {
        return -Math.log10(1 - percentile / 100);
    }
}
