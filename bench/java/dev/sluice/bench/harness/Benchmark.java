package dev.sluice.bench.harness;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What all benchmarks have in common: where the results go, and that they are written. */
public abstract class Benchmark implements Callable<Integer> {
    @Option(
            names = "--output",
            paramLabel = "FOLDER",
            defaultValue = "bench-results",
            description = "where results go, in a folder of this run's own (${DEFAULT-VALUE})")
    private Path output = Path.of("bench-results");

    @Spec
    private @Nullable CommandSpec spec;

    private boolean written;

    /** The subcommand's name. */
    protected abstract String name();

    /** Measures. Throws what {@link Bench} prints as one line. */
    protected abstract void measure(Run run) throws Exception;

    /**
     * Measures, prints a summary, writes results and report. Exit code 0 also when a target is missed: machines differ. A run that
     * fails or is interrupted leaves what it has, marked incomplete.
     */
    @Override
    public final Integer call() throws Exception {
        Run run = new Run(name(), System.err);
        Facts facts = MachineFacts.here();
        Thread onInterrupt = new Thread(() -> writeAnyway(run, "interrupted", facts), "results");
        Runtime.getRuntime().addShutdownHook(onInterrupt);
        try {
            measure(run);
        } catch (Exception e) {
            if (isShuttingDown(onInterrupt)) {
                // What fails now fails for the interruption, which the hook reports.
                throw e;
            }
            writeAnyway(run, e.getMessage() == null ? e.toString() : e.getMessage(), facts);
            throw e;
        }
        Summary.print(run, System.out);
        write(run, "", facts);
        return 0;
    }

    private static boolean isShuttingDown(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
            return false;
        } catch (IllegalStateException e) {
            return true;
        }
    }

    private void writeAnyway(Run run, String trouble, Facts facts) {
        try {
            write(run, trouble, facts);
        } catch (IOException e) {
            System.err.println("bench/run: the results could not be written: " + e.getMessage());
        }
    }

    /** Only once: a failed run's end is an interruption as well. Nothing where nothing was measured before it broke off. */
    private synchronized void write(Run run, String trouble, Facts facts) throws IOException {
        Results results = Results.of(run, trouble, commandLine(), options(), facts);
        if (written || (results.isEmpty() && !trouble.isEmpty())) {
            return;
        }
        written = true;
        Path folder = RunFolder.write(results, output);
        System.err.println((trouble.isEmpty() ? "report: " : "incomplete report: ") + folder.resolve(RunFolder.REPORT));
    }

    private List<String> commandLine() {
        return spec == null
                ? List.of(name())
                : spec.root().commandLine().getParseResult().originalArgs();
    }

    private Map<String, String> options() {
        Map<String, String> options = new LinkedHashMap<>();
        if (spec != null) {
            for (OptionSpec option : spec.options()) {
                Object value = option.getValue();
                if (!option.usageHelp() && !option.versionHelp() && value != null) {
                    options.put(option.longestName(), Objects.toString(value));
                }
            }
        }
        return options;
    }

    /** Where results go. */
    protected final Path output() {
        return output;
    }
}
