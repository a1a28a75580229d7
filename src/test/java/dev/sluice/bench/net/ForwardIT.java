package dev.sluice.bench.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Run;
import dev.sluice.testing.NetworkNamespace;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The end-to-end benchmarks for a second each: that they measure, not how fast anything is. */
class ForwardIT {
    private static Run run(ForwardBenchmark benchmark, String... arguments) throws Exception {
        new CommandLine(benchmark).setCaseInsensitiveEnumValuesAllowed(true).parseArgs(arguments);
        Run run = new Run("forward", new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8));
        benchmark.measure(run);
        return run;
    }

    private static void assertMeasured(Run run, String subject) {
        Measurement rate = run.measurements().stream()
                .filter(each -> each.subject().equals(subject) && each.metric().equals("rate"))
                .findFirst()
                .orElseThrow(() -> new AssertionError(subject + " was not measured: " + run.remarks()));
        assertTrue(rate.median() > 0, rate::toString);
        assertTrue(run.commands().containsKey(subject));
    }

    private static String namespaces() {
        return NetworkNamespace.runHere("sh", "-c", "ip netns list | grep -c '^sluice-bench' || true");
    }

    @Test
    void subjects_take_turns_on_the_same_interfaces() throws Exception {
        String before = namespaces();
        Run run = run(
                new ForwardBenchmark(),
                "--rounds=1",
                "--seconds=1",
                "--warm-up=0.5",
                "--search=none",
                "--subjects=sluice-dr,sluice-tun,c-loop,c-loop-mac,testpmd,kernel-forwarding,xdp-tx");
        for (String subject : new String[] {"sluice-dr", "sluice-tun", "c-loop", "kernel-forwarding", "xdp-tx"}) {
            assertMeasured(run, subject);
        }
        assertNothingFailed(run);
        assertEquals(before, namespaces());
    }

    @Test
    void inet6_out_of_another_interface() throws Exception {
        Run run = run(
                new ForwardBenchmark(),
                "--rounds=1",
                "--seconds=1",
                "--warm-up=0.5",
                "--family=6",
                "--arms=2",
                "--zipf=1",
                "--protocol=tcp",
                "--size=128",
                "--trial-seconds=0.3",
                "--resolution=0.4",
                "--search=c-loop",
                "--subjects=sluice-dr,c-loop,kernel-forwarding,xdp-tx");
        for (String subject : new String[] {"sluice-dr", "c-loop", "kernel-forwarding", "xdp-tx"}) {
            assertMeasured(run, subject);
        }
        assertTrue(run.measurements().stream().anyMatch(each -> each.metric().equals("rate without loss")));
    }

    @Test
    void several_queues_have_a_stream_and_a_worker_each() throws Exception {
        Run run = run(
                new ForwardBenchmark(),
                "--rounds=1",
                "--seconds=1",
                "--warm-up=0.5",
                "--queues=2",
                "--search=none",
                "--subjects=c-loop,sluice-dr,testpmd,kernel-forwarding,xdp-tx");
        for (String subject : new String[] {"sluice-dr", "kernel-forwarding", "xdp-tx"}) {
            assertMeasured(run, subject);
        }
        assertTrue(
                run.remarks().stream().anyMatch(remark -> remark.startsWith("c-loop is left out: it has one socket")),
                () -> run.remarks().toString());
        List<Measurement> queues = run.measurements().stream()
                .filter(each -> each.metric().equals("queue in"))
                .toList();
        assertEquals(2, queues.size());
        queues.forEach(queue -> assertTrue(queue.median() > 0, queue::toString));
        assertNothingFailed(run);
    }

    @Test
    void trafgen_sends_everything_mixed_and_the_subject_receives() throws Exception {
        Run run = run(
                new ForwardBenchmark(),
                "--rounds=1",
                "--seconds=1",
                "--warm-up=0.5",
                "--receive=subject",
                "--arms=2",
                "--generator=trafgen",
                "--rate=20000",
                "--family=4,6",
                "--protocols=udp,tcp",
                "--sizes=imix",
                "--search=none",
                "--subjects=c-loop,c-loop-mac,sluice-dr,sluice-tun,testpmd,kernel-forwarding,xdp-tx");
        for (String subject : new String[] {"c-loop-mac", "sluice-dr", "sluice-tun", "kernel-forwarding", "xdp-tx"}) {
            assertMeasured(run, subject);
        }
        assertTrue(
                run.remarks().stream().anyMatch(remark -> remark.startsWith("c-loop is left out: it has one VIP")),
                () -> run.remarks().toString());
        assertTrue(String.valueOf(run.commands().get("generator")).contains("trafgen --dev gen"));
        assertNothingFailed(run);
    }

    private static void assertNothingFailed(Run run) {
        assertTrue(
                run.remarks().stream().noneMatch(remark -> remark.startsWith("FAILED")),
                () -> run.remarks().toString());
    }

    @Test
    void delays_are_counted() throws Exception {
        LatencyBenchmark benchmark = new LatencyBenchmark();
        new CommandLine(benchmark).parseArgs("--rounds=1", "--seconds=1", "--warm-up=0.3", "--base=4000", "--loads=50");
        Run run = new Run("latency", new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8));
        benchmark.measure(run);
        assertEquals(2, run.latencies().size());
        run.latencies()
                .forEach(latency -> assertTrue(latency.histogram().getTotalCount() > 0
                        && latency.histogram().getMinValue() > 0));
        assertEquals(2, run.targets().size());
    }

    @Test
    void a_subject_that_there_is_not_is_named() {
        IllegalArgumentException refused = assertThrows(
                IllegalArgumentException.class, () -> run(new ForwardBenchmark(), "--subjects=sluice-nat"));
        assertTrue(
                String.valueOf(refused.getMessage()).startsWith("no subject \"sluice-nat\"; there are c-loop, "),
                refused::getMessage);
    }
}
