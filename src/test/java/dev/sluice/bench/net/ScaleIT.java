package dev.sluice.bench.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Run;
import dev.sluice.bench.harness.Target;
import dev.sluice.bench.peer.ApacheBench;
import dev.sluice.testing.NetworkNamespace;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Real connections, and what a director costs by what it holds: that it is measured, not how much it is. */
class ScaleIT {
    private static Run run(String name) {
        return new Run(name, new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8));
    }

    private static double median(Run run, String subject, String metric) {
        return run.measurements().stream()
                .filter(each -> each.subject().equals(subject) && each.metric().equals(metric))
                .findFirst()
                .orElseThrow(() -> new AssertionError(subject + ", " + metric + ": " + run.remarks()))
                .median();
    }

    /** Switches of real connections, which no other benchmark has: others may run beside this test. */
    private static String switches() {
        return NetworkNamespace.runHere("sh", "-c", "ip netns list | grep -c '^sluice-bench-wire' || true");
    }

    @Test
    void real_connections_reach_real_servers_straight_and_through_the_director() throws Exception {
        Assumptions.assumeTrue(ApacheBench.missing().isEmpty(), "ab is not installed: bench/run setup peers");
        String before = switches();
        ConnectionsBenchmark benchmark = new ConnectionsBenchmark();
        new CommandLine(benchmark).parseArgs("--kinds=tcp", "--rounds=1", "--seconds=1", "--warm-up=0");
        Run run = run("connections");
        benchmark.measure(run);
        for (String subject : List.of("direct", "sluice-dr")) {
            assertTrue(median(run, subject, "real connections") > 0);
            assertEquals(0, median(run, subject, "failed connections"));
            assertTrue(median(run, subject, "request p99") >= median(run, subject, "request p50"));
        }
        assertTrue(median(run, "sluice-dr", "flows entered a connection") > 0.5);
        assertTrue(run.commands().containsKey("sluice-dr tcp"));
        assertEquals(before, switches());
    }

    @Test
    void a_start_with_more_services_and_the_memory_are_measured() throws Exception {
        Run run = run("scale");
        DirectorScale scale = new DirectorScale(run, 1, 0, 1);
        assertTrue(scale.missing().isEmpty());
        scale.start(List.of(new DirectorScale.Size(3, 5)));
        scale.memoryByTable(List.of(1 << 16));
        assertTrue(median(run, "sluice-dr", "first packet") > 0);
        assertTrue(median(run, "sluice-dr", "memory: resident") > 0);
        assertTrue(median(run, "sluice-dr", "flows held") > 0);
        assertTrue(median(run, "sluice-dr", "memory with flows: resident") > 0);
    }

    @Test
    void several_queues_are_given_packets() throws Exception {
        Run run = run("scale");
        new QueueScale(run, 1, 1, 0, 1).measure(List.of(2));
        assertTrue(median(run, "sluice-dr", "rate") > 0);
        assertTrue(median(run, "sluice-dr", "share of the busiest worker") < 100);
    }

    @Test
    void tables_are_built_off_the_worker() throws Exception {
        Run run = run("maglev");
        RebuildTrial.measure(run, 65537, 50, 3, 0, 1);
        List<Target> targets = run.targets();
        assertEquals(1, targets.size());
        assertTrue(targets.getFirst().isMet(), targets::toString);
        List<Measurement> changes = run.measurements().stream()
                .filter(each -> each.metric().startsWith("change of a weight"))
                .toList();
        assertEquals(3, changes.getFirst().samples().size());
    }
}
