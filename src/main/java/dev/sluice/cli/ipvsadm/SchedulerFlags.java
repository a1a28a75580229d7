package dev.sluice.cli.ipvsadm;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.StringTokenizer;

/**
 * The flags of {@code -b}: {@code flag-1} to {@code flag-3}, of which {@code sh} and {@code mh} give the first two names of their
 * own.
 */
final class SchedulerFlags {
    private static final List<String> GENERIC = List.of("flag-1", "flag-2", "flag-3");
    private static final Map<String, List<String>> NAMED =
            Map.of("sh", List.of("sh-fallback", "sh-port"), "mh", List.of("mh-fallback", "mh-port"));

    private SchedulerFlags() {}

    /**
     * Reads a comma-separated list.
     *
     * @return each flag once, in the order of their numbers, by the name that it has under the scheduler
     * @throws IpvsadmException for a word that is no flag, or another scheduler's
     */
    static List<String> read(String text, String scheduler) throws IpvsadmException {
        List<String> names = NAMED.getOrDefault(scheduler, List.of());
        boolean[] set = new boolean[GENERIC.size()];
        for (StringTokenizer words = new StringTokenizer(text, ","); words.hasMoreTokens(); ) {
            String word = words.nextToken();
            int number = Math.max(GENERIC.indexOf(word), names.indexOf(word));
            if (number < 0) {
                boolean known = NAMED.values().stream().anyMatch(others -> others.contains(word));
                throw IpvsadmException.usage((known ? "incompatible" : "invalid") + " scheduler flag `" + word + "'");
            }
            set[number] = true;
        }
        List<String> flags = new ArrayList<>();
        for (int number = 0; number < set.length; number++) {
            if (set[number]) {
                flags.add(number < names.size() ? names.get(number) : GENERIC.get(number));
            }
        }
        return flags;
    }

    /** What listings show of flags: under a scheduler that names flags, only named ones. */
    static String shown(List<String> flags, String scheduler) {
        List<String> names = NAMED.get(scheduler);
        List<String> shown = names == null
                ? flags.stream().sorted().toList()
                : names.stream().filter(flags::contains).toList();
        return String.join(",", shown);
    }
}
