package dev.sluice.bench.harness;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** How a metric grows with a size: a plot for every parameter that counts something and has several values. */
final class SizePlots {
    /** Lines in one plot; more cannot be told apart. */
    private static final int MOST_LINES = 6;

    private SizePlots() {}

    /** A line: one subject, all parameters but one the same. */
    private record Key(String subject, Map<String, String> others) {}

    /**
     * All plots of one metric.
     *
     * @param colours of subjects
     */
    static List<Plot> of(List<Measurement> measurements, Map<String, Integer> colours) {
        Set<String> names = new TreeSet<>();
        measurements.forEach(
                measurement -> names.addAll(measurement.parameters().keySet()));
        List<Plot> plots = new ArrayList<>();
        for (String name : names) {
            Map<Key, List<Measurement>> lines = lines(measurements, name);
            Map<Map<String, String>, List<Key>> groups = new LinkedHashMap<>();
            boolean few = lines.size() <= MOST_LINES;
            for (Key key : lines.keySet()) {
                groups.computeIfAbsent(few ? Map.of() : key.others(), _ -> new ArrayList<>())
                        .add(key);
            }
            groups.values().forEach(keys -> plots.add(plot(name, keys, lines, colours)));
        }
        return plots;
    }

    private static Map<Key, List<Measurement>> lines(List<Measurement> measurements, String name) {
        Map<Key, List<Measurement>> lines = new LinkedHashMap<>();
        for (Measurement measurement : measurements) {
            String value = measurement.parameters().get(name);
            if (value != null && Parameters.isSize(value)) {
                Key key = new Key(measurement.subject(), Parameters.without(measurement.parameters(), name));
                lines.computeIfAbsent(key, _ -> new ArrayList<>()).add(measurement);
            }
        }
        lines.values().removeIf(line -> sizes(line, name).size() < 2);
        lines.values().forEach(line -> line.sort(Comparator.comparingDouble(of -> size(of, name))));
        return lines;
    }

    private static Plot plot(
            String name, List<Key> keys, Map<Key, List<Measurement>> lines, Map<String, Integer> colours) {
        List<Measurement> all = keys.stream()
                .flatMap(key -> lines.getOrDefault(key, List.of()).stream())
                .toList();
        Measurement any = all.getFirst();
        Set<String> varying = Parameters.varying(keys.stream().map(Key::others).toList());
        List<String> subjects = keys.stream().map(Key::subject).distinct().toList();
        List<Plot.Series> series = new ArrayList<>();
        for (Key key : keys) {
            String others = Parameters.text(key.others(), varying);
            // One colour a subject while that tells the lines apart.
            int colour = varying.isEmpty() ? colours.getOrDefault(key.subject(), 0) : series.size();
            int dash = varying.isEmpty() ? 0 : subjects.indexOf(key.subject());
            List<Plot.Point> points = lines.getOrDefault(key, List.of()).stream()
                    .map(of -> new Plot.Point(
                            size(of, name),
                            of.median(),
                            of.min(),
                            of.max(),
                            name + " " + Html.number(size(of, name)) + ", " + Html.number(of.median()) + " "
                                    + of.unit()))
                    .toList();
            series.add(new Plot.Series(
                    key.subject() + (others.isEmpty() ? "" : ", " + others), colour, dash, true, points));
        }
        double largest = all.stream().mapToDouble(Measurement::max).max().orElse(1);
        String same = Parameters.textWithout(keys.getFirst().others(), varying);
        return new Plot(
                any.metric() + " by " + name + (same.isEmpty() ? "" : " (" + same + ")"),
                sizeAxis(
                        name,
                        all.stream()
                                .flatMap(of -> sizes(List.of(of), name).stream())
                                .toList()),
                Axis.fromZero(any.unit(), largest, Html::number),
                series);
    }

    /** Written at it are the sizes that were measured. */
    private static Axis sizeAxis(String name, Collection<Double> sizes) {
        TreeSet<Double> sorted = new TreeSet<>(sizes);
        return new Axis(
                name,
                sorted.first(),
                sorted.last(),
                true,
                sorted.stream()
                        .map(size -> new Axis.Tick(
                                size, Html.number(size).replace("000 k", " M").replace(" ", "")))
                        .toList());
    }

    private static Set<Double> sizes(List<Measurement> line, String name) {
        Set<Double> sizes = new TreeSet<>();
        line.forEach(of -> sizes.add(size(of, name)));
        return sizes;
    }

    private static double size(Measurement measurement, String name) {
        return Double.parseDouble(measurement.parameters().getOrDefault(name, "1"));
    }
}
