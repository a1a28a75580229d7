package dev.sluice.bench.pipeline;

import dev.sluice.bench.harness.Benchmark;
import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import dev.sluice.bench.harness.Target;
import dev.sluice.bench.net.RebuildTrial;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.MaglevParameters;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code bench/run maglev}. */
@Command(
        name = "maglev",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "How long a Maglev table takes to build, by JMH, in processor time: beside it the figures of Eisenbud et al., Maglev,"
                    + " NSDI 2016, section 5.3, for 1000 real servers.",
            "",
            "With root also what a running director's worker notices of it: a weight is changed again and again under traffic, and"
                    + " the worker must allocate nothing, for the table is built by another thread."
        })
public final class MaglevBenchmark extends Benchmark {
    private static final int PAPER_REAL_SERVERS = 1000;
    private static final Map<Integer, Double> PAPER_MS =
            Map.of(MaglevParameters.DEFAULT_TABLE_SIZE, 1.8, MaglevParameters.LARGE_TABLE_SIZE, 22.9);

    @Option(
            names = "--entries",
            split = ",",
            defaultValue = "65537,655373",
            paramLabel = "N",
            description = "sizes of tables, primes (${DEFAULT-VALUE})")
    private List<Integer> entries = List.of();

    @Option(
            names = "--real-servers",
            split = ",",
            converter = CountConverter.class,
            defaultValue = "10,100,1000,10000",
            paramLabel = "N",
            description = "how many real servers (${DEFAULT-VALUE})")
    private List<Integer> realServers = List.of();

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "3", description = "JVMs for each (${DEFAULT-VALUE})")
    private int rounds;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "3",
            description = "how long each measures (${DEFAULT-VALUE})")
    private double seconds;

    @Option(
            names = "--warmup",
            paramLabel = "S",
            defaultValue = "3",
            description = "how long each JVM builds before it measures (${DEFAULT-VALUE})")
    private double warmupSeconds;

    @Option(
            names = "--cpu",
            paramLabel = "N",
            defaultValue = "-1",
            description = "processor to measure on; by default the scheduler's choice")
    private int cpu;

    @Option(
            names = "--changes",
            paramLabel = "N",
            defaultValue = "20",
            description = "how often a running director's weight is changed, 0 for no director (${DEFAULT-VALUE})")
    private int changes;

    @Option(
            names = "--generator-cpu",
            defaultValue = "0",
            paramLabel = "CPU",
            description = "the CPU that sends packets to that director (${DEFAULT-VALUE})")
    private int generatorCpu;

    @Option(
            names = "--subject-cpu",
            defaultValue = "1",
            paramLabel = "CPU",
            description = "the CPU of its worker (${DEFAULT-VALUE})")
    private int subjectCpu;

    /** Made by picocli. */
    public MaglevBenchmark() {}

    @Override
    protected String name() {
        return "maglev";
    }

    @Override
    protected void measure(Run run) throws Exception {
        if (rounds < 1 || seconds < 0.1 || warmupSeconds < 0.1) {
            throw new IllegalArgumentException("--rounds must be at least 1, --seconds and --warmup at least 0.1");
        }
        JmhFork fork = new JmhFork(List.of(), cpu, warmupSeconds, seconds / 3, 3);
        run.command(CaseRounds.SLUICE, fork.command(MaglevState.class, "build"));
        for (int size : entries) {
            // Refuses what is no prime, before minutes have gone by.
            new MaglevParameters(size, new HashKey(0, 0));
        }
        for (int size : entries) {
            for (int reals : realServers) {
                build(run, fork, size, reals);
            }
        }
        if (changes > 0) {
            for (int size : entries) {
                RebuildTrial.measure(run, size, PAPER_REAL_SERVERS, changes, generatorCpu, subjectCpu);
            }
        }
    }

    private void build(Run run, JmhFork fork, int size, int reals) throws Exception {
        Map<String, String> parameters =
                new TreeMap<>(Map.of("entries", Integer.toString(size), "realServers", Integer.toString(reals)));
        String title = "a table of %,d entries for %,d real servers".formatted(size, reals);
        List<Double> processorMs = new ArrayList<>();
        List<Double> elapsedMs = new ArrayList<>();
        for (int round = 1; round <= rounds; round++) {
            Cost cost = fork.run(MaglevState.class, "build", parameters, title).cost();
            processorMs.add(cost.processorNs() / 1e6);
            elapsedMs.add(cost.elapsedNs() / 1e6);
            run.progress("%s, round %d/%d: %.2f ms".formatted(title, round, rounds, cost.processorNs() / 1e6));
        }
        Measurement cost = new Measurement(CaseRounds.SLUICE, "build", "ms", Better.LOWER, parameters, processorMs);
        run.add(cost);
        run.add(new Measurement(CaseRounds.SLUICE, "build, elapsed", "ms", Better.LOWER, parameters, elapsedMs));
        Double paper = reals == PAPER_REAL_SERVERS ? PAPER_MS.get(size) : null;
        if (paper != null) {
            run.add(new Measurement("nsdi-2016", "build", "ms", Better.LOWER, parameters, List.of(paper)));
            run.add(new Target(title + ", ms", cost.median(), paper, false));
        }
    }
}
