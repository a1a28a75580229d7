package dev.sluice.bench.pipeline;

import dev.sluice.bench.harness.Run;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** How benchmarks of the pipeline measure: options that they have in common. */
final class PipelineOptions {
    @Option(
            names = "--rounds",
            paramLabel = "N",
            defaultValue = "3",
            description = "rounds, in each of which Java and C take turns (${DEFAULT-VALUE})")
    int rounds = 3;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "1.5",
            description = "how long each measures in a round (${DEFAULT-VALUE})")
    double seconds = 1.5;

    @Option(
            names = "--warmup",
            paramLabel = "S",
            defaultValue = "2",
            description = "how long each JVM runs before it measures (${DEFAULT-VALUE})")
    double warmupSeconds = 2;

    @Option(names = "--quick", description = "one short round: to see that it works, not for figures")
    boolean quick;

    @Option(
            names = "--cpu",
            paramLabel = "N",
            defaultValue = "-1",
            description = "processor to measure on; by default the scheduler's choice")
    int cpu = -1;

    @Option(
            names = "--jvm-options",
            paramLabel = "OPTIONS",
            defaultValue = "",
            description = "more options for the JVM, separated by spaces; they win over the director's")
    String jvmOptions = "";

    @Option(names = "--no-baseline", description = "without the C baseline")
    boolean noBaseline;

    /** Throws {@link IllegalArgumentException}, with a message fit for users, for options that cannot be. */
    CaseRounds rounds(Run run) throws IOException, InterruptedException {
        if (rounds < 1 || seconds < 0.1 || warmupSeconds < 0.1) {
            throw new IllegalArgumentException("--rounds must be at least 1, --seconds and --warmup at least 0.1");
        }
        Optional<BaselineProgram> baseline = noBaseline ? Optional.empty() : BaselineProgram.build(cpu, run::remark);
        List<String> more =
                jvmOptions.isBlank() ? List.of() : List.of(jvmOptions.strip().split(" +", -1));
        return quick
                ? new CaseRounds(run, new JmhFork(more, cpu, 1, 0.2, 2), baseline, 1, 0.5)
                : new CaseRounds(run, new JmhFork(more, cpu, warmupSeconds, seconds / 3, 3), baseline, rounds, seconds);
    }
}
