package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.RIPS6;
import static dev.sluice.it.DirectorLab.VIP4;
import static dev.sluice.it.DirectorLab.VIP6;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Interfaces, real servers and routes come and go under a director that runs on. */
class SurvivalIT {
    private DirectorLab lab;

    @BeforeEach
    void up() {
        lab = DirectorLab.up();
        // What the kernel does to a silent neighbour, in seconds rather than minutes.
        for (String family : List.of("ipv4", "ipv6")) {
            String neigh = "net." + family + ".neigh.eth1.";
            lab.on(
                    "director",
                    "sysctl",
                    "-qw",
                    neigh + "base_reachable_time_ms=1000",
                    neigh + "delay_first_probe_time=1",
                    neigh + "retrans_time_ms=200");
        }
        // An interface that goes down would lose its IPv6 addresses, here as anywhere.
        for (String host : List.of("director", "rs2")) {
            lab.on(host, "sysctl", "-qw", "net.ipv6.conf.eth1.keep_addr_on_down=1");
        }
    }

    @AfterEach
    void down() {
        lab.close();
    }

    @Test
    void the_interface_goes_down_and_up_under_load() throws Exception {
        LabFixture.Director director = lab.fixture().startDirector(lab.allServices());
        lab.assertServes();
        DirectorLab.Conversation conversation = lab.converse(VIP4, 80);
        Path floodLog = lab.fixture().state().resolve("flood.log");
        Process flood = lab.startFlood(floodLog, "udp", 7, 5, 1_000, 50_000);
        lab.await("packets", stats -> DirectorLab.outcome(stats, Counter.PACKETS_IN) > 10_000);

        for (int i = 0; i < 3; i++) {
            lab.on("director", "ip", "link", "set", "eth1", "down");
            lab.await(
                    "eth1 noticed down",
                    stats -> !DirectorLab.real(stats, RIPS4.getFirst()).reachable());
            long before = DirectorLab.outcome(lab.stats(), Counter.FORWARDED);
            lab.on("director", "ip", "link", "set", "eth1", "up");
            lab.await("forwarding again", stats -> DirectorLab.outcome(stats, Counter.FORWARDED) > before + 1_000);
        }

        assertTrue(flood.waitFor(30, TimeUnit.SECONDS));
        assertTrue(DirectorLab.parse(Files.readString(floodLog)).frames() > 100_000);
        lab.await("all reachable", SurvivalIT::allReachable);
        conversation.assertContinues();
        conversation.end();
        lab.assertServes();
        DirectorLab.assertNothingLost(lab.atRest());
        assertTrue(director.log().contains("is through eth1, which is down"), director.log());
        assertEquals(0, director.stop());
    }

    @Test
    void a_real_server_that_announces_its_new_mac_address_is_followed() {
        lab.on("rs1", "sysctl", "-qw", "net.ipv4.conf.eth1.arp_notify=1", "net.ipv6.conf.eth1.ndisc_notify=1");
        followsMacAddress();
    }

    @Test
    void a_real_server_that_changes_its_mac_address_silently_is_found() {
        followsMacAddress();
    }

    private void followsMacAddress() {
        List<String> rip4 = List.of(RIPS4.getFirst());
        List<String> rip6 = List.of(RIPS6.getFirst());
        LabFixture.Director director = lab.fixture()
                .startDirector(lab.config(
                        "",
                        DirectorLab.service("tcp", VIP4, 80, "rr", rip4),
                        DirectorLab.service("tcp", VIP6, 80, "rr", rip6),
                        DirectorLab.service("tcp", VIP4, 8081, "rr", RIPS4)));
        DirectorLab.Conversation conversation4 = lab.converse(VIP4, 80);
        DirectorLab.Conversation conversation6 = lab.converse(VIP6, 80);
        assertEquals(Map.of("rs1", 3), lab.ask("tcp", VIP4, 80, 3));

        String mac = "02:51:00:00:0a:11";
        lab.on("rs1", "ip", "link", "set", "eth1", "address", mac);
        lab.await(
                "new MAC address followed",
                stats -> DirectorLab.real(stats, rip4.getFirst()).nextHop().contains(mac)
                        && DirectorLab.real(stats, rip6.getFirst()).nextHop().contains(mac));

        conversation4.assertContinues();
        conversation6.assertContinues();
        conversation4.end();
        conversation6.end();
        assertEquals(Map.of("rs1", 10), lab.ask("tcp", VIP4, 80, 10));
        assertEquals(Map.of("rs1", 10), lab.ask("tcp", VIP6, 80, 10));
        assertEquals(Map.of("rs1", 10, "rs2", 10, "rs3", 10), lab.ask("tcp", VIP4, 8081, 30));
        assertTrue(director.log().contains("10.0.0.11 is at " + mac), director.log());
        DirectorLab.assertNothingLost(lab.atRest());
        assertEquals(0, director.stop());
    }

