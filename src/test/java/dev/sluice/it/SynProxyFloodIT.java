package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.LiveFramesMain;
import dev.sluice.ffi.LibBpf;
import dev.sluice.testing.LabFixture;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/**
 * SYNs at the generator's rate, each of another flow, against services whose handshakes the director completes by itself: the real
 * servers see none of them, and those of clients, which connect meanwhile.
 */
class SynProxyFloodIT {
    private static final int FLOOD_S = 6;
    private static final int FLOWS = 10_000_000;
    private static final int REQUESTS = 10;
    /** Of the generator: on no network of the lab. */
    private static final Map<String, String> NOBODY =
            Map.of(Topology.VIP4, "198.18.0.1", Topology.VIP6, "2001:db8:bad::1");

    private static final Map<String, Map<String, List<String>>> RIPS = Map.of(
            "nat-two-armed",
            Map.of(
                    Topology.VIP4, List.of("10.0.1.11", "10.0.1.12", "10.0.9.13"),
                    Topology.VIP6, List.of("fd00:52::11", "fd00:52::12", "fd00:59::13")),
            "fullnat",
            Map.of(
                    Topology.VIP4, List.of("10.0.2.11", "10.0.2.12", "10.0.9.13"),
                    Topology.VIP6, List.of("fd00:53::11", "fd00:53::12", "fd00:59::13")));

    @ParameterizedTest
    @CsvSource({
        "nat-two-armed, 10.0.0.100",
        "nat-two-armed, fd00:51::100",
        "fullnat, 10.0.0.100",
        "fullnat, fd00:51::100"
    })
    void real_servers_see_clients_only(String scenario, String vip) throws Exception {
        try (LabFixture lab = LabFixture.up("--scenario", scenario)) {
            LabFixture.Director director = lab.startDirector(config(lab, scenario, vip));
            Map<String, Capture> captures = new HashMap<>();
            for (String name : Topology.REAL_SERVERS) {
                captures.put(name, Capture.start(lab, name, "tcp dst port 8080"));
            }
            Path log = lab.state().resolve("flood.log");
            Process flood = lab.start(log, "router", generator(vip));
            awaitFlood(lab);
            List<String> ports = new ArrayList<>();
            for (int i = 0; i < REQUESTS; i++) {
                String port = "" + (20_000 + i);
                lab.exec("client", "curl", "-sS", "--fail", "--max-time", "30", "--local-port", port, url(vip))
                        .orFail();
                ports.add(port);
            }
            assertTrue(flood.isAlive(), "the clients have not come during the flood");
            flood.waitFor();
            assertEquals(0, flood.exitValue(), () -> LogFile.lines(log).toString());
            assertTrue(DirectorLab.parse(LogFile.lines(log).getLast()).frames() > 1_000 * FLOOD_S);

            int connections = 0;
            for (Map.Entry<String, Capture> capture : captures.entrySet()) {
                capture.getValue().stop(1);
                connections += syns(lab, capture.getValue());
            }
            assertEquals(REQUESTS, connections, "SYNs of as many connections reach real servers");
            assertEquals(REQUESTS, Reading.of(lab).service(vip, 80).traffic().connections());
            assertEquals(0, director.stop(), director::log);
        }
    }

    private static String config(LabFixture lab, String scenario, String vip) {
        ConfigText config = new ConfigText(lab, "eth1", "eth2");
        if (scenario.equals("fullnat")) {
            config.director("[director.fullnat]", "local_addresses = [\"10.0.1.201\", \"fd00:52::c9\"]")
                    .fullnat(8080);
        } else {
            config.nat(8080);
        }
        return config.with("syn_proxy = true")
                .service("tcp", vip, 80, "rr", RIPS.get(scenario).get(vip), 1, 1, 1)
                .toString();
    }

    private static String url(String vip) {
        return "http://" + Topology.host(vip) + "/";
    }

    /** Until more has come than all clients will send. */
    private static void awaitFlood(LabFixture lab) {
        long startNs = System.nanoTime();
        while (steered(lab) < 10_000) {
            assertTrue(System.nanoTime() - startNs < 20_000_000_000L, "no flood");
            DirectorLab.pause(50);
        }
    }

    private static long steered(LabFixture lab) {
        String received = lab.exec("switch", "cat", "/sys/class/net/director/statistics/tx_packets")
                .orFail();
        return Long.parseLong(received.strip());
    }

    /** Connections that a capture saw being opened; a SYN that was sent again is of the same one. */
    private static int syns(LabFixture lab, Capture capture) {
        return (int) Tshark.fields(
                        lab,
                        capture.file(),
                        "tcp.flags.syn == 1 && tcp.flags.ack == 0",
                        "ip.src",
                        "ipv6.src",
                        "tcp.srcport",
                        "tcp.seq_raw")
                .stream()
                .distinct()
                .count();
    }

    private static String[] generator(String vip) {
        String classPath = Stream.of(LiveFramesMain.class, LibBpf.class, CommandLine.class)
                .map(DirectorLab::location)
                .collect(Collectors.joining(":"));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-Xmx64m",
                "-cp",
                classPath,
                LiveFramesMain.class.getName()));
        command.addAll(List.of("--interface", "eth2", "--src-mac", "02:51:00:00:00:fe"));
        command.addAll(List.of("--dst-mac", "02:51:00:00:00:02", "--src", NOBODY.get(vip), "--dst", vip));
        command.addAll(List.of("--protocol", "tcp", "--port", "80", "--seconds", "" + FLOOD_S, "--flows", "" + FLOWS));
        return command.toArray(String[]::new);
    }
}
