package dev.sluice.bench.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Run;
import dev.sluice.testing.NetworkNamespace;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** {@code bench/run line-rate} for a second each on a veth, which is no NIC: that it measures, not how fast anything is. */
class LineRateIT {
    private final NetworkNamespace generator = NetworkNamespace.create("sluice-gen");
    private final NetworkNamespace director = NetworkNamespace.create("sluice-dir");

    @BeforeEach
    void join() {
        generator.veth("gen", director, "eth1");
        // Packets come back here, and a veth takes them from AF_XDP only with NAPI.
        generator.run("ethtool", "-K", "gen", "gro", "on");
    }

    @AfterEach
    void leave() {
        generator.close();
        director.close();
    }

    private Run run(String... options) throws Exception {
        return runOn("eth1", options);
    }

    private Run runOn(String interfaceName, String... options) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(
                "--interface=" + interfaceName,
                "--netns=" + director.name(),
                "--generator-interface=gen",
                "--generator-netns=" + generator.name(),
                "--seconds=1",
                "--warm-up=0.5",
                "--cpus=none",
                "--idle=adaptive"));
        arguments.addAll(List.of(options));
        LineRateBenchmark benchmark = new LineRateBenchmark();
        new CommandLine(benchmark)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .parseArgs(arguments.toArray(String[]::new));
        Run run = new Run("line-rate", new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8));
        benchmark.measure(run);
        return run;
    }

    private static List<Measurement> measured(Run run, String metric) {
        return run.measurements().stream()
                .filter(each -> each.metric().equals(metric))
                .toList();
    }

    private static void assertPositive(Run run, String metric, int cases) {
        List<Measurement> measured = measured(run, metric);
        assertEquals(cases, measured.size(), () -> metric + ": " + run.measurements());
        measured.forEach(each -> assertTrue(each.median() > 0, each::toString));
    }

    private void assertClean() {
        assertEquals("", director.run("ip", "route", "show", "198.18.128.1"));
        assertEquals("", director.run("ip", "-4", "-o", "address", "show", "dev", "eth1"));
        assertFalse(director.run("ip", "link", "show", "dev", "eth1").contains("xdp"));
    }

    @Test
    void our_generator_at_two_rates_with_everything_mixed() throws Exception {
        Run run = run(
                "--rates=2k,max",
                "--sizes=imix",
                "--protocols=udp,tcp",
                "--vip=198.18.0.100,2001:2::100",
                "--zipf=1",
                "--flows=2k");
        for (String metric :
                List.of("offered", "in", "rate", "rate on the wire", "NIC in", "NIC out", "queue in", "queue out")) {
            assertPositive(run, metric, 2);
        }
        Measurement slow = measured(run, "offered").stream()
                .filter(each -> "2000".equals(each.parameters().get("offered")))
                .findFirst()
                .orElseThrow();
        assertEquals(2000, slow.median(), 1000);
        assertFalse(measured(run, "CPU busy").isEmpty());
        assertTrue(
                run.remarks().stream().anyMatch(remark -> remark.matches("eth1: XDP native, queue 0 copy")),
                () -> run.remarks().toString());
        assertTrue(
                run.remarks().stream()
                        .anyMatch(remark ->
                                remark.startsWith("eth1: driver veth") && remark.contains("a veth is no NIC")),
                () -> run.remarks().toString());
        assertTrue(run.commands().containsKey("sluice-dr"));
        assertClean();
    }

    @Test
    void trafgen_and_tunnels() throws Exception {
        Run run = run("--generator=trafgen", "--method=tun", "--rates=5k");
        assertPositive(run, "in", 1);
        assertPositive(run, "rate", 1);
        assertEquals("sluice-tun", measured(run, "rate").getFirst().subject());
        assertClean();
    }

    @Test
    void what_somebody_else_sends_is_waited_for() throws Exception {
        String mac = Topology.mac(LineSetup.stationOf(director, "eth1"));
        Process other = generator.start(
                "sh",
                "-c",
                "sleep 4; exec timeout 20 trafgen --dev gen --cpus 1 --rate 2000pps '{ eth(da=" + mac
                        + "), ipv4(sa=198.19.0.1, da=198.18.0.100), udp(sp=drnd(), dp=80), fill(0, 18) }'");
        try {
            Run run = run("--generator=external", "--wait=15");
            assertPositive(run, "in", 1);
            assertPositive(run, "rate", 1);
            assertTrue(measured(run, "offered").isEmpty());
        } finally {
            other.descendants().forEach(ProcessHandle::destroy);
            other.destroy();
        }
    }

    @Test
    void what_cannot_be_is_said_in_a_line() {
        IllegalArgumentException noInterface = assertThrows(IllegalArgumentException.class, () -> runOn("eth9"));
        assertTrue(
                String.valueOf(noInterface.getMessage())
                        .startsWith("there is no interface \"eth9\" in network namespace"),
                noInterface::getMessage);
        IllegalArgumentException badReal =
                assertThrows(IllegalArgumentException.class, () -> run("--real=10.0.0.11=02:00"));
        assertTrue(
                String.valueOf(badReal.getMessage()).startsWith("--real must be ADDRESS or ADDRESS=MAC"),
                badReal::getMessage);
    }
}
