package dev.sluice.bench.net;

import dev.sluice.bench.harness.Benchmark;
import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import dev.sluice.bench.harness.Target;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.WorkerStats;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bench/run observe}. */
@Command(
        name = "observe",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "What it costs a director under full load to be looked at: one director, one flood, trials in turn with and "
                    + "without everybody who looks. Who looks runs on the generator's CPU, and so do the director's threads that "
                    + "answer: where that CPU is what bounds the rate, they take from the generator. So what counts is how many "
                    + "packets a worker forwards in a second of its own time, that is while it has packets.",
            "",
            "Needs root. Everything is in namespaces of its own, and removed at the end."
        })
public final class ObserveBenchmark extends Benchmark {
    private static final int HTTP_PORT = 9188;
    private static final int START_MS = 2_000;
    private static final int WARM_UPS = 2;

    @Mixin
    private NetworkOptions network = new NetworkOptions();

    @Option(
            names = "--observers",
            split = ",",
            defaultValue = "capture,trace,metrics,page",
            paramLabel = "NAME",
            description =
                    "who looks: capture (sluice capture, one of a thousand packets), trace (sluice trace, waiting for a client "
                            + "that does not come), metrics (a scrape a second), page (the stats page's reading a second) (${DEFAULT-VALUE})")
    private List<Observer> observers = List.of();

    @Option(
            names = "--rounds",
            defaultValue = "10",
            paramLabel = "N",
            description = "pairs of trials (${DEFAULT-VALUE})")
    private int rounds;

    @Option(
            names = "--seconds",
            defaultValue = "5",
            paramLabel = "S",
            description = "length of a trial (${DEFAULT-VALUE})")
    private double seconds;

    @Option(
            names = "--rate",
            defaultValue = "0",
            paramLabel = "PPS",
            description = "packets that are offered a second, 0 for as many as the generator makes (${DEFAULT-VALUE})")
    private long rate;

    /** Who can look. */
    enum Observer {
        CAPTURE,
        TRACE,
        METRICS,
        PAGE
    }

    @Override
    protected String name() {
        return "observe";
    }

    @Override
    protected void measure(Run run) throws Exception {
        Path folder = TestBed.folder();
        SluiceSubject subject = new SluiceSubject(
                ForwardingMethod.DR, "", "\n[director.http]\nlisten = \"127.0.0.1:" + HTTP_PORT + "\"\n");
        try (TestBed bed = new TestBed(network.shape(), network.scenario(folder))) {
            network.choose(bed.flood());
            run.command("sluice-dr", subject.command(bed.topology(), bed.scenario()));
            var _ = bed.with(subject, _ -> {
                inTurn(run, bed, subject);
                return 0;
            });
        }
        TestBed.remove(folder);
        run.remark(network.pinning());
    }

