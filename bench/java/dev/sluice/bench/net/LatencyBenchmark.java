package dev.sluice.bench.net;

import dev.sluice.bench.LiveFrames;
import dev.sluice.bench.harness.Benchmark;
import dev.sluice.bench.harness.Latency;
import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import dev.sluice.bench.harness.Target;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bench/run latency}. */
@Command(
        name = "latency",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "How long packets take from generator to sink, at shares of the rate that the director forwards without loss.",
            "",
            "Every frame carries the time at which it was due, and the sink's XDP program subtracts that from its own clock"
                    + " (bpf_ktime_get_ns() both) and counts in buckets of three significant digits. A frame that left late,"
                    + " because the generator was held up, counts from when it was due: nothing is omitted in coordination."
                    + " All subjects get the same rates.",
            "",
            "Needs root. Everything is in namespaces of its own, and removed at the end."
        })
public final class LatencyBenchmark extends Benchmark {
    private static final List<String> ALL = List.of("c-loop", "sluice-dr");
    private static final int BATCH = 8;
    private static final int[] PER_MILLE = {500, 900, 990, 999};

    @Mixin
    private NetworkOptions network = new NetworkOptions();

    @Mixin
    private SubjectOptions turns = new SubjectOptions(ALL, 3, 10);

    @Option(
            names = "--loads",
            split = ",",
            defaultValue = "10,50,90",
            paramLabel = "PERCENT",
            description = "shares of the base rate (${DEFAULT-VALUE})")
    private List<Integer> loads = List.of();

    @Option(
            names = "--base",
            defaultValue = "0",
            paramLabel = "PPS",
            description = "the base rate; 0: searched, as the director's highest rate without loss (${DEFAULT-VALUE})")
    private long base;

    /** A subject at a load. */
    private record Case(String subject, int load) {}

    /** What all rounds of a case found. */
    private static final class Found {
        private final Histogram histogram = new Histogram(Sink.LONGEST_NS, 3);
        private final List<Double> p99 = new ArrayList<>();
        private final List<Double> p999 = new ArrayList<>();
        private final List<Double> lost = new ArrayList<>();
        private final List<Double> late = new ArrayList<>();
    }

    @Override
    protected String name() {
        return "latency";
    }

    @Override
    protected void measure(Run run) throws Exception {
        turns.check();
        if (loads.stream().anyMatch(load -> load < 1 || load > 100)) {
            throw new IllegalArgumentException("--loads must be 1-100 each, not " + loads);
        }
        Path folder = TestBed.folder();
        JvmEvents events = new JvmEvents(folder.resolve("jvm.log"));
        Scenario scenario = network.scenario(folder);
        List<Subject> present = turns.present(run, network.shape(), scenario, events.options());
        try (TestBed bed = new TestBed(network.shape(), scenario)) {
            network.choose(bed.flood());
            run.remark(network.pinning());
            for (Subject subject : present) {
                run.command(subject.name(), subject.command(bed.topology(), bed.scenario()));
            }
            long perSecond = base > 0 ? base : search(run, bed, present);
            Map<Case, Found> found = new LinkedHashMap<>();
            for (int round = 1; round <= turns.rounds(); round++) {
                for (Subject subject : present) {
                    String turn = "round " + round + " of " + turns.rounds() + ", " + subject.name();
                    bed.with(subject, _ -> {
                        for (int load : loads) {
                            Found own = found.computeIfAbsent(new Case(subject.name(), load), _ -> new Found());
                            one(run, bed, subject, turn, load, perSecond * load / 100, own, events);
                        }
                        return turn;
                    });
                }
            }
            report(run, found, perSecond);
        }
        TestBed.remove(folder);
    }

    private long search(Run run, TestBed bed, List<Subject> present) throws Exception {
        for (Subject subject : present) {
            if (subject.name().equals("sluice-dr")) {
                return bed.with(subject, _ -> {
                    bed.warmUp(turns.warmUp(), 0);
                    double saturated = bed.trial(2, 0).receivedPerSecond();
                    long found = new LossSearch(0.02, 0, 2)
                            .search(Math.round(1.25 * saturated), rate -> bed.trial(2, rate))
                            .perSecond();
                    if (found == 0) {
                        throw new IllegalStateException(
                                "the director loses packets at any rate here, something else may run; say a --base");
                    }
                    run.progress("the director forwards " + found + " packets/s without loss");
                    return found;
                });
            }
        }
        throw new IllegalArgumentException("without sluice-dr among the subjects, say a --base");
    }

