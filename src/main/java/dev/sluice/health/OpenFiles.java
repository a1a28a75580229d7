package dev.sluice.health;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** How many files this process may have open. */
final class OpenFiles {
    private static final String LINE = "Max open files";

    private OpenFiles() {}

    /** The soft limit, which the JDK raises to the hard one when it starts. */
    static int limit() {
        try {
            return parse(Files.readAllLines(Path.of("/proc/self/limits")));
        } catch (IOException e) {
            throw new UncheckedIOException("/proc/self/limits", e);
        }
    }

    /** Reads proc(5)'s table of limits. */
    static int parse(List<String> lines) {
        String line = lines.stream()
                .filter(one -> one.startsWith(LINE))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("/proc/self/limits has no \"" + LINE + "\""));
        String soft = line.substring(LINE.length()).strip().split(" ", 2)[0];
        return soft.equals("unlimited") ? Integer.MAX_VALUE : (int) Math.min(Integer.MAX_VALUE, Long.parseLong(soft));
    }
}