    private void inTurn(Run run, TestBed bed, SluiceSubject subject) throws IOException, AdminException {
        for (Observer observer : observers) {
            run.command(observer.name().toLowerCase(Locale.ROOT), String.join(" ", command(observer, bed, subject)));
        }
        bed.warmUp(seconds, 0);
        // A director that has been looked at before: what is compiled for it then is.
        for (int i = 0; i < WARM_UPS; i++) {
            var _ = trial(bed, subject, true);
        }
        List<Seen> alone = new ArrayList<>();
        List<Seen> observed = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            // By turns who is first, so that what drifts over a pair falls on both alike.
            Seen first = trial(bed, subject, round % 2 == 1);
            Seen second = trial(bed, subject, round % 2 == 0);
            Seen unseen = round % 2 == 1 ? second : first;
            Seen seen = round % 2 == 1 ? first : second;
            alone.add(unseen);
            observed.add(seen);
            run.progress(
                    "round %d: %.0f packets in a worker's second, observed %.0f, %.4f; received %.0f/s, %.0f/s, %.4f"
                            .formatted(
                                    round + 1,
                                    unseen.perBusySecond,
                                    seen.perBusySecond,
                                    seen.perBusySecond / unseen.perBusySecond,
                                    unseen.rate,
                                    seen.rate,
                                    seen.rate / unseen.rate));
        }
        var _ = compare(run, "rate", Seen::rate, alone, observed);
        Measurement paired = compare(run, "packets in a worker's second", Seen::perBusySecond, alone, observed);
        run.add(new Target(
                "packets in a worker's second, observed to unobserved, median of pairs", paired.median(), 0.98, true));
    }

    private Measurement compare(
            Run run, String metric, ToDoubleFunction<Seen> value, List<Seen> alone, List<Seen> observed) {
        Map<String, String> parameters = network.parameters();
        run.add(new Measurement("sluice-dr", metric, "packets/s", Better.HIGHER, parameters, values(alone, value)));
        run.add(new Measurement(
                "sluice-dr-observed", metric, "packets/s", Better.HIGHER, parameters, values(observed, value)));
        Measurement paired = new Measurement(
                "sluice-dr-observed",
                metric + " to unobserved",
                "ratio",
                Better.HIGHER,
                parameters,
                IntStream.range(0, alone.size())
                        .mapToObj(i -> value.applyAsDouble(observed.get(i)) / value.applyAsDouble(alone.get(i)))
                        .toList());
        run.add(paired);
        return paired;
    }

    private static List<Double> values(List<Seen> trials, ToDoubleFunction<Seen> value) {
        return trials.stream().map(value::applyAsDouble).toList();
    }

    /**
     * What came of a trial.
     *
     * @param rate packets a second at the sink
     * @param perBusySecond packets that a worker took in a second of duty cycles that found some
     */
    private record Seen(double rate, double perBusySecond) {}

    /** What workers had done at a moment. */
    private record Work(long packets, long busyNs) {
        static Work now(AdminClient director) throws AdminException {
            long packets = 0;
            long busyNs = 0;
            for (WorkerStats worker : director.ask("stats", DirectorStats.class).workers()) {
                packets += worker.counters().getOrDefault("rx_packets", 0L);
                busyNs += worker.counters().getOrDefault("busy_ns", 0L);
            }
            return new Work(packets, busyNs);
        }
    }

    private Seen trial(TestBed bed, SluiceSubject subject, boolean observed) throws IOException, AdminException {
        List<SubjectProcess> looking = new ArrayList<>();
        AdminClient director = new AdminClient(subject.socket(bed.scenario()));
        try {
            if (observed) {
                for (Observer observer : observers) {
                    looking.add(bed.keep(SubjectProcess.start(
                            observer.name(),
                            bed.topology().director(),
                            bed.scenario().folder().resolve(observer.name() + ".log"),
                            Map.of(),
                            command(observer, bed, subject))));
                }
                Pause.ms(START_MS);
            }
            Work before = Work.now(director);
            double received = bed.trial(seconds, rate).receivedPerSecond();
            Work after = Work.now(director);
            looking.forEach(SubjectProcess::check);
            return new Seen(received, (after.packets - before.packets) * 1e9 / (after.busyNs - before.busyNs));
        } finally {
            looking.forEach(bed::close);
        }
    }

    /** On the generator's processor: whoever looks is on another machine, or on a processor that the director's host has left for such. */
    private static List<String> command(Observer observer, TestBed bed, SluiceSubject subject) {
        List<String> command = new ArrayList<>(List.of(
                "taskset",
                "-c",
                bed.scenario().generatorCpus().stream().map(String::valueOf).collect(Collectors.joining(","))));
        command.addAll(looking(observer, bed, subject));
        return command;
    }

    private static List<String> looking(Observer observer, TestBed bed, SluiceSubject subject) {
        String sluice = SluiceSubject.launcher().toString();
        String socket = subject.socket(bed.scenario()).toString();
        IpAddress vip = bed.topology().vips().getFirst();
        return switch (observer) {
            case CAPTURE -> List.of(sluice, "capture", "--socket", socket, "--sample", "1000", "-w", "/dev/null");
            case TRACE ->
                List.of(
                        sluice,
                        "trace",
                        "--socket",
                        socket,
                        "--client",
                        "203.0.113.77",
                        "--vip",
                        vip + ":" + bed.scenario().port(),
                        "--protocol",
                        bed.scenario().protocols().getFirst().name().toLowerCase(Locale.ROOT),
                        "--timeout",
                        "600");
            case METRICS -> eachSecond("/metrics");
            case PAGE -> eachSecond("/api/state");
        };
    }

    private static List<String> eachSecond(String path) {
        return List.of(
                "sh",
                "-c",
                "while curl -fsS -m 5 -o /dev/null http://127.0.0.1:" + HTTP_PORT + path
                        + "; do sleep 1; done; exit 1");
    }
}