    private void one(
            Run run, TestBed bed, Subject subject, String turn, int load, long perSecond, Found own, JvmEvents events)
            throws Exception {
        LiveFrames.Pace pace = new LiveFrames.Pace(perSecond, true, BATCH);
        bed.flood().run(Duration.ofMillis(Math.round(turns.warmUp() * 1000)), pace);
        Optional<DirectorWatch> watch = subject instanceof SluiceSubject director
                ? Optional.of(new DirectorWatch(director.socket(bed.scenario()), events))
                : Optional.empty();
        bed.sink().readStamps();
        Trial trial = Trial.run(bed.flood(), bed.sink(), Duration.ofMillis(Math.round(turns.seconds() * 1000)), pace);
        Histogram delays = bed.sink().delays();
        bed.sink().onlyCount();
        if (delays.getTotalCount() == 0) {
            throw new IllegalStateException(subject.name() + ": no packet with a stamp arrived");
        }
        own.histogram.add(delays);
        own.p99.add((double) delays.getValueAtPercentile(99));
        own.p999.add((double) delays.getValueAtPercentile(99.9));
        own.lost.add(100 * trial.lost());
        own.late.add(trial.wasOffered() ? 0.0 : 1.0);
        run.progress(String.format(
                Locale.ROOT,
                "%s at %d %% (%d packets/s): %s, max %.1f us, %d lost%s",
                turn,
                load,
                perSecond,
                percentiles(delays),
                delays.getMaxValue() / 1e3,
                trial.sent() - trial.received(),
                trial.wasOffered() ? "" : "; the generator did not keep the rate"));
        if (watch.isPresent()) {
            run.remark(turn + " at " + load + " %: " + watch.get().told());
        }
    }

    private static String percentiles(Histogram histogram) {
        StringBuilder text = new StringBuilder();
        for (int perMille : PER_MILLE) {
            text.append(String.format(
                    Locale.ROOT,
                    "%sp%s %.1f us",
                    text.isEmpty() ? "" : ", ",
                    perMille % 10 == 0 ? Integer.toString(perMille / 10) : perMille / 10 + "." + perMille % 10,
                    histogram.getValueAtPercentile(perMille / 10.0) / 1e3));
        }
        return text.toString();
    }

    private void report(Run run, Map<Case, Found> found, long perSecond) {
        found.forEach((which, own) -> {
            Map<String, String> parameters = new TreeMap<>(network.parameters());
            parameters.put("load", which.load() + " %");
            parameters.put("offered", Long.toString(perSecond * which.load() / 100));
            run.add(new Latency(which.subject(), parameters, own.histogram));
            run.add(new Measurement(which.subject(), "p99", "ns", Better.LOWER, parameters, own.p99));
            run.add(new Measurement(which.subject(), "p99.9", "ns", Better.LOWER, parameters, own.p999));
            run.add(new Measurement(which.subject(), "max", "ns", Better.LOWER, parameters, List.of((double)
                    own.histogram.getMaxValue())));
            run.add(new Measurement(which.subject(), "lost", "%", Better.LOWER, parameters, own.lost));
            long late = own.late.stream().filter(each -> each > 0).count();
            if (late > 0) {
                run.remark(which.subject() + " at " + which.load() + " %: in " + late + " of " + own.late.size()
                        + " turns the generator could not keep the rate");
            }
        });
        for (int load : loads) {
            Found director = found.get(new Case("sluice-dr", load));
            Found loop = found.get(new Case("c-loop", load));
            if (load == 50 && director != null && loop != null) {
                target(run, "p99", 99, 1.1, director, loop);
                target(run, "p99.9", 99.9, 1.5, director, loop);
            }
        }
    }

    private static void target(Run run, String name, double percentile, double bound, Found director, Found loop) {
        double ratio = (double) director.histogram.getValueAtPercentile(percentile)
                / loop.histogram.getValueAtPercentile(percentile);
        run.add(new Target("latency at 50 %: " + name + " of sluice-dr to c-loop", ratio, bound, false));
    }
}
