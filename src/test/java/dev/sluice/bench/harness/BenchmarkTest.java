package dev.sluice.bench.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What is left of a run that broke off. */
class BenchmarkTest {
    @TempDir
    private Path folder = Path.of("");

    private static final class Failing extends Benchmark {
        private final boolean measures;

        private Failing(boolean measures) {
            this.measures = measures;
        }

        @Override
        protected String name() {
            return "failing";
        }

        @Override
        protected void measure(Run run) throws IOException {
            if (measures) {
                run.add(SampleRun.cost("sluice", 1000, 1));
            }
            throw new IOException("the peer died");
        }
    }

    private List<Path> results(boolean measures) throws IOException {
        CommandLine line = new CommandLine(new Failing(measures));
        line.setExecutionExceptionHandler((_, _, _) -> 1);
        assertEquals(1, line.execute("--output", folder.toString()));
        try (Stream<Path> paths = Files.list(folder)) {
            return paths.toList();
        }
    }

    @Test
    void aRunThatFailsLeavesWhatItHas() throws IOException {
        Results results = ResultsFile.read(results(true).getFirst());
        assertEquals("the peer died", results.trouble());
        assertEquals(List.of(SampleRun.cost("sluice", 1000, 1)), results.measurements());
        assertEquals(folder.toString(), results.options().get("--output"));
    }

    @Test
    void aRunThatMeasuredNothingLeavesNothing() throws IOException {
        assertEquals(List.of(), results(false));
    }
}
