package dev.sluice.it;

import static dev.sluice.it.DirectorLab.VIP4;
import static dev.sluice.it.DirectorLab.VIP6;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.stats.ConnectionPage;
import dev.sluice.stats.ConnectionStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.stats.TableStats;
import dev.sluice.stats.TimeoutStats;
import dev.sluice.stats.Traffic;
import dev.sluice.testing.LabFixture;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the admin socket tells of connections, timeouts and rates while clients ask. */
class ListingsIT {
    private static DirectorLab lab;
    private LabFixture.@Nullable Director director;
    private static AdminClient admin;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
        admin = new AdminClient(lab.fixture().socket());
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @AfterEach
    void stop() {
        if (director != null) {
            assertEquals(0, director.stop(), director::log);
        }
    }

    private void start(ConfigText config) {
        director = lab.fixture().startDirector(config.toString());
    }

    private static ConfigText config() {
        return new ConfigText(lab.fixture(), "eth1").director("flow_table_size = 4096");
    }

    private List<ConnectionStats> connections(int limit) throws AdminException {
        List<ConnectionStats> all = new ArrayList<>();
        String cursor = "0:0";
        while (cursor != null) {
            ConnectionPage page =
                    admin.ask("connections", Map.of("cursor", cursor, "limit", limit), ConnectionPage.class);
            assertTrue(page.connections().size() <= limit);
            all.addAll(page.connections());
            cursor = page.next();
        }
        return all;
    }

    @Test
    void every_connection_is_listed_once() throws AdminException {
        start(config().service("tcp", VIP4, 80, "rr", 1, 1)
                .service("tcp", VIP6, 80, "rr", 1, 1)
                .service("udp", VIP4, 7, "rr", 1, 1));
        lab.ask("tcp", VIP4, 80, 20);
        lab.ask("tcp", VIP6, 80, 10);
        lab.ask("udp", VIP4, 7, 8);
        List<ConnectionStats> all = connections(1024);
        assertEquals(38, all.size());
        Map<String, Integer> byPlace = new HashMap<>();
        for (ConnectionStats connection : all) {
            boolean udp = connection.protocol().equals("UDP");
            // Who closes before the last of the answer has come resets the connection.
            long timeoutMs = switch (connection.state()) {
                case "UDP" -> 300_000;
                case "FIN_WAIT" -> 120_000;
                case "CLOSE" -> 10_000;
                default -> 0;
            };
            assertEquals(udp, connection.state().equals("UDP"));
            assertTrue(connection.expiresMs() > timeoutMs - 9_000, connection::toString);
            assertTrue(connection.expiresMs() <= timeoutMs, connection::toString);
            assertEquals(udp ? 7 : 80, connection.virtualPort());
            assertEquals(udp ? 7 : 80, connection.destinationPort());
            boolean inet6 = connection.family().equals("inet6");
            assertEquals(inet6 ? VIP6 : VIP4, connection.virtual());
            assertEquals(inet6 ? "fd00:51::1" : "10.0.0.1", connection.client());
            byPlace.merge(connection.protocol() + " " + connection.destination(), 1, Integer::sum);
        }
        assertEquals(
                Map.of(
                        "TCP 10.0.0.11", 10,
                        "TCP 10.0.0.12", 10,
                        "TCP fd00:51::11", 5,
                        "TCP fd00:51::12", 5,
                        "UDP 10.0.0.11", 4,
                        "UDP 10.0.0.12", 4),
                byPlace);
        assertEquals(
                38,
                connections(5).stream()
                        .map(ConnectionStats::clientPort)
                        .distinct()
                        .count());
    }

    @Test
    void a_removed_real_servers_connections_still_say_where_they_went() throws AdminException {
        start(config().service("tcp", VIP4, 80, "rr", 1, 1));
        lab.ask("tcp", VIP4, 80, 4);
        lab.apply(config().service("tcp", VIP4, 80, "rr", 1));
        assertEquals(
                2,
                connections(100).stream()
                        .filter(connection -> "10.0.0.12".equals(connection.destination()))
                        .count());
    }

