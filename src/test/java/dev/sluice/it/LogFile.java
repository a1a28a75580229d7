package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;

/** What a program on one of the lab's hosts writes, while it writes it. */
final class LogFile {
    private static final long TIMEOUT_NS = 20_000_000_000L;

    private LogFile() {}

    /** The first line for which something holds; it must come within some seconds. */
    static String await(Path log, Predicate<String> condition) {
        long startNs = System.nanoTime();
        while (true) {
            List<String> lines = lines(log);
            for (String line : lines) {
                if (condition.test(line)) {
                    return line;
                }
            }
            assertTrue(System.nanoTime() - startNs < TIMEOUT_NS, () -> "not in " + log + ": " + lines);
            DirectorLab.pause(20);
        }
    }

    /** All that it has written so far. */
    static List<String> lines(Path log) {
        try {
            return Files.exists(log) ? Files.readAllLines(log) : List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
