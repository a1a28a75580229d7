package dev.sluice.bench.pipeline;

import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import dev.sluice.bench.harness.Target;
import dev.sluice.bench.peer.Testpmd;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Testpmd's turns beside a case of the pipeline: what a framework in C does with packets of as many octets, looking at nothing
 * but their MAC addresses.
 */
final class TestpmdTurns implements CaseRounds.Turn {
    private final Run run;
    private final Testpmd testpmd;
    private final int mainCpu;
    private final int cpu;
    private final Duration time;
    private final Map<Testpmd.Mode, List<Testpmd.Rate>> rates = new EnumMap<>(Testpmd.Mode.class);

    /**
     * Turns that go into a run.
     *
     * @param mainCpu where its main thread waits
     * @param cpu where it forwards
     * @param time of each mode's part of a turn
     */
    TestpmdTurns(Run run, Testpmd testpmd, int mainCpu, int cpu, Duration time) {
        this.run = run;
        this.testpmd = testpmd;
        this.mainCpu = mainCpu;
        this.cpu = cpu;
        this.time = time;
        rates.put(Testpmd.Mode.MACSWAP, new ArrayList<>());
        rates.put(Testpmd.Mode.MAC, new ArrayList<>());
        rates.keySet()
                .forEach(mode -> run.command(subject(mode), String.join(" ", testpmd.nullCommand(mode, mainCpu, cpu))));
    }

    private static String subject(Testpmd.Mode mode) {
        return "testpmd-" + PipelineCase.keyword(mode);
    }

    @Override
    public void take() throws InterruptedException {
        for (Testpmd.Mode mode : List.copyOf(rates.keySet())) {
            try {
                Testpmd.Rate rate = testpmd.runNull(mode, mainCpu, cpu, time);
                rates.getOrDefault(mode, new ArrayList<>()).add(rate);
                run.progress("%s on its null device: %.1f ns a packet"
                        .formatted(subject(mode), 1e9 / rate.perProcessorSecond()));
            } catch (IOException e) {
                run.remark("without " + subject(mode) + ": " + e.getMessage());
                rates.remove(mode);
            }
        }
    }

    /**
     * Reports its rates, and what must hold.
     *
     * @param forwarded Sluice's packets a second of processor time, round by round
     */
    void report(PipelineCase what, List<Double> forwarded) {
        rates.forEach((mode, each) -> {
            add(
                    subject(mode),
                    "rate",
                    "packets/s",
                    Map.of(),
                    each.stream().map(Testpmd.Rate::perProcessorSecond).toList());
            add(
                    subject(mode),
                    "rate by the clock",
                    "packets/s",
                    Map.of(),
                    each.stream().map(Testpmd.Rate::perSecond).toList());
        });
        add(CaseRounds.SLUICE, "rate", "packets/s", what.parameters(), forwarded);
        List<Double> ratios = ratios(forwarded, rates.get(Testpmd.Mode.MACSWAP));
        if (!ratios.isEmpty()) {
            add(CaseRounds.SLUICE, "speed to testpmd macswap", "ratio", what.parameters(), ratios);
            run.add(new Target(
                    "DR, 1 k flows: Sluice to testpmd macswap in memory", CaseRounds.median(ratios), 1, true));
        }
    }

    /** Round by round; empty without testpmd's. */
    static List<Double> ratios(List<Double> forwarded, @Nullable List<Testpmd.Rate> testpmd) {
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; testpmd != null && i < Math.min(forwarded.size(), testpmd.size()); i++) {
            ratios.add(forwarded.get(i) / testpmd.get(i).perProcessorSecond());
        }
        return ratios;
    }

    private void add(String subject, String metric, String unit, Map<String, String> parameters, List<Double> samples) {
        if (!samples.isEmpty()) {
            run.add(new Measurement(subject, metric, unit, Better.HIGHER, parameters, samples));
        }
    }
}
