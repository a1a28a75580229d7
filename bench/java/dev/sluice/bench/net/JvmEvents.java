package dev.sluice.bench.net;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Safepoints, collections and compilations of a director's JVM, by its unified log. */
final class JvmEvents {
    /** As JDK 25 writes it: "Total: 123456 ns" at the end of each safepoint. */
    private static final Pattern TOTAL = Pattern.compile("Total:\\s*(\\d+) ns");

    private final Path log;

    JvmEvents(Path log) {
        this.log = log;
    }

    /** The JVM options that have them logged, for {@code SLUICE_JAVA_OPTS}. */
    String options() {
        return "-Xlog:safepoint,gc,jit+compilation=debug:file=" + log + ":uptimenanos,tags:filecount=0";
    }

    /** How many lines there are, as a mark. */
    int mark() {
        return lines().size();
    }

    /** What happened since a mark, in a sentence. */
    String since(int mark) {
        List<String> lines = lines();
        return summary(lines.subList(Math.min(mark, lines.size()), lines.size()));
    }

    static String summary(List<String> lines) {
        int safepoints = 0;
        int collections = 0;
        int compilations = 0;
        long longestNs = 0;
        for (String line : lines) {
            Matcher total = TOTAL.matcher(line);
            if (line.contains("[safepoint") && total.find()) {
                safepoints++;
                longestNs = Math.max(longestNs, Long.parseLong(total.group(1)));
            } else if (line.contains("[gc") && line.contains("Pause")) {
                collections++;
            } else if (line.contains("[jit,compilation")) {
                compilations++;
            }
        }
        return String.format(
                Locale.ROOT,
                "%d safepoints (longest %.1f us), %d collections, %d compilations",
                safepoints,
                longestNs / 1e3,
                collections,
                compilations);
    }

    private List<String> lines() {
        try {
            return Files.exists(log) ? Files.readAllLines(log) : List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