    @Test
    void templates_are_listed() throws AdminException {
        start(config().with("persistence = 100", "persistence_netmask = \"255.255.255.0\"")
                .service("tcp", VIP4, 80, "rr", 1, 1)
                .markService(7, VIP4, "rr", 1)
                .rule(7, VIP4, "ports = \"8081\""));
        String host = lab.ask("tcp", VIP4, 80, 3).keySet().iterator().next();
        lab.ask("tcp", VIP4, 8081, 2);
        List<ConnectionStats> templates =
                connections(100).stream().filter(ConnectionStats::template).toList();
        assertEquals(2, templates.size(), templates::toString);
        for (ConnectionStats template : templates) {
            boolean ofMark = template.protocol().equals("IP");
            assertEquals("ASSURED", template.state());
            assertEquals("10.0.0.0", template.client());
            assertEquals(0, template.clientPort());
            assertEquals(ofMark ? "0.0.0.7" : VIP4, template.virtual());
            assertEquals(ofMark ? 0 : 80, template.virtualPort());
            assertEquals(ofMark ? "10.0.0.11" : Topology.rip(host, VIP4), template.destination());
            assertEquals(ofMark ? 0 : 80, template.destinationPort());
            assertTrue(template.expiresMs() > 90_000 && template.expiresMs() <= 100_000, template::toString);
        }
    }

    @Test
    void timeouts_set_while_it_runs_hold_for_connections_that_are_there() throws AdminException {
        start(config().service("udp", VIP4, 7, "rr", 1, 1).service("tcp", VIP4, 80, "rr", 1, 1));
        assertEquals(new TimeoutStats(900, 120, 300), admin.ask("timeouts", TimeoutStats.class));
        lab.ask("udp", VIP4, 7, 5);
        lab.ask("tcp", VIP4, 80, 3);
        assertEquals(
                new TimeoutStats(900, 120, 2),
                admin.ask("set-timeouts", Map.of("tcp", 0, "udp", 2), TimeoutStats.class));
        lab.await("datagrams forgotten", stats -> forgotten("UDP"));
        assertEquals(3, connections(100).size());
        assertEquals(
                new TimeoutStats(5, 1, 2),
                admin.ask("set-timeouts", Map.of("tcp", 5, "tcpfin", 1, "udp", 0), TimeoutStats.class));
        lab.await("connections forgotten", stats -> forgotten("TCP"));
        AdminException refused =
                assertThrows(AdminException.class, () -> admin.askTree("set-timeouts", Map.of("tcp", 2_678_401)));
        assertEquals("out_of_range", refused.code());
        assertEquals("bad_request", refusal(Map.of("tcp", -1)));
        assertEquals("bad_request", refusal(Map.of("udp", "10")));
        assertEquals(new TimeoutStats(5, 1, 2), admin.ask("timeouts", TimeoutStats.class));
    }

    private String refusal(Map<String, ?> arguments) {
        return assertThrows(AdminException.class, () -> admin.askTree("set-timeouts", arguments))
                .code();
    }

    private boolean forgotten(String protocol) {
        try {
            return connections(100).stream()
                    .noneMatch(connection -> connection.protocol().equals(protocol));
        } catch (AdminException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void rates_follow_what_comes() throws AdminException {
        start(config().service("tcp", VIP4, 80, "rr", 1, 1).service("udp", VIP4, 7, "rr", 1));
        ServiceStats http;
        try (Requests requests = Requests.start(lab.fixture(), VIP4)) {
            http = awaitService(
                    0,
                    service ->
                            service.rates().connections() > 5 && service.rates().inPackets() > 10);
            requests.awaitMore(1);
        }
        Traffic rates = http.rates();
        assertTrue(rates.inPackets() > 3 * rates.connections(), rates::toString);
        assertTrue(rates.inBytes() > 40 * rates.inPackets(), rates::toString);
        assertEquals(0, rates.outPackets());
        for (var real : http.realServers()) {
            long difference = 2 * real.rates().connections() - rates.connections();
            assertTrue(Math.abs(difference) <= 4 + rates.connections() / 5, http::toString);
        }
        assertEquals(Traffic.NONE, awaitService(1, _ -> true).rates());
        admin.askTree("zero");
        ServiceStats zeroed = awaitService(0, _ -> true);
        assertEquals(Traffic.NONE, zeroed.rates());
        assertEquals(Traffic.NONE, zeroed.traffic());
        assertNull(zeroed.persistenceNetmask());
    }

    private ServiceStats awaitService(int index, Predicate<ServiceStats> condition) throws AdminException {
        long deadlineNs = System.nanoTime() + 20_000_000_000L;
        while (true) {
            TableStats table = admin.ask("table", TableStats.class);
            assertEquals(4096, table.size());
            ServiceStats service = table.services().get(index);
            if (condition.test(service)) {
                return service;
            }
            assertTrue(System.nanoTime() < deadlineNs, service::toString);
            DirectorLab.pause(100);
        }
    }
}
