package dev.sluice.bench.pipeline;

import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Measures cases in alternating rounds: a JVM, the C program, the C program, a JVM, and so on. */
final class CaseRounds {
    /** The subject of the Java datapath's measurements. */
    static final String SLUICE = "sluice";
    /** The subject of the C program's. */
    static final String BASELINE = "c-baseline";

    private final Run run;
    private final JmhFork fork;
    private final Optional<BaselineProgram> baseline;
    private final int rounds;
    private final double baselineSeconds;
    private final Map<PipelineCase, Costs> copies = new HashMap<>();
    private final Map<PipelineCase, Costs> measured = new HashMap<>();
    private final Map<PipelineCase, Turn> others = new HashMap<>();
    private int done;
    private int total;

    /**
     * Rounds that go into a run.
     *
     * @param baselineSeconds how long the C program measures in each round
     */
    CaseRounds(Run run, JmhFork fork, Optional<BaselineProgram> baseline, int rounds, double baselineSeconds) {
        this.run = run;
        this.fork = fork;
        this.baseline = baseline;
        this.rounds = rounds;
        this.baselineSeconds = baselineSeconds;
        run.command(SLUICE, fork.command());
    }

    /**
     * A case in all rounds.
     *
     * @param baseline empty without a C program
     */
    record Costs(List<Cost> sluice, List<Cost> baseline, List<Double> allocated) {
        private static List<Double> processor(List<Cost> costs) {
            return costs.stream().map(Cost::processorNs).toList();
        }
    }

    /** Another subject that is measured in every round of a case. */
    @FunctionalInterface
    interface Turn {
        /** Measures it once. */
        void take() throws IOException, InterruptedException;
    }

    /** Has another take its turns beside a case, after the others in one round and before them in the next. */
    void beside(PipelineCase what, Turn other) {
        others.put(what, other);
    }

    /** Measures cases, and the copying that each of them contains, in the order given. */
    void measure(List<PipelineCase> cases) throws IOException, InterruptedException {
        Set<PipelineCase> all = new LinkedHashSet<>();
        for (PipelineCase what : cases) {
            all.add(what.copying());
            all.add(what);
        }
        total += all.size();
        for (PipelineCase what : all) {
            done++;
            Costs costs = costs(what);
            (what.scenario() == Scenario.COPY ? copies : measured).put(what, costs);
            add(what, costs);
        }
    }

    private Costs costs(PipelineCase what) throws IOException, InterruptedException {
        @Nullable BaselineProgram program = what.method().hasBaseline() ? baseline.orElse(null) : null;
        Costs costs = new Costs(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        @Nullable Turn other = others.get(what);
        for (int round = 0; round < rounds; round++) {
            if (other != null && round % 2 == 1) {
                other.take();
            }
            if (program != null && round % 2 == 1) {
                costs.baseline().add(program.run(what, baselineSeconds));
            }
            JmhFork.Outcome outcome = fork.run(what);
            costs.sluice().add(outcome.cost());
            costs.allocated().add(outcome.bytesPerPacket());
            if (program != null && round % 2 == 0) {
                costs.baseline().add(program.run(what, baselineSeconds));
            }
            if (other != null && round % 2 == 0) {
                other.take();
            }
            run.progress("%d/%d %s, round %d/%d: %.1f ns a packet%s"
                    .formatted(
                            done,
                            total,
                            what.title(),
                            round + 1,
                            rounds,
                            outcome.cost().processorNs(),
                            program == null
                                    ? ""
                                    : String.format(
                                            Locale.ROOT,
                                            ", in C %.1f",
                                            costs.baseline().getLast().processorNs())));
        }
        if (program != null && what.scenario() != Scenario.COPY) {
            run.command(
                    BASELINE,
                    String.join(" ", program.command(what, baselineSeconds)) + " (parameters as in the results)");
        }
        return costs;
    }

    private void add(PipelineCase what, Costs costs) {
        addCosts(SLUICE, what, costs.sluice());
        addCosts(BASELINE, what, costs.baseline());
        if (what.scenario() == Scenario.COPY) {
            return;
        }
        add(SLUICE, "allocated", "bytes/packet", Better.LOWER, what, costs.allocated());
        add(SLUICE, "net cost", "ns/packet", Better.LOWER, what, net(what, false));
        if (!costs.baseline().isEmpty()) {
            add(BASELINE, "net cost", "ns/packet", Better.LOWER, what, net(what, true));
            add(SLUICE, "speed to C", "ratio", Better.HIGHER, what, speedToBaseline(what));
            add(SLUICE, "net speed to C", "ratio", Better.HIGHER, what, netSpeedToBaseline(what));
        }
    }

    private void addCosts(String subject, PipelineCase what, List<Cost> costs) {
        if (!costs.isEmpty()) {
            add(subject, "cost", "ns/packet", Better.LOWER, what, Costs.processor(costs));
            List<Double> elapsed = costs.stream().map(Cost::elapsedNs).toList();
            add(subject, "elapsed", "ns/packet", Better.LOWER, what, elapsed);
        }
    }

    private void add(
            String subject, String metric, String unit, Better better, PipelineCase what, List<Double> samples) {
        run.add(new Measurement(subject, metric, unit, better, what.parameters(), samples));
    }

    /** The cost of a case round by round without that of copying; empty when it was not measured. */
    List<Double> net(PipelineCase what, boolean ofBaseline) {
        Costs costs = measured.get(what);
        Costs copying = copies.get(what.copying());
        if (costs == null || copying == null) {
            return List.of();
        }
        List<Double> copied = Costs.processor(ofBaseline ? copying.baseline() : copying.sluice());
        List<Double> gross = Costs.processor(ofBaseline ? costs.baseline() : costs.sluice());
        List<Double> net = new ArrayList<>();
        for (int i = 0; i < gross.size(); i++) {
            net.add(gross.get(i) - median(copied));
        }
        return net;
    }

    /** Java's speed in proportion to C's, round by round, with the copying; empty when it was not measured. */
    List<Double> speedToBaseline(PipelineCase what) {
        Costs costs = measured.get(what);
        return costs == null ? List.of() : ratios(Costs.processor(costs.baseline()), Costs.processor(costs.sluice()));
    }

    /** As {@link #speedToBaseline}, without the copying. */
    List<Double> netSpeedToBaseline(PipelineCase what) {
        return ratios(net(what, true), net(what, false));
    }

    /** Packets a second of the Java datapath, delivery included, round by round; empty when it was not measured. */
    List<Double> rates(PipelineCase what) {
        Costs costs = measured.get(what);
        return costs == null
                ? List.of()
                : Costs.processor(costs.sluice()).stream().map(ns -> 1e9 / ns).toList();
    }

    /** Every case's bytes allocated a packet. */
    List<Double> allocated() {
        return measured.values().stream()
                .flatMap(costs -> costs.allocated().stream())
                .toList();
    }

    private static List<Double> ratios(List<Double> numerators, List<Double> denominators) {
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < Math.min(numerators.size(), denominators.size()); i++) {
            ratios.add(numerators.get(i) / denominators.get(i));
        }
        return ratios;
    }

    /** The middle one, or the mean of the two middle ones; NaN of none. */
    static double median(List<Double> values) {
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        if (sorted.length == 0) {
            return Double.NaN;
        }
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
