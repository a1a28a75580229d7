package dev.sluice.bench.net;

import dev.sluice.bench.LiveFrames;
import dev.sluice.bench.harness.Benchmark;
import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import dev.sluice.bench.harness.Target;
import dev.sluice.service.ForwardingMethod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bench/run soak}. */
@Command(
        name = "soak",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "A director at a steady rate for minutes: what it loses, allocates, and for how long it is held up.",
            "",
            "Without --rate at half of what it forwards when it is flooded, measured before.",
            "",
            "Needs root. Everything is in namespaces of its own, and removed at the end."
        })
public final class SoakBenchmark extends Benchmark {
    private static final double SETTLE_S = 5;

    @Mixin
    private NetworkOptions network = new NetworkOptions();

    @Option(names = "--minutes", defaultValue = "10", paramLabel = "N", description = "how long (${DEFAULT-VALUE})")
    private double minutes;

    @Option(
            names = "--rate",
            defaultValue = "0",
            paramLabel = "PPS",
            description = "frames a second, 0 for half of the saturated rate (${DEFAULT-VALUE})")
    private long rate;

    @Option(
            names = "--stall-ms",
            defaultValue = "10",
            paramLabel = "MS",
            description = "the longest duty cycle that is no miss (${DEFAULT-VALUE})")
    private double stallMs;

    @Override
    protected String name() {
        return "soak";
    }

    @Override
    protected void measure(Run run) throws Exception {
        Path folder = TestBed.folder();
        Path gcLog = folder.resolve("gc.log");
        SluiceSubject subject =
                new SluiceSubject(ForwardingMethod.DR, "-Xlog:gc*,safepoint:file=" + gcLog + ":uptime,tags");
        try (TestBed bed = new TestBed(network.shape(), network.scenario(folder))) {
            network.choose(bed.flood());
            run.command("sluice-dr", subject.command(bed.topology(), bed.scenario()));
            var _ = bed.with(subject, _ -> {
                soak(run, bed, subject, gcLog);
                return 0;
            });
        }
        TestBed.remove(folder);
        run.remark(network.pinning());
    }

    private void soak(Run run, TestBed bed, SluiceSubject subject, Path gcLog) throws IOException {
        long soaked = rate;
        if (soaked == 0) {
            bed.warmUp(SETTLE_S, 0);
            soaked = Math.round(bed.trial(SETTLE_S, 0).receivedPerSecond() / 2);
            run.progress("half of the saturated rate: %d packets/s".formatted(soaked));
        }
        bed.warmUp(SETTLE_S, soaked);
        Pause.ms(200);
        Path socket = subject.socket(bed.scenario());
        Losses before = Losses.now(socket, bed.topology());
        long pausesBefore = pauses(gcLog);
        long sentBefore = bed.flood().sent();
        long arrivedBefore = bed.sink().counts().packets();
        long endNs = System.nanoTime() + Math.round(minutes * 60e9);
        Future<LiveFrames.Report> flooding =
                bed.flood().start(Duration.ofMillis(Math.round(minutes * 60_000)), LiveFrames.Pace.of(soaked));
        while (System.nanoTime() < endNs && !flooding.isDone()) {
            Pause.ms(Math.min(30_000, Math.max(1, (endNs - System.nanoTime()) / 1_000_000)));
            run.progress("%d packets sent, %d arrived"
                    .formatted(
                            bed.flood().sent() - sentBefore, bed.sink().counts().packets() - arrivedBefore));
        }
        var _ = Flood.await(flooding);
        Pause.ms(200);
        // Before the director is asked: what it answers is allocated.
        long pausesAfter = pauses(gcLog);
        Losses after = Losses.now(socket, bed.topology());
        report(
                run,
                soaked,
                before,
                after,
                pausesAfter - pausesBefore,
                bed.flood().sent() - sentBefore,
                bed.sink().counts().packets() - arrivedBefore);
    }

    private void report(Run run, long soaked, Losses before, Losses after, long pauses, long sent, long arrived) {
        Map<String, String> parameters = network.parameters();
        parameters.put("rate", Long.toString(soaked));
        parameters.put("minutes", Double.toString(minutes));
        double allocated = (double) (after.worker("allocated_bytes") - before.worker("allocated_bytes"));
        double lost = (double) (sent - arrived);
        double longestMs = after.worker("longest_cycle_ns") / 1e6;
        add(run, "packets", "packets", Better.NEITHER, parameters, (double) sent);
        add(run, "lost", "packets", Better.LOWER, parameters, lost);
        add(run, "allocated", "bytes/packet", Better.LOWER, parameters, allocated / (double) Math.max(sent, 1));
        add(run, "collections", "pauses", Better.LOWER, parameters, (double) pauses);
        add(run, "longest cycle", "ms", Better.LOWER, parameters, longestMs);
        add(run, "stalls", "cycles", Better.LOWER, parameters, (double)
                (after.worker("stalls") - before.worker("stalls")));
        run.add(new Target("packets lost", lost, 0, false));
        run.add(new Target("bytes allocated a packet", allocated / (double) Math.max(sent, 1), 0, false));
        run.add(new Target("garbage collections", (double) pauses, 0, false));
        run.add(new Target("longest duty cycle since the start, ms", longestMs, stallMs, false));
        Map<String, Long> causes = after.since(before);
        if (!causes.isEmpty()) {
            run.remark("Dropped during the soak, by cause: " + causes + ".");
        }
    }

    private static void add(
            Run run, String metric, String unit, Better better, Map<String, String> parameters, double value) {
        run.add(new Measurement("sluice-dr", metric, unit, better, parameters, List.of(value)));
    }

    /** Collections that the director's JVM has logged. */
    private static long pauses(Path gcLog) throws IOException {
        return Files.readAllLines(gcLog).stream()
                .filter(line -> line.contains("[gc") && line.contains("Pause"))
                .filter(line -> line.contains("->"))
                .count();
    }
}
