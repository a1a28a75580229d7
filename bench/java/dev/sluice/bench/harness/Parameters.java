package dev.sluice.bench.harness;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What tells measurements of one metric apart. */
final class Parameters {
    private Parameters() {}

    /** Names of the parameters that do not have the same value everywhere. */
    static Set<String> varying(Collection<Map<String, String>> sets) {
        Set<String> names = new TreeSet<>();
        sets.forEach(set -> names.addAll(set.keySet()));
        Set<String> varying = new TreeSet<>();
        for (String name : names) {
            Set<Optional<String>> values = new LinkedHashSet<>();
            sets.forEach(set -> values.add(Optional.ofNullable(set.get(name))));
            if (values.size() > 1) {
                varying.add(name);
            }
        }
        return varying;
    }

    /** Those named, as {@code flows 1000, method dr}. */
    static String text(Map<String, String> parameters, Set<String> names) {
        return parameters.entrySet().stream()
                .filter(entry -> names.contains(entry.getKey()))
                .map(entry -> entry.getKey() + " " + entry.getValue())
                .collect(Collectors.joining(", "));
    }

    /** All but those named. */
    static String textWithout(Map<String, String> parameters, Set<String> names) {
        Set<String> others = new TreeSet<>(parameters.keySet());
        others.removeAll(names);
        return text(parameters, others);
    }

    /** All but one. */
    static Map<String, String> without(Map<String, String> parameters, String name) {
        Map<String, String> rest = new TreeMap<>(parameters);
        rest.remove(name);
        return rest;
    }

    /** Whether a parameter says how much of something there is. */
    static boolean isSize(String value) {
        return value.matches("[0-9]{1,12}(\\.[0-9]{1,6})?") && Double.parseDouble(value) > 0;
    }
}
