package dev.sluice.bench.net;

import dev.sluice.bench.harness.Benchmark;
import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import dev.sluice.bench.harness.Target;
import dev.sluice.ffi.NativeException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bench/run forward}. */
@Command(
        name = "forward",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Packets end to end: generator, subject, sink, in network namespaces joined by veths.",
            "",
            "Subjects run on the very same interfaces in turn. The saturated rate is what arrives while the generator sends"
                    + " as fast as it can. The highest rate without loss is searched by halving, as in RFC 2544 section 26.1:"
                    + " a rate passes when as many packets arrive as were sent.",
            "",
            "Needs root. Everything is in namespaces of its own, and removed at the end."
        })
public final class ForwardBenchmark extends Benchmark {
    private static final List<String> ALL = List.of(
            "c-loop",
            "c-loop-mac",
            "testpmd",
            "sluice-dr",
            "sluice-tun",
            "kernel-forwarding",
            "ipvs-dr",
            "ipvs-tun",
            "xdp-tx");

    /** Where the search begins: overload may cost a subject rate, so that it is above the saturated one without loss. */
    private static final double ABOVE = 1.25;

    @Mixin
    private NetworkOptions network = new NetworkOptions();

    @Mixin
    private SubjectOptions turns = new SubjectOptions(ALL, 5, 5);

    @Option(
            names = "--search",
            split = ",",
            defaultValue = "sluice-dr,c-loop",
            paramLabel = "NAME",
            description = "for whom the highest rate without loss is searched; none for nobody (${DEFAULT-VALUE})")
    private List<String> search = List.of();

    @Option(
            names = "--rate",
            defaultValue = "0",
            paramLabel = "PPS",
            description = "frames a second in place of as many as the generator can, 0 (${DEFAULT-VALUE})")
    private long rate;

    @Option(
            names = "--trial-seconds",
            defaultValue = "2",
            paramLabel = "S",
            description = "length of a trial of the search; RFC 2544 asks for 60 (${DEFAULT-VALUE})")
    private double trialSeconds;

    @Option(
            names = "--resolution",
            defaultValue = "0.01",
            paramLabel = "SHARE",
            description = "of the search, as a share of the saturated rate (${DEFAULT-VALUE})")
    private double resolution;

    @Option(
            names = "--tolerated-loss",
            defaultValue = "0",
            paramLabel = "SHARE",
            description = "share of packets that a trial may lose (${DEFAULT-VALUE})")
    private double toleratedLoss;

    @Option(
            names = "--attempts",
            defaultValue = "1",
            paramLabel = "N",
            description = "trials of a rate before it counts as lossy (${DEFAULT-VALUE})")
    private int attempts;

    /** What one subject showed over all rounds. */
    private static final class Found {
        final List<Double> rates = new ArrayList<>();
        final List<Double> losses = new ArrayList<>();
        final List<Double> lossless = new ArrayList<>();
        final List<Double> offeredLosses = new ArrayList<>();
        final Map<Integer, List<Double>> queues = new TreeMap<>();
        String busy = "";

        double median() {
            return new Measurement("", "", "", Better.HIGHER, Map.of(), rates).median();
        }
    }

    @Override
    protected String name() {
        return "forward";
    }

    @Override
    protected void measure(Run run) throws Exception {
        turns.check();
        if (!(trialSeconds > 0)) {
            throw new IllegalArgumentException("--trial-seconds must be above 0, not " + trialSeconds);
        }
        Path folder = TestBed.folder();
        Scenario scenario = network.scenario(folder);
        List<Subject> present = turns.present(run, network.shape(), scenario, "");
        try (TestBed bed = new TestBed(network.shape(), scenario)) {
            network.choose(bed.flood());
            run.remark(network.pinning());
            run.command("generator", bed.flood().command());
            Map<Subject, Found> found = rounds(run, bed, present);
            report(run, found);
        }
        if (run.measurements().isEmpty()) {
            throw new IllegalStateException("nothing could be measured; logs are in " + folder);
        }
        if (run.remarks().stream().noneMatch(remark -> remark.startsWith("FAILED"))) {
            TestBed.remove(folder);
        }
    }

    private Map<Subject, Found> rounds(Run run, TestBed bed, List<Subject> present) throws Exception {
        Map<Subject, Found> found = new LinkedHashMap<>();
        for (Subject subject : present) {
            found.put(subject, new Found());
            run.command(subject.name(), subject.command(bed.topology(), bed.scenario()));
        }
        for (int round = 1; round <= turns.rounds(); round++) {
            for (Subject subject : present) {
                Found own = found.getOrDefault(subject, new Found());
                String turn = "round " + round + " of " + turns.rounds();
                try {
                    bed.with(subject, _ -> {
                        saturate(run, bed, subject, own, turn);
                        searchLoss(run, bed, subject, own);
                        offer(run, bed, subject, own, found);
                        return own;
                    });
                } catch (IllegalStateException | NativeException e) {
                    // The others are measured none the less.
                    run.remark("FAILED in " + turn + ": " + e.getMessage());
                }
            }
        }
        return found;
    }

