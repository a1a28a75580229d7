package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;

/** A {@code sluice capture} or {@code trace} in the background, and what it has printed so far. */
final class Observing {
    private static final long AWAIT_NS = 25_000_000_000L;

    private final Path log;
    private final Process process;

    private Observing(Path log, Process process) {
        this.log = log;
        this.process = process;
    }

    static String launcher() {
        return Path.of(System.getProperty("sluice.home"), "bin", "sluice").toString();
    }

    /** Starts a shell's command on the director's host. */
    static Observing shell(LabFixture lab, String command) {
        Path log = lab.state().resolve("observing-" + System.nanoTime() + ".log");
        return new Observing(log, lab.start(log, "director", "sh", "-c", command));
    }

    /** A capture that tshark reads while it is written, from the moment it captures; a line for each packet. */
    static Observing live(LabFixture lab, String options, String... fields) {
        StringBuilder command =
                new StringBuilder(launcher() + " capture -w - " + options + " | tshark -l -n -i - -T fields");
        for (String field : fields) {
            command.append(" -e ").append(field);
        }
        Observing observing = shell(lab, command.toString());
        observing.await(
                "the capture's beginning", lines -> lines.stream().anyMatch(line -> line.startsWith("capturing")));
        return observing;
    }

    List<String> lines() {
        try {
            return Files.readAllLines(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The lines once something holds of them; it must within some seconds. */
    List<String> await(String what, Predicate<List<String>> condition) {
        long startNs = System.nanoTime();
        List<String> lines = lines();
        while (!condition.test(lines)) {
            assertTrue(System.nanoTime() - startNs < AWAIT_NS, "never: " + what + "\n" + String.join("\n", lines));
            DirectorLab.pause(50);
            lines = lines();
        }
        return lines;
    }

    /** All lines, when it has ended by itself. */
    List<String> end() {
        await("the end", _ -> !process.isAlive());
        return lines();
    }

    void kill() {
        process.destroyForcibly();
    }
}
