package dev.sluice.bench.harness;

import dev.sluice.bench.net.ConnectionsBenchmark;
import dev.sluice.bench.net.ForwardBenchmark;
import dev.sluice.bench.net.LatencyBenchmark;
import dev.sluice.bench.net.LineRateBenchmark;
import dev.sluice.bench.net.ObserveBenchmark;
import dev.sluice.bench.net.SoakBenchmark;
import dev.sluice.bench.net.StartBenchmark;
import dev.sluice.bench.pipeline.MaglevBenchmark;
import dev.sluice.bench.pipeline.PipelineBenchmark;
import dev.sluice.bench.pipeline.ScaleBenchmark;
import dev.sluice.bench.vm.InstructionsBenchmark;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;

/** Command line of the benchmark harness. */
@Command(
        name = "bench/run",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Measures Sluice beside what else there is, on this machine.",
        subcommands = {
            PipelineBenchmark.class,
            ScaleBenchmark.class,
            MaglevBenchmark.class,
            ForwardBenchmark.class,
            LatencyBenchmark.class,
            ConnectionsBenchmark.class,
            StartBenchmark.class,
            SoakBenchmark.class,
            ObserveBenchmark.class,
            LineRateBenchmark.class,
            InstructionsBenchmark.class,
            CompareCommand.class,
            ReportCommand.class,
            HelpCommand.class
        })
public final class Bench {
    private Bench() {}

    /** See {@code --help}. */
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Bench())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((e, commandLine, _) -> {
                    commandLine.getErr().println("bench/run: " + (e.getMessage() == null ? e : e.getMessage()));
                    return 1;
                })
                .execute(arguments));
    }
}
