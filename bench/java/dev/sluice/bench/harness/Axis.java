package dev.sluice.bench.harness;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleFunction;

/**
 * One axis of a plot: where values stand, and which of them are written at it.
 *
 * @param log whether equal ratios take equal lengths
 */
record Axis(String label, double min, double max, boolean log, List<Tick> ticks) {
    /** A value that is written at the axis. */
    record Tick(double value, String text) {}

    Axis {
        ticks = List.copyOf(ticks);
    }

    /** From 0 to a round number at or above the largest value. */
    static Axis fromZero(String label, double largest, DoubleFunction<String> text) {
        double step = roundStep(Math.max(largest, 1e-9) / 5);
        double max = Math.ceil(Math.max(largest, 1e-9) * 1.02 / step) * step;
        List<Tick> ticks = new ArrayList<>();
        for (int i = 0; i * step <= max * 1.0001; i++) {
            ticks.add(new Tick(i * step, text.apply(i * step)));
        }
        return new Axis(label, 0, max, false, ticks);
    }

    /** Whole decades around values above 0, or halves of them when there are few. */
    static Axis decades(String label, double smallest, double largest, DoubleFunction<String> text) {
        List<Double> marks = new ArrayList<>();
        boolean fine = largest / smallest < 100;
        for (int decade = (int) Math.floor(Math.log10(smallest)) - 1; decade <= Math.log10(largest) + 1; decade++) {
            for (double mark : fine ? new double[] {1, 2, 5} : new double[] {1}) {
                marks.add(mark * Math.pow(10, decade));
            }
        }
        double min = marks.stream()
                .filter(mark -> mark <= smallest * 1.0001)
                .reduce((_, last) -> last)
                .orElse(smallest);
        double max = marks.stream()
                .filter(mark -> mark >= largest * 0.9999)
                .findFirst()
                .orElse(largest);
        List<Tick> ticks = marks.stream()
                .filter(mark -> mark >= min && mark <= max)
                .map(mark -> new Tick(mark, text.apply(mark)))
                .toList();
        return new Axis(label, min, Math.max(max, min * 2), true, ticks);
    }

    private static double roundStep(double atLeast) {
        double decade = Math.pow(10, Math.floor(Math.log10(atLeast)));
        for (double step : new double[] {1, 2, 2.5, 5}) {
            if (step * decade >= atLeast * 0.9999) {
                return step * decade;
            }
        }
        return 10 * decade;
    }

    /** Where a value stands between 0, the axis' beginning, and 1, its end. */
    double at(double value) {
        double share = log ? Math.log(Math.max(value, min) / min) / Math.log(max / min) : (value - min) / (max - min);
        return Math.clamp(share, 0, 1);
    }
}
