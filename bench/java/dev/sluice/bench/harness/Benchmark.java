package dev.sluice.bench.harness;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Option;

/** What all benchmarks have in common: where the results go, and that they are written. */
public abstract class Benchmark implements Callable<Integer> {
    @Option(
            names = "--output",
            paramLabel = "FOLDER",
            defaultValue = "bench-results",
            description = "where results go, in a folder of this run's own (${DEFAULT-VALUE})")
    private Path output = Path.of("bench-results");

    /** The subcommand's name. */
    protected abstract String name();

    /** Measures. Throws what {@link Bench} prints as one line. */
    protected abstract void measure(Run run) throws Exception;

    /** Measures, prints a summary, writes results and report. Exit code 0 also when a target is missed: machines differ. */
    @Override
    public final Integer call() throws Exception {
        Run run = new Run(name(), System.err);
        measure(run);
        Summary.print(run, System.out);
        return 0;
    }

    /** Where results go. */
    protected final Path output() {
        return output;
    }
}