    @Test
    void an_unreachable_real_server_costs_its_own_flows_only_and_comes_back() {
        LabFixture.Director director = lab.fixture()
                .startDirector(lab.config(
                        "",
                        DirectorLab.service("tcp", VIP4, 80, "maglev", RIPS4),
                        DirectorLab.service("tcp", VIP6, 80, "maglev", RIPS6)));
        Map<String, String> serverOfPort = lab.on("client", "vagrant/provision/ask", "tcp", VIP4, "80", "40", "20001")
                .lines()
                .collect(Collectors.toMap(line -> line.split(" ", -1)[0], line -> line.split(" ", -1)[1]));

        lab.on("rs2", "ip", "link", "set", "eth1", "down");
        long noNeighbourBefore = DirectorLab.outcome(
                lab.await(
                        "rs2 noticed away",
                        stats -> !DirectorLab.real(stats, "10.0.0.12").reachable()
                                && !DirectorLab.real(stats, "fd00:51::12").reachable()),
                Counter.NO_NEIGHBOUR);
        String text = lab.fixture().sluice("stats").orFail();
        assertTrue(text.contains("10.0.0.12 does not answer on eth1"), text);

        List<String> lost = portsOf(serverOfPort, "rs2").limit(2).toList();
        for (String port : lost) {
            CommandResult curl = lab.fixture()
                    .exec("client", "curl", "-sS", "--local-port", port, "-m", "0.7", "http://" + VIP4 + "/");
            assertEquals(28, curl.exitCode(), curl.toString());
        }
        DirectorStats stats = lab.atRest();
        assertTrue(DirectorLab.outcome(stats, Counter.NO_NEIGHBOUR) >= noNeighbourBefore + lost.size());
        for (String server : List.of("rs1", "rs3")) {
            portsOf(serverOfPort, server)
                    .limit(4)
                    .forEach(port -> assertEquals(
                            port + " " + server,
                            lab.on("client", "vagrant/provision/ask", "tcp", VIP4, "80", "1", port)
                                    .strip()));
        }
        assertTrue(director.log().contains("WARNING real server 10.0.0.12: "), director.log());

        lab.on("rs2", "ip", "link", "set", "eth1", "up");
        lab.await("rs2 back", SurvivalIT::allReachable);
        Map<String, Integer> answers = lab.ask("tcp", VIP4, 80, 60);
        assertEquals(3, answers.size(), answers.toString());
        assertEquals(3, lab.ask("tcp", VIP6, 80, 60).size());
        DirectorLab.assertNothingLost(lab.atRest());
        assertEquals(0, director.stop());
    }

    @Test
    void a_route_through_a_gateway_takes_a_real_server_away_until_it_is_gone() {
        LabFixture.Director director = lab.fixture().startDirector(lab.allServices());
        lab.assertServes();
        long before = DirectorLab.outcome(lab.atRest(), Counter.NO_NEIGHBOUR);

        lab.on("director", "ip", "route", "add", "10.0.0.12/32", "via", "10.0.0.13");
        DirectorStats away = lab.await(
                "route noticed", now -> !DirectorLab.real(now, "10.0.0.12").reachable());
        assertTrue(
                DirectorLab.real(away, "10.0.0.12").nextHop().contains("goes through gateway 10.0.0.13"),
                away.toString());
        long rs2 = DirectorLab.real(away, "10.0.0.12").traffic().inPackets();
        // In turn: one of three goes nowhere, and is not forwarded to the gateway, which would answer it itself.
        int answered = 0;
        for (int i = 0; i < 6; i++) {
            answered += lab.fixture()
                                    .exec("client", "curl", "-sS", "-m", "0.7", "http://" + VIP4 + "/")
                                    .exitCode()
                            == 0
                    ? 1
                    : 0;
        }
        assertEquals(4, answered);
        DirectorStats during = lab.atRest();
        assertNotEquals(before, DirectorLab.outcome(during, Counter.NO_NEIGHBOUR));
        assertEquals(rs2, DirectorLab.real(during, "10.0.0.12").traffic().inPackets());
        assertFalse(allReachable(during));
        assertTrue(
                director.log().contains("WARNING real server 10.0.0.12: the route to 10.0.0.12 goes through gateway"),
                director.log());

        lab.on("director", "ip", "route", "del", "10.0.0.12/32");
        lab.await("route gone noticed", SurvivalIT::allReachable);
        lab.assertServes();
        DirectorLab.assertNothingLost(lab.atRest());
        assertEquals(0, director.stop());
    }

    private static boolean allReachable(DirectorStats stats) {
        return stats.services().stream()
                .flatMap(service -> service.realServers().stream())
                .allMatch(real -> real.reachable());
    }

    private static Stream<String> portsOf(Map<String, String> serverOfPort, String server) {
        return serverOfPort.entrySet().stream()
                .filter(entry -> entry.getValue().equals(server))
                .map(Map.Entry::getKey)
                .sorted();
    }
}
