package dev.sluice.bench.pipeline;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/** Measures a case in a JVM of its own, by JMH. */
final class JmhFork {
    /** As {@code bin/sluice} starts a director, with room for the images' lengths and a thousand Maglev tables. */
    static final List<String> JVM_OPTIONS = List.of(
            "--enable-native-access=ALL-UNNAMED",
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
            "-Xms64m",
            "-Xmx2g",
            "-XX:+AlwaysPreTouch");

    private static final String ALLOCATED = "gc.alloc.rate.norm";

    private final List<String> jvmOptions;
    private final int cpu;
    private final double warmupSeconds;
    private final double seconds;
    private final int iterations;

    /**
     * Forks of a kind.
     *
     * @param jvmOptions beyond {@link #JVM_OPTIONS}
     * @param cpu processor of the measuring thread, -1 for any
     * @param warmupSeconds of processor time before anything is measured
     * @param seconds of each iteration
     */
    JmhFork(List<String> jvmOptions, int cpu, double warmupSeconds, double seconds, int iterations) {
        this.jvmOptions = List.copyOf(jvmOptions);
        this.cpu = cpu;
        this.warmupSeconds = warmupSeconds;
        this.seconds = seconds;
        this.iterations = iterations;
    }

    /**
     * What a fork found.
     *
     * @param cost of processor time
     * @param bytesPerPacket allocated on the heap
     */
    record Outcome(Cost cost, double bytesPerPacket) {}

    /** Measures a case in one fork; throws {@link IOException} with the end of JMH's output when it fails. */
    Outcome run(PipelineCase what) throws IOException {
        String benchmark = what.scenario() == Scenario.COPY ? "deliver" : "forward";
        return run(PipelineState.class, benchmark, what.parameters(), what.title());
    }

    /**
     * Runs one benchmark in one fork; throws {@link IOException} with the end of JMH's output when it fails.
     *
     * @param state the benchmark's class; it has parameters {@code cpu} and {@code warmupSeconds}
     * @param title for messages
     */
    Outcome run(Class<?> state, String benchmark, Map<String, String> parameters, String title) throws IOException {
        // Another JMH on this machine is the user's business.
        System.setProperty("jmh.ignoreLock", "true");
        Path log = Files.createTempFile("sluice-jmh-", ".log");
        ChainedOptionsBuilder options = new OptionsBuilder()
                .include("^" + (state.getName() + "." + benchmark).replace(".", "\\.") + "$")
                .forks(1)
                .threads(1)
                .warmupIterations(1)
                .warmupTime(time(Math.min(seconds, warmupSeconds)))
                .measurementIterations(iterations)
                .measurementTime(time(seconds))
                // Outside of the other, which counts what this one allocates as well.
                .addProfiler(ProcessorTime.class)
                .addProfiler(GCProfiler.class)
                .shouldFailOnError(true)
                .jvmArgs(JVM_OPTIONS.toArray(String[]::new))
                .jvmArgsAppend(jvmOptions.toArray(String[]::new))
                .param("cpu", Integer.toString(cpu))
                .param("warmupSeconds", Double.toString(warmupSeconds))
                .output(log.toString());
        parameters.forEach(options::param);
        try {
            Collection<RunResult> results = new Runner(options.build()).run();
            RunResult result = results.iterator().next();
            double elapsedNs = result.getPrimaryResult().getStatistics().getPercentile(50);
            Result<?> processorNs = result.getSecondaryResults().get(ProcessorTime.RESULT);
            Result<?> allocated = result.getSecondaryResults().get(ALLOCATED);
            if (allocated == null || processorNs == null) {
                throw new IOException("JMH did not say what " + title + " took and allocated (see " + log + ")");
            }
            Files.delete(log);
            double ownNs = processorNs.getStatistics().getPercentile(50);
            return new Outcome(new Cost(ownNs, elapsedNs), allocated.getScore());
        } catch (RunnerException e) {
            throw new IOException("JMH failed at %s: %s (see %s)".formatted(title, reason(log, e), log), e);
        }
    }

    /** The first exception in JMH's output says more than JMH's own. */
    private static String reason(Path log, RunnerException e) throws IOException {
        return Files.readString(log, StandardCharsets.UTF_8)
                .lines()
                .filter(line -> line.matches("[\\w.]+(Exception|Error).*"))
                .findFirst()
                .orElse(String.valueOf(e.getMessage()));
    }

    private static TimeValue time(double seconds) {
        return TimeValue.milliseconds(Math.round(seconds * 1000));
    }

    /** The command by which somebody else measures the pipeline without the harness. */
    String command() {
        return command(PipelineState.class, "forward");
    }

    /** The command by which somebody else measures the same without the harness. */
    String command(Class<?> state, String benchmark) {
        String all = String.join(" ", JVM_OPTIONS) + (jvmOptions.isEmpty() ? "" : " " + String.join(" ", jvmOptions));
        String time = Math.round(seconds * 1000) + "ms";
        return "java -cp \"target/classes:target/test-classes:$(cat target/bench.classpath)\" org.openjdk.jmh.Main"
                + " " + state.getSimpleName() + "." + benchmark + " -f 1 -prof gc -prof "
                + ProcessorTime.class.getName()
                + " -wi 1 -i " + iterations + " -w " + time + " -r " + time + " -p warmupSeconds=" + warmupSeconds
                + " -jvmArgs '" + all + "' -p NAME=... (parameters as in the results)";
    }
}
