package dev.sluice.bench.harness;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A run as it is kept: what {@link ResultsFile} writes and reads, and reports are drawn from.
 *
 * @param duration from the beginning to the end, or to where it broke off
 * @param trouble why the run is incomplete, as a phrase; empty when it is complete
 * @param commandLine as given to {@code bench/run}
 * @param options all of the benchmark's with their values, defaults included
 */
record Results(
        String benchmark,
        Instant started,
        Duration duration,
        String trouble,
        List<String> commandLine,
        Map<String, String> options,
        Facts facts,
        Map<String, String> commands,
        List<Measurement> measurements,
        List<Latency> latencies,
        List<Target> targets,
        List<String> remarks) {
    Results {
        commandLine = List.copyOf(commandLine);
        options = new LinkedHashMap<>(options);
        commands = new LinkedHashMap<>(commands);
        measurements = List.copyOf(measurements);
        latencies = List.copyOf(latencies);
        targets = List.copyOf(targets);
        remarks = List.copyOf(remarks);
    }

    /** What a run has so far. */
    static Results of(Run run, String trouble, List<String> commandLine, Map<String, String> options, Facts facts) {
        return new Results(
                run.benchmark(),
                run.started(),
                Duration.between(run.started(), Instant.now()),
                trouble,
                commandLine,
                options,
                facts,
                run.commands(),
                run.measurements(),
                run.latencies(),
                run.targets(),
                run.remarks());
    }

    /** Whether the benchmark ran to its end. */
    boolean isComplete() {
        return trouble.isEmpty();
    }

    /** Whether nothing at all was measured. */
    boolean isEmpty() {
        return measurements.isEmpty() && latencies.isEmpty();
    }

    /** How many targets are met. */
    long targetsMet() {
        return targets.stream().filter(Target::isMet).count();
    }
}
