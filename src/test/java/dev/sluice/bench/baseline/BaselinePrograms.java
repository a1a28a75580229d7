package dev.sluice.bench.baseline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Builds and runs the programs of {@code bench/baseline}. */
final class BaselinePrograms {
    private static final Path BASE =
            Path.of(System.getProperty("sluice.basedir", ".")).toAbsolutePath();
    private static final long TIMEOUT_SECONDS = 120;

    private BaselinePrograms() {}

    /** Skips the test, and says so, where there is no C compiler. */
    static Path pipeline() throws IOException, InterruptedException {
        boolean compiler = Stream.of(System.getenv("PATH").split(":", -1))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, "gcc")));
        assumeTrue(
                compiler, "NOT TESTED that the C baseline does the same work: there is no gcc (Debian: gcc libc6-dev)");
        Path folder = BASE.resolve("target/baseline");
        run(BASE.resolve("bench/baseline/build").toString(), folder.toString(), "pipeline");
        return folder.resolve("pipeline");
    }

    /** What a command printed; it must end well. */
    static String run(String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile("sluice-baseline-", ".out");
        try {
            Process process = new ProcessBuilder(new ArrayList<>(List.of(command)))
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            boolean ended = process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS);
            process.destroyForcibly();
            String text = Files.readString(output, StandardCharsets.UTF_8);
            assertTrue(ended, () -> String.join(" ", command) + " does not end: " + text);
            assertEquals(0, process.exitValue(), () -> String.join(" ", command) + ": " + text);
            return text;
        } finally {
            Files.delete(output);
        }
    }
}
