package dev.sluice.bench.net;

import dev.sluice.bench.harness.Benchmark;
import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import dev.sluice.bench.harness.Target;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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
                    + "without everybody who looks.",
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

    private void inTurn(Run run, TestBed bed, SluiceSubject subject) throws IOException {
        for (Observer observer : observers) {
            run.command(observer.name().toLowerCase(Locale.ROOT), String.join(" ", command(observer, bed, subject)));
        }
        bed.warmUp(seconds, 0);
        // A director that has been looked at before: what is compiled for it then is.
        for (int i = 0; i < WARM_UPS; i++) {
            var _ = trial(bed, subject, true);
        }
        List<Double> alone = new ArrayList<>();
        List<Double> observed = new ArrayList<>();
        List<Double> ratios = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            // By turns who is first, so that what drifts over a pair falls on both alike.
            double first = trial(bed, subject, round % 2 == 1);
            double second = trial(bed, subject, round % 2 == 0);
            double unseen = round % 2 == 1 ? second : first;
            double seen = round % 2 == 1 ? first : second;
            alone.add(unseen);
            observed.add(seen);
            ratios.add(seen / unseen);
            run.progress(
                    "round %d: %.0f packets/s, observed %.0f, %.4f".formatted(round + 1, unseen, seen, seen / unseen));
        }
        Map<String, String> parameters = network.parameters();
        run.add(new Measurement("sluice-dr", "rate", "packets/s", Better.HIGHER, parameters, alone));
        run.add(new Measurement("sluice-dr-observed", "rate", "packets/s", Better.HIGHER, parameters, observed));
        Measurement paired =
                new Measurement("sluice-dr-observed", "rate to unobserved", "ratio", Better.HIGHER, parameters, ratios);
        run.add(paired);
        run.add(new Target("rate observed to unobserved, median of pairs", paired.median(), 0.98, true));
    }

    private double trial(TestBed bed, SluiceSubject subject, boolean observed) throws IOException {
        List<SubjectProcess> looking = new ArrayList<>();
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
            double rate = bed.trial(seconds, 0).receivedPerSecond();
            looking.forEach(SubjectProcess::check);
            return rate;
        } finally {
            looking.forEach(bed::close);
        }
    }

    private static List<String> command(Observer observer, TestBed bed, SluiceSubject subject) {
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
