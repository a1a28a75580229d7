package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.stats.RealServerStats;
import dev.sluice.testing.LabFixture;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Persistence with curl on both queues of a director, so that two workers share the templates. The scheduler is round robin:
 * a client without a template would not come to the same real server twice.
 */
class PersistenceIT {
    private static final String NETMASK4 = "\"255.255.255.240\"";
    private static final String NETMASK6 = "112";
    /** So that a connection is forgotten, and its template left, a second after it was closed. */
    private static final String SHORT_TIMEOUTS = "timeouts = { tcpfin = 1, time_wait = 1, close = 1 }";

    private static DirectorLab lab;
    private LabFixture.@Nullable Director director;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up("--queues", "2");
        for (String vip : Topology.VIPS) {
            for (int net = 0; net < 8; net++) {
                for (String address : clients(vip, net)) {
                    lab.on(
                            "client",
                            "ip",
                            "address",
                            "add",
                            address + (Topology.isInet6(vip) ? "/64" : "/24"),
                            "dev",
                            "eth1");
                }
            }
        }
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @AfterEach
    void stop() {
        if (director != null) {
            Reading reading = Reading.of(lab.fixture());
            assertEquals(0, director.stop(), director::log);
            reading.assertNothingIsLost();
        }
    }

    /** Three addresses of the client that are equal under the netmask; another network has others. */
    private static List<String> clients(String vip, int net) {
        return IntStream.of(1, 5, 14)
                .mapToObj(host -> Topology.isInet6(vip)
                        ? "fd00:51::%x:%x".formatted(0xa0 + net, host)
                        : "10.0.0." + (128 + 16 * net + host))
                .toList();
    }

    private static ConfigText config(String... directorLines) {
        return new ConfigText(lab.fixture(), "eth1").director(directorLines);
    }

    /** Both VIPs' HTTP with persistence by netmask. */
    private static ConfigText http(ConfigText config, int timeoutSeconds, int... weights) {
        return services(config, 80, timeoutSeconds, weights);
    }

    private static ConfigText services(ConfigText config, int port, int timeoutSeconds, int... weights) {
        for (String vip : Topology.VIPS) {
            config.with(
                            "persistence = " + timeoutSeconds,
                            "persistence_netmask = " + (Topology.isInet6(vip) ? NETMASK6 : NETMASK4))
                    .service("tcp", vip, port, "rr", weights);
        }
        return config;
    }

    /** Who answers so many connections to a port from each address; "" is the one that the kernel chooses. */
    private static List<String> ask(String vip, int port, List<String> clients, int connections) {
        String url = "http://" + Topology.host(vip) + ":" + port + "/?[1-" + connections + "]";
        String script = "for client in '" + String.join("' '", clients) + "'"
                + "; do curl -sS --fail -m 10 -H 'Connection: close' ${client:+--interface $client} '" + url
                + "' || exit; done";
        List<String> names = lab.on("client", "sh", "-c", script).lines().toList();
        assertEquals(clients.size() * connections, names.size());
        return names;
    }

    /** As {@link #ask}: the one real server that answers them all. */
    private static String sticks(String vip, List<String> clients, int connections) {
        Set<String> names = new HashSet<>(ask(vip, 80, clients, connections));
        assertEquals(1, names.size(), names::toString);
        return names.iterator().next();
    }

    private static int[] weights(int ofOthers, String name, int weight) {
        int[] weights = {ofOthers, ofOthers, ofOthers};
        weights[name.charAt(2) - '1'] = weight;
        return weights;
    }

    private static RealServerStats real(String vip, String name) {
        return DirectorLab.real(lab.stats(), Topology.rip(name, vip));
    }

    @Test
    void a_netmask_sticks_to_one_real_server_over_many_connections_on_both_queues() {
        director = lab.fixture().startDirector(http(config(), 300, 1, 1, 1).toString());
        for (String vip : Topology.VIPS) {
            Reading before = Reading.of(lab.fixture());
            Set<String> used = new HashSet<>();
            for (int net = 0; net < 8; net++) {
                used.add(sticks(vip, clients(vip, net), 5));
            }
            Reading after = Reading.of(lab.fixture());
            assertEquals(8, after.count(Counter.TEMPLATE_NEW) - before.count(Counter.TEMPLATE_NEW));
            assertEquals(8 * 15 - 8, after.count(Counter.TEMPLATE_HIT) - before.count(Counter.TEMPLATE_HIT));
            // Four networks at least are one worker's first, and that worker goes round three real servers.
            assertEquals(Set.of("rs1", "rs2", "rs3"), used);
            for (int queue = 0; queue < 2; queue++) {
                // Of 120 connections of 3 packets or more.
                long packets = after.worker(queue, "rx_packets") - before.worker(queue, "rx_packets");
                assertTrue(packets > 60, "queue " + queue + " had " + packets + " packets");
            }
            assertEquals(
                    8,
                    used.stream()
                            .mapToLong(name -> real(vip, name).persistent())
                            .sum());
            for (int net = 7; net >= 0; net--) {
                sticks(vip, clients(vip, net), 2);
            }
        }
    }

