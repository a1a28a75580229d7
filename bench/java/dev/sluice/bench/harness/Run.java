package dev.sluice.bench.harness;

import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One run of a benchmark: what was measured, by which commands, and what must hold. Says on standard error how far it is. Filled
 * by one thread; another may read it meanwhile, for an interrupted run is written down as well.
 */
public final class Run {
    private final String benchmark;
    private final Instant started = Instant.now();
    private final PrintStream progress;
    private final Map<String, String> commands = new LinkedHashMap<>();
    private final List<Measurement> measurements = new ArrayList<>();
    private final List<Latency> latencies = new ArrayList<>();
    private final List<Target> targets = new ArrayList<>();
    private final List<String> remarks = new ArrayList<>();

    /**
     * Begins.
     *
     * @param benchmark the subcommand's name
     */
    public Run(String benchmark, PrintStream progress) {
        this.benchmark = benchmark;
        this.progress = progress;
    }

    /** Says what is done now, in a line with the time since the beginning. */
    public void progress(String text) {
        long seconds = Duration.between(started, Instant.now()).toSeconds();
        progress.printf("[%3d:%02d] %s%n", seconds / 60, seconds % 60, text);
    }

    /** Remembers by which command a subject runs, so that somebody else can run it. */
    public synchronized void command(String subject, String command) {
        commands.put(subject, command);
    }

    /** Adds what was measured. */
    public synchronized void add(Measurement measurement) {
        measurements.add(measurement);
    }

    /** Adds how long packets took. */
    public synchronized void add(Latency latency) {
        latencies.add(latency);
    }

    /** Adds what must hold. */
    public synchronized void add(Target target) {
        targets.add(target);
    }

    /** Adds a sentence that the report shows: what was left out here and why. */
    public void remark(String sentence) {
        synchronized (this) {
            remarks.add(sentence);
        }
        progress(sentence);
    }

    /** The subcommand's name. */
    public String benchmark() {
        return benchmark;
    }

    /** When it began. */
    public Instant started() {
        return started;
    }

    /** Subjects and the commands they ran by, so far. */
    public synchronized Map<String, String> commands() {
        return new LinkedHashMap<>(commands);
    }

    /** What was measured so far. */
    public synchronized List<Measurement> measurements() {
        return List.copyOf(measurements);
    }

    /** How long packets took, so far. */
    public synchronized List<Latency> latencies() {
        return List.copyOf(latencies);
    }

    /** What must hold, so far. */
    public synchronized List<Target> targets() {
        return List.copyOf(targets);
    }

    /** What else there is to say, so far. */
    public synchronized List<String> remarks() {
        return List.copyOf(remarks);
    }
}
