package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.stats.DirectorStats;
import dev.sluice.testing.LabFixture;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * SYNs at the generator's rate, each of another flow, against services whose handshakes the director completes by itself: the real
 * servers see none of them, and those of clients, which connect meanwhile.
 */
class SynProxyFloodIT {
    /** At the most: it is ended when the clients are through, who lose packets to it and try again. */
    private static final int FLOOD_S = 25;
    /** More than all clients and real servers send. */
    private static final int MANY = 10_000;

    private static final int FLOWS = 10_000_000;
    private static final int REQUESTS = 12;
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
    @ValueSource(strings = {"nat-two-armed", "fullnat"})
    void real_servers_see_clients_only(String scenario) throws Exception {
        try (LabFixture lab = LabFixture.up("--scenario", scenario)) {
            LabFixture.Director director = lab.startDirector(config(lab, scenario));
            for (String vip : Topology.VIPS) {
                assertSeesClientsOnly(lab, vip);
            }
            assertEquals(0, director.stop(), director::log);
        }
    }

    private static void assertSeesClientsOnly(LabFixture lab, String vip) throws Exception {
        List<Capture> captures = new ArrayList<>();
        for (String name : Topology.REAL_SERVERS) {
            captures.add(Capture.start(lab, name, "tcp dst port 8080"));
        }
        long before = steered(lab);
        Path log = lab.state().resolve("flood-" + vip.replace(':', '-'));
        Process flood = lab.start(log, "router", generator(vip));
        long startNs = System.nanoTime();
        while (steered(lab) - before < MANY) {
            assertTrue(System.nanoTime() - startNs < 20_000_000_000L, "no flood");
            DirectorLab.pause(50);
        }
        // By one command, whose connections are one after the other.
        String names = lab.exec(
                        "client",
                        "curl",
                        "-sS",
                        "--fail",
                        "--fail-early",
                        "--max-time",
                        "30",
                        "-H",
                        "Connection: close",
                        "http://" + Topology.host(vip) + "/[1-" + REQUESTS + "]")
                .orFail();
        assertTrue(flood.isAlive(), "the clients have not come during the flood");
        assertEquals(Set.of("rs1", "rs2", "rs3"), Set.copyOf(names.lines().toList()));
        flood.descendants().forEach(ProcessHandle::destroy);
        flood.destroy();
        assertTrue(flood.waitFor(60, TimeUnit.SECONDS), "the generator does not end");

        int connections = 0;
        for (Capture capture : captures) {
            capture.stop(1);
            connections += opened(lab, capture);
        }
        assertEquals(REQUESTS, connections, "connections that real servers were asked for");
        assertEquals(REQUESTS, Reading.of(lab).service(vip, 80).traffic().connections());
    }

    private static String config(LabFixture lab, String scenario) {
        ConfigText config = new ConfigText(lab, "eth1", "eth2");
        if (scenario.equals("fullnat")) {
            config.director("[director.fullnat]", "local_addresses = [\"10.0.1.201\", \"fd00:52::c9\"]")
                    .fullnat(8080);
        } else {
            config.nat(8080);
        }
        config.with("syn_proxy = true");
        Objects.requireNonNull(RIPS.get(scenario))
                .forEach((vip, rips) -> config.service("tcp", vip, 80, "rr", rips, 1, 1, 1));
        return config.toString();
    }

    /** What came to the director, whether it took it or not. */
    private static long steered(LabFixture lab) throws AdminException {
        return new AdminClient(lab.socket())
                .ask("stats", DirectorStats.class)
                .interfaces()
                .getFirst()
                .steering()
                .getOrDefault("steered", 0L);
    }

    /** Connections that a capture saw being opened; a SYN that was sent again is of the same one. */
    private static int opened(LabFixture lab, Capture capture) {
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
        List<String> command = DirectorLab.generator();
        command.addAll(List.of("--interface", "eth2", "--src-mac", "02:51:00:00:00:fe"));
        command.addAll(List.of("--dst-mac", "02:51:00:00:00:02", "--src", NOBODY.get(vip), "--dst", vip));
        command.addAll(List.of("--protocol", "tcp", "--port", "80", "--seconds", "" + FLOOD_S, "--flows", "" + FLOWS));
        return command.toArray(String[]::new);
    }
}
