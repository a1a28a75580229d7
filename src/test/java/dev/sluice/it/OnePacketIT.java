package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.forward.Counter;
import dev.sluice.testing.LabFixture;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** One-packet scheduling: the datagrams of one socket, echoed by the real servers that got them. */
class OnePacketIT {
    private static final int DATAGRAMS = 60;
    private static final String ONE_SOCKET = """
            import socket, sys
            family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.settimeout(5)
                sock.connect((sys.argv[1], 7))
                for i in range(int(sys.argv[2])):
                    sock.send(b"%d" % i)
                    name, echoed = sock.recv(65536).split(b" ")
                    if echoed != b"%d" % i:
                        sys.exit("not the echo")
                    print(name.decode())
            """;

    private static LabFixture lab;
    private LabFixture.@Nullable Director director;

    @BeforeAll
    static void up() {
        lab = LabFixture.up();
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @AfterEach
    void stop() {
        if (director != null) {
            Reading reading = Reading.of(lab);
            assertEquals(0, director.stop(), director::log);
            reading.assertNothingIsLost();
        }
    }

    private void start(String scheduler, int... weights) {
        ConfigText config = new ConfigText(lab, "eth1");
        for (String vip : Topology.VIPS) {
            config.with("one_packet = true").service("udp", vip, 7, scheduler, weights);
        }
        director = lab.startDirector(config.toString());
    }

    private static List<String> talk(String vip) {
        return lab.exec("client", "/usr/bin/python3", "-c", ONE_SOCKET, vip, "" + DATAGRAMS)
                .orFail()
                .lines()
                .toList();
    }

    private static void assertScheduledOneByOne(String vip, Map<String, Integer> counts) {
        Reading reading = Reading.of(lab);
        assertEquals(counts, reading.connections(vip, 7), "each datagram is a connection of its own");
        assertEquals(0, reading.worker(0, "connections"), "none of them is remembered");
        assertEquals(0, reading.count(Counter.FLOW_HIT) + reading.count(Counter.FLOW_NEW));
    }

    @Test
    void datagrams_of_one_socket_go_round_the_real_servers() {
        start("rr", 1, 1, 1);
        for (String vip : Topology.VIPS) {
            Spread.assertEveryCycle(talk(vip), 1, 1, 1);
            assertScheduledOneByOne(vip, Spread.exact(DATAGRAMS, 1, 1, 1));
        }
        assertEquals(2 * DATAGRAMS, Reading.of(lab).count(Counter.ONE_PACKET));
    }

    @Test
    void by_weight_where_the_scheduler_has_weights() {
        start("wrr", 3, 2, 1);
        for (String vip : Topology.VIPS) {
            Spread.assertEveryCycle(talk(vip), 3, 2, 1);
            assertScheduledOneByOne(vip, Spread.exact(DATAGRAMS, 3, 2, 1));
        }
    }

    @Test
    void a_scheduler_that_hashes_addresses_and_ports_finds_the_same_one_each_time() {
        start("maglev", 1, 1, 1);
        for (String vip : Topology.VIPS) {
            List<String> names = talk(vip);
            assertEquals(Map.of(names.getFirst(), DATAGRAMS), Topology.count(names));
        }
    }
}