    private void saturate(Run run, TestBed bed, Subject subject, Found own, String turn) {
        bed.warmUp(turns.warmUp(), rate);
        Map<Integer, Long> before = queues(subject, bed);
        Trial trial = bed.trial(turns.seconds(), rate);
        queues(subject, bed)
                .forEach((queue, packets) -> own.queues
                        .computeIfAbsent(queue, _ -> new ArrayList<>())
                        .add((packets - before.getOrDefault(queue, 0L)) / trial.seconds()));
        own.rates.add(trial.receivedPerSecond());
        own.losses.add(100 * trial.lost());
        own.busy = trial.busy().text();
        run.progress(String.format(
                Locale.ROOT,
                "%s, %s: %.0f packets/s of %.0f sent (%s)",
                turn,
                subject.name(),
                trial.receivedPerSecond(),
                trial.sent() / trial.seconds(),
                trial.busy().text()));
    }

    /** Packets that each of the director's workers has received, where there are several; of others nobody knows. */
    private static Map<Integer, Long> queues(Subject subject, TestBed bed) {
        if (!(subject instanceof SluiceSubject director)
                || bed.topology().shape().queues() == 1) {
            return Map.of();
        }
        Map<Integer, Long> received = new TreeMap<>();
        Losses.now(director.socket(bed.scenario()), bed.topology())
                .stats()
                .workers()
                .forEach(
                        worker -> received.put(worker.queue(), worker.counters().getOrDefault("rx_packets", 0L)));
        return received;
    }

    private void searchLoss(Run run, TestBed bed, Subject subject, Found own) {
        if (!search.contains(subject.name())) {
            return;
        }
        LossSearch rules = new LossSearch(resolution, toleratedLoss, attempts);
        LossSearch.Result result =
                rules.search(Math.round(ABOVE * own.rates.getLast()), perSecond -> bed.trial(trialSeconds, perSecond));
        own.lossless.add((double) result.perSecond());
        run.progress(String.format(
                Locale.ROOT,
                "%s without loss: %d packets/s (%d trials)",
                subject.name(),
                result.perSecond(),
                result.trials().size()));
    }

    /** The director at nine tenths of what the loop in C forwarded in the rounds so far. */
    private void offer(Run run, TestBed bed, Subject subject, Found own, Map<Subject, Found> found) {
        if (!subject.name().equals("sluice-dr") && !subject.name().equals("c-loop")) {
            return;
        }
        for (Map.Entry<Subject, Found> other : found.entrySet()) {
            if (other.getKey().name().equals("c-loop")
                    && !other.getValue().rates.isEmpty()) {
                long offered = Math.round(0.9 * other.getValue().median());
                Trial trial = bed.trial(turns.seconds(), offered);
                own.offeredLosses.add(100 * trial.lost());
                run.progress(String.format(
                        Locale.ROOT,
                        "%s at 90 %% of c-loop, %d packets/s: %d of %d lost",
                        subject.name(),
                        offered,
                        trial.sent() - trial.received(),
                        trial.sent()));
            }
        }
    }

    private void report(Run run, Map<Subject, Found> found) {
        Map<String, Double> rates = new TreeMap<>();
        Map<String, String> parameters = network.parameters();
        found.forEach((subject, own) -> {
            String name = subject.name();
            if (own.rates.isEmpty()) {
                return;
            }
            rates.put(name, own.median());
            run.add(new Measurement(name, "rate", "packets/s", Better.HIGHER, parameters, own.rates));
            run.add(new Measurement(name, "lost", "%", Better.NEITHER, parameters, own.losses));
            own.queues.forEach((queue, received) -> {
                Map<String, String> which = new TreeMap<>(parameters);
                which.put("queue", Integer.toString(queue));
                run.add(new Measurement(name, "queue in", "packets/s", Better.NEITHER, which, received));
            });
            if (!own.lossless.isEmpty()) {
                run.add(new Measurement(
                        name, "rate without loss", "packets/s", Better.HIGHER, parameters, own.lossless));
            }
            if (!own.offeredLosses.isEmpty()) {
                run.add(new Measurement(
                        name, "lost at 90 % of c-loop", "%", Better.LOWER, parameters, own.offeredLosses));
            }
            run.remark(name + ", last round: " + own.busy);
        });
        Double director = rates.get("sluice-dr");
        if (director == null || rate != 0) {
            return;
        }
        Double testpmd = rates.get("testpmd");
        if (testpmd != null) {
            run.add(new Target("forward, saturated: sluice-dr to testpmd", director / testpmd, 1.0, true));
        }
        Double loop = rates.get("c-loop");
        if (loop != null) {
            run.add(new Target("forward, saturated: sluice-dr to c-loop", director / loop, 0.97, true));
        }
        found.forEach((subject, own) -> {
            if (subject.name().equals("sluice-dr") && !own.offeredLosses.isEmpty()) {
                double lost = new Measurement("", "", "", Better.LOWER, parameters, own.offeredLosses).median();
                run.add(new Target("forward: % lost by sluice-dr at 90 % of c-loop's rate", lost, 0, false));
            }
        });
    }
}