    @Test
    void it_survives_changes_of_weight_and_keeps_clients_at_a_quiesced_real_server() {
        director = lab.fixture().startDirector(http(config(), 300, 1, 1, 1).toString());
        String vip = Topology.VIP4;
        String name = sticks(vip, clients(vip, 0), 3);
        lab.reload(http(config(), 300, weights(9, name, 1)));
        assertEquals(name, sticks(vip, clients(vip, 0), 3));
        lab.reload(http(config(), 300, weights(1, name, 0)));
        assertEquals(name, sticks(vip, clients(vip, 0), 3), "expire_quiescent_template is off");
        for (int net = 1; net < 8; net++) {
            assertNotEquals(name, sticks(vip, clients(vip, net), 1), "no new client comes to weight 0");
        }
        assertEquals(1, real(vip, name).persistent());
    }

    @Test
    void expire_quiescent_template_takes_clients_off_a_quiesced_real_server_for_good() {
        String option = "expire_quiescent_template = true";
        director =
                lab.fixture().startDirector(http(config(option), 300, 1, 1, 1).toString());
        for (String vip : Topology.VIPS) {
            String name = sticks(vip, clients(vip, 0), 3);
            lab.apply(http(config(option), 300, weights(1, name, 0)));
            String other = sticks(vip, clients(vip, 0), 3);
            assertNotEquals(name, other);
            assertEquals(0, real(vip, name).persistent());
            lab.apply(http(config(option), 300, 1, 1, 1));
            assertEquals(other, sticks(vip, clients(vip, 0), 3));
        }
    }

    @Test
    void a_removed_real_server_is_forgotten_and_its_clients_are_scheduled_anew() {
        director = lab.fixture().startDirector(http(config(), 300, 1, 1, 1).toString());
        String vip = Topology.VIP6;
        List<String> third = new ArrayList<>();
        for (int net = 0; net < 8; net++) {
            if (sticks(vip, clients(vip, net), 1).equals("rs3")) {
                third.addAll(clients(vip, net));
            }
        }
        lab.apply(http(config(), 300, 1, 1));
        Set<String> names = new HashSet<>(ask(vip, 80, third, 3));
        assertTrue(!names.isEmpty() && Set.of("rs1", "rs2").containsAll(names), names::toString);
    }

    @Test
    void it_expires_after_its_timeout_unless_a_connection_lives() {
        director = lab.fixture()
                .startDirector(http(config(SHORT_TIMEOUTS), 4, 1, 1, 1).toString());
        for (String vip : Topology.VIPS) {
            String name = sticks(vip, clients(vip, 0), 3);
            lab.apply(http(config(SHORT_TIMEOUTS), 4, weights(1, name, 0)));
            long forgotten = count(Counter.TEMPLATE_NEW);
            // Each connection starts the four seconds anew.
            for (int i = 0; i < 3; i++) {
                DirectorLab.pause(1_500);
                assertEquals(name, sticks(vip, clients(vip, 0), 1));
            }
            assertEquals(forgotten, count(Counter.TEMPLATE_NEW));
            DirectorLab.pause(5_500);
            assertNotEquals(name, sticks(vip, clients(vip, 0), 2));
            assertEquals(forgotten + 1, count(Counter.TEMPLATE_NEW));
            lab.apply(http(config(SHORT_TIMEOUTS), 4, 1, 1, 1));
        }

        // While a client stays connected its template outlives the timeout, by a minute at a time.
        DirectorLab.Conversation conversation = lab.converse(Topology.VIP6, 80);
        String kept = conversation.realServer();
        lab.apply(http(config(SHORT_TIMEOUTS), 4, weights(1, kept, 0)));
        DirectorLab.pause(5_000);
        assertEquals(kept, sticks(Topology.VIP6, List.of(""), 2));
        conversation.end();
    }

    private static long count(Counter counter) {
        return Reading.of(lab.fixture()).count(counter);
    }

    @Test
    void a_service_of_every_port_keeps_a_client_on_one_real_server_whatever_port_it_asks() {
        director =
                lab.fixture().startDirector(services(config(), 0, 300, 1, 1, 1).toString());
        for (String vip : Topology.VIPS) {
            Set<String> used = new HashSet<>();
            for (int net = 0; net < 8; net++) {
                Set<String> names = new HashSet<>();
                for (int port : List.of(80, 8081, 8082)) {
                    names.addAll(ask(vip, port, clients(vip, net), 2));
                }
                assertEquals(1, names.size(), names::toString);
                used.addAll(names);
            }
            assertEquals(Set.of("rs1", "rs2", "rs3"), used);
        }
    }
}
