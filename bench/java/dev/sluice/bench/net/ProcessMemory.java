package dev.sluice.bench.net;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Memory of a process by what it is, in MiB: by proc(5) {@code status} and {@code smaps_rollup}. A UMEM is part of what is
 * anonymous: the kernel pins it, but does not count it here.
 *
 * @param parts by name
 */
record ProcessMemory(Map<String, Double> parts) {
    private static final Pattern FIELD = Pattern.compile("(\\w+):\\s+([0-9]+) kB");
    /** Fields of status and what is said of them. */
    private static final Map<String, String> STATUS = Map.of(
            "VmRSS", "resident",
            "RssAnon", "anonymous",
            "RssFile", "of files",
            "RssShmem", "shared",
            "VmLck", "locked",
            "HugetlbPages", "huge pages");

    /** A reading. */
    static ProcessMemory of(long pid) throws IOException {
        Path proc = Path.of("/proc", Long.toString(pid));
        return of(Files.readAllLines(proc.resolve("status")), Files.readAllLines(proc.resolve("smaps_rollup")));
    }

    static ProcessMemory of(List<String> status, List<String> rollup) {
        Map<String, Double> parts = new TreeMap<>();
        for (String line : status) {
            Matcher field = FIELD.matcher(line);
            String name = field.matches() ? STATUS.get(field.group(1)) : null;
            if (name != null) {
                parts.put(name, Long.parseLong(field.group(2)) / 1024.0);
            }
        }
        for (String line : rollup) {
            Matcher field = FIELD.matcher(line);
            if (field.matches() && field.group(1).equals("AnonHugePages")) {
                parts.put("transparent huge pages", Long.parseLong(field.group(2)) / 1024.0);
            }
        }
        return new ProcessMemory(parts);
    }

    /**
     * What {@code jcmd GC.heap_info} says: bytes of the heap in use, in MiB; 0 of an answer that has none.
     *
     * @param info all lines
     */
    static double heapUsed(String info) {
        Matcher used = Pattern.compile("total [0-9]+K, used ([0-9]+)K").matcher(info);
        double sum = 0;
        // One line a generation; the metaspace's begins otherwise.
        while (used.find()) {
            sum += Long.parseLong(used.group(1)) / 1024.0;
        }
        return sum;
    }
}
