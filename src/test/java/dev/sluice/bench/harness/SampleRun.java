package dev.sluice.bench.harness;

import dev.sluice.bench.harness.Measurement.Better;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/** A small run with something of every kind, markup in names included. */
final class SampleRun {
    static final String SUBJECT = "sluice <dr> & \"co\"";

    private SampleRun() {}

    static Run run() {
        Run run = new Run("sample", new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
        run.command(SUBJECT, "sluice run --config '<file>'");
        run.add(cost(SUBJECT, 1000, 30, 10, 20));
        run.add(cost(SUBJECT, 100_000, 50, 40));
        run.add(cost("c", 1000, 15));
        run.add(cost("c", 100_000, 35));
        run.add(new Measurement("c", "rate", "packets/s", Better.HIGHER, Map.of(), List.of(1.5e6, 1.6e6, 1.4e6)));
        run.add(new Latency(SUBJECT, Map.of("load", "50 %"), histogram()));
        run.add(new Target("Java to C", 0.95, 0.9, true));
        run.add(new Target("bytes a packet", 3, 0, false));
        run.remark("without <DPDK>: not installed");
        return run;
    }

    static Measurement cost(String subject, int flows, double... samples) {
        return new Measurement(
                subject,
                "cost",
                "ns/packet",
                Better.LOWER,
                Map.of("flows", Integer.toString(flows), "method", "dr"),
                Arrays.stream(samples).boxed().toList());
    }

    /** 1 to 100,000 µs, once each. */
    static Histogram histogram() {
        Histogram histogram = new Histogram(3);
        for (int i = 1; i <= 100_000; i++) {
            histogram.recordValue(i * 1000L);
        }
        return histogram;
    }

    static Facts facts(String kernel) {
        return new Facts(
                Map.of("commit", "0123456789abcdef0123", "tree", "clean"),
                Map.of("kernel", kernel, "processor", "An <EPYC>"),
                Map.of("eth0", "virtual, 1 RX and 1 TX queues, MTU 1500"),
                Map.of("version", "25"));
    }

    static Results results() {
        return Results.of(run(), "", List.of("sample", "--quick"), Map.of("--rounds", "3"), facts("6.12"));
    }
}
