package dev.sluice.bench.harness;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Two runs side by side: what both measured, and what was different about them.
 *
 * @param pairs of measurements and percentiles with the same subject, metric, unit and parameters
 * @param targets that one met and the other did not, or that only one has, each as a sentence
 * @param differences of machine, kernel, JVM, source and options, each as a sentence
 * @param onlyA what only the first run measured
 * @param onlyB what only the second one did
 */
record Comparison(
        List<Pair> pairs, List<String> targets, List<String> differences, List<String> onlyA, List<String> onlyB) {
    /**
     * One thing measured in both.
     *
     * @param overlap whether the samples' ranges overlap, so that the difference may be chance
     * @param spread whether both have more than one sample, without which nothing is known of chance
     */
    record Pair(
            String subject,
            String metric,
            String unit,
            Measurement.Better better,
            Map<String, String> parameters,
            double a,
            double b,
            boolean overlap,
            boolean spread) {
        /** The second in proportion to the first; NaN when the first is 0 and the second is not. */
        double ratio() {
            return a == b ? 1 : a == 0 ? Double.NaN : b / a;
        }

        /** In a word or two: better, worse, or that the figures do not tell. */
        String verdict() {
            if (overlap || a == b || better == Measurement.Better.NEITHER) {
                return overlap ? "within spread" : "";
            }
            if (!spread) {
                return "one sample";
            }
            return (b > a) == (better == Measurement.Better.HIGHER) ? "better" : "worse";
        }
    }

    private record Key(String subject, String metric, String unit, Map<String, String> parameters) {
        private String text() {
            return subject + " " + metric + " " + Parameters.text(parameters, parameters.keySet());
        }
    }

    Comparison {
        pairs = List.copyOf(pairs);
        targets = List.copyOf(targets);
        differences = List.copyOf(differences);
        onlyA = List.copyOf(onlyA);
        onlyB = List.copyOf(onlyB);
    }

    static Comparison of(Results a, Results b) {
        Map<Key, Measurement> ofA = measurements(a);
        Map<Key, Measurement> ofB = measurements(b);
        List<Pair> pairs = new ArrayList<>();
        List<String> onlyA = new ArrayList<>();
        ofA.forEach((key, first) -> {
            Measurement second = ofB.get(key);
            if (second == null) {
                onlyA.add(key.text());
                return;
            }
            boolean overlap = first.min() <= second.max() && second.min() <= first.max();
            pairs.add(new Pair(
                    key.subject(),
                    key.metric(),
                    key.unit(),
                    first.better(),
                    key.parameters(),
                    first.median(),
                    second.median(),
                    overlap,
                    first.samples().size() > 1 && second.samples().size() > 1));
        });
        List<String> onlyB = ofB.keySet().stream()
                .filter(key -> !ofA.containsKey(key))
                .map(Key::text)
                .toList();
        return new Comparison(pairs, targets(a, b), differences(a, b), onlyA, onlyB);
    }

    /** Percentiles of latencies are measurements of one sample. */
    private static Map<Key, Measurement> measurements(Results results) {
        Map<Key, Measurement> all = new LinkedHashMap<>();
        for (Measurement of : results.measurements()) {
            all.put(new Key(of.subject(), of.metric(), of.unit(), of.parameters()), of);
        }
        for (Latency of : results.latencies()) {
            for (Percentile percentile : Percentile.values()) {
                String metric = "latency " + percentile.label();
                double value = percentile.of(of.histogram());
                all.put(
                        new Key(of.subject(), metric, "ns", of.parameters()),
                        new Measurement(
                                of.subject(), metric, "ns", Measurement.Better.LOWER, of.parameters(), List.of(value)));
            }
        }
        return all;
    }

    private static List<String> targets(Results a, Results b) {
        Map<String, Target> ofB = new HashMap<>();
        b.targets().forEach(target -> ofB.put(target.name(), target));
        List<String> changed = new ArrayList<>();
        Set<String> ofA = new LinkedHashSet<>();
        for (Target first : a.targets()) {
            ofA.add(first.name());
            Target second = ofB.get(first.name());
            if (second == null) {
                changed.add(first.name() + ": only in A, " + state(first));
            } else if (first.isMet() != second.isMet()) {
                changed.add(first.name() + ": " + state(first) + " in A, " + state(second) + " in B");
            }
        }
        b.targets().stream()
                .filter(target -> !ofA.contains(target.name()))
                .forEach(target -> changed.add(target.name() + ": only in B, " + state(target)));
        return changed;
    }

    private static String state(Target target) {
        return (target.isMet() ? "met" : "missed") + " (" + Html.number(target.value()) + ")";
    }

    private static List<String> differences(Results a, Results b) {
        List<String> differences = new ArrayList<>();
        if (!a.benchmark().equals(b.benchmark())) {
            differences.add("benchmark: " + a.benchmark() + " in A, " + b.benchmark() + " in B");
        }
        if (!a.isComplete()) {
            differences.add("A is incomplete: " + a.trouble());
        }
        if (!b.isComplete()) {
            differences.add("B is incomplete: " + b.trouble());
        }
        addDifferences(differences, "", a.facts().source(), b.facts().source());
        addDifferences(differences, "", a.facts().machine(), b.facts().machine());
        addDifferences(
                differences, "interface ", a.facts().interfaces(), b.facts().interfaces());
        addDifferences(differences, "JVM ", a.facts().jvm(), b.facts().jvm());
        addDifferences(differences, "option ", a.options(), b.options());
        return differences;
    }

    private static void addDifferences(
            List<String> differences, String kind, Map<String, String> a, Map<String, String> b) {
        Set<String> names = new LinkedHashSet<>(a.keySet());
        names.addAll(b.keySet());
        for (String name : names) {
            String first = a.getOrDefault(name, "unknown");
            String second = b.getOrDefault(name, "unknown");
            if (!first.equals(second)) {
                differences.add(kind + name + ": " + first + " in A, " + second + " in B");
            }
        }
    }
}
