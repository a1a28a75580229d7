package dev.sluice.bench.net;

import dev.sluice.bench.harness.Benchmark;
import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import dev.sluice.bench.harness.Target;
import dev.sluice.service.ForwardingMethod;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bench/run start}. */
@Command(
        name = "start",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "From exec to the first forwarded packet, under a flood that has begun before.",
            "",
            "The distribution's own launcher starts a director in turn with and without the start-up cache and the warm-up. What is"
                    + " lost after \"ready\" is what sockets, director and interfaces count as dropped since then; it tells of the start"
                    + " only at a rate that the director sustains once it runs, which on a veth is far below 500,000 frames a second"
                    + " (bench/run forward measures it). The targets are those of the director as it comes: cache, and no warm-up.",
            "",
            "Needs root. Everything is in namespaces of its own, and removed at the end."
        })
public final class StartBenchmark extends Benchmark {
    private static final double FIRST_PACKET_MS = 400;
    private static final String FULL = "cache+warm-up";
    /** As the distribution comes. */
    private static final String DEFAULT = "cache";

    private static final String NO_CACHE = "-XX:AOTMode=off";
    private static final String NO_WARM_UP = "warm_up_ms = 0\n";

    @Mixin
    private NetworkOptions network = new NetworkOptions();

    @Option(
            names = "--rounds",
            defaultValue = "5",
            paramLabel = "N",
            description = "starts of each kind (${DEFAULT-VALUE})")
    private int rounds;

    @Option(
            names = "--rate",
            defaultValue = "50000",
            paramLabel = "PPS",
            description = "frames a second from before the start (${DEFAULT-VALUE})")
    private long rate;

    @Option(
            names = "--seconds",
            defaultValue = "3",
            paramLabel = "N",
            description = "how long each director is flooded after it was ready (${DEFAULT-VALUE})")
    private double seconds;

    @Option(
            names = "--kinds",
            split = ",",
            defaultValue = DEFAULT + "," + FULL + ",warm-up,neither",
            paramLabel = "KIND",
            description = "what to start with (${DEFAULT-VALUE})")
    private List<String> kinds = new ArrayList<>();

    @Option(
            names = "--warm-up-ms",
            defaultValue = "1000",
            description = "the warm-up of the kinds that have one, 1-60000 ms (${DEFAULT-VALUE})")
    private int warmUpMs;

    @Override
    protected String name() {
        return "start";
    }

    @Override
    protected void measure(Run run) throws Exception {
        Map<String, SluiceSubject> subjects = new LinkedHashMap<>();
        for (String kind : kinds) {
            subjects.put(kind, subject(kind));
        }
        Path folder = TestBed.folder();
        Map<String, List<StartTrial>> trials = new LinkedHashMap<>();
        try (TestBed bed = new TestBed(network.shape(), network.scenario(folder))) {
            // So that the interface takes what is sent before a program is attached to it, as a NIC does.
            bed.topology().director().run("ethtool", "-K", bed.topology().ingress(), "gro", "on");
            for (int round = 0; round < rounds; round++) {
                for (Map.Entry<String, SluiceSubject> subject : subjects.entrySet()) {
                    StartTrial trial = StartTrial.run(
                            bed,
                            subject.getValue(),
                            rate,
                            StartTrial.patience(network.shape().realServers()),
                            Duration.ofMillis(Math.round(seconds * 1000)));
                    run.progress(
                            "%s: ready after %.0f ms, first packet after %.0f ms, lost after ready %s, since attached %d"
                                    .formatted(
                                            subject.getKey(),
                                            trial.readyMs(),
                                            trial.firstPacketMs(),
                                            trial.lostAfterReady(),
                                            trial.lostSinceAttach()));
                    trials.computeIfAbsent(subject.getKey(), _ -> new ArrayList<>())
                            .add(trial);
                }
            }
            subjects.forEach((kind, subject) ->
                    run.command("sluice-dr " + kind, subject.command(bed.topology(), bed.scenario())));
        }
        TestBed.remove(folder);
        trials.forEach((kind, ofKind) -> report(run, kind, ofKind));
        run.remark(network.pinning());
    }

    private SluiceSubject subject(String kind) {
        String warmUp = "warm_up_ms = " + warmUpMs + "\n";
        return switch (kind) {
            case FULL -> new SluiceSubject(ForwardingMethod.DR, "", warmUp);
            case DEFAULT -> new SluiceSubject(ForwardingMethod.DR, "", NO_WARM_UP);
            case "warm-up" -> new SluiceSubject(ForwardingMethod.DR, NO_CACHE, warmUp);
            case "neither" -> new SluiceSubject(ForwardingMethod.DR, NO_CACHE, NO_WARM_UP);
            default ->
                throw new IllegalArgumentException(
                        "--kinds must be of " + FULL + ", cache, warm-up, neither; not " + kind);
        };
    }

    private void report(Run run, String kind, List<StartTrial> trials) {
        Map<String, String> parameters = network.parameters();
        parameters.put("start", kind);
        parameters.put("rate", Long.toString(rate));
        Measurement first = measurement(
                "first packet",
                "ms",
                parameters,
                trials.stream().map(StartTrial::firstPacketMs).toList());
        Measurement lost = measurement(
                "lost after ready",
                "packets",
                parameters,
                trials.stream()
                        .map(trial -> (double) Losses.sum(trial.lostAfterReady()))
                        .toList());
        run.add(first);
        run.add(measurement(
                "ready",
                "ms",
                parameters,
                trials.stream().map(StartTrial::readyMs).toList()));
        run.add(lost);
        run.add(measurement(
                "lost since attached",
                "packets",
                parameters,
                trials.stream().map(trial -> (double) trial.lostSinceAttach()).toList()));
        run.add(measurement(
                "resident",
                "MiB",
                parameters,
                trials.stream().map(trial -> trial.residentKib() / 1024.0).toList()));
        if (kind.equals(DEFAULT)) {
            run.add(new Target("start to first forwarded packet, ms", first.median(), FIRST_PACKET_MS, false));
            run.add(new Target("packets lost after ready at " + rate + "/s, worst start", lost.max(), 0, false));
        }
    }

    private static Measurement measurement(
            String metric, String unit, Map<String, String> parameters, List<Double> samples) {
        return new Measurement("sluice-dr", metric, unit, Better.LOWER, parameters, samples);
    }
}
