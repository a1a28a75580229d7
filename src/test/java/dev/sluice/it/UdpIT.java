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

/**
 * A UDP echo behind the VIP. What is common to all tests is checked by the script that asks: every datagram comes back
 * unchanged, from the VIP, and from the real server that the client port began with.
 */
class UdpIT {
    private static final int PORT = 7;
    private static final int CLIENT_PORTS = 300;
    private static final int DATAGRAMS = 4;
    private static final int[] WEIGHTS = {3, 2, 1};

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
    void stopDirector() {
        if (director != null) {
            assertEquals(0, director.stop(), director.log());
        }
    }

    @Test
    void rr_gives_every_real_server_the_same_number_of_client_ports() {
        start("rr", 1, 1, 1);
        for (String vip : Topology.VIPS) {
            List<String> names = converse(vip);
            Spread.assertEveryCycle(names, 1, 1, 1);
            assertCountedByDirector(vip, Spread.exact(CLIENT_PORTS, 1, 1, 1));
        }
    }

    @Test
    void wrr_gives_exactly_in_proportion_to_weight() {
        start("wrr", WEIGHTS);
        for (String vip : Topology.VIPS) {
            List<String> names = converse(vip);
            Spread.assertEveryCycle(names, WEIGHTS);
            assertCountedByDirector(vip, Spread.exact(CLIENT_PORTS, WEIGHTS));
        }
    }

    @Test
    void maglev_gives_by_weight_within_what_hashing_allows_and_nothing_to_weight_0() {
        start("maglev", 2, 0, 1);
        for (String vip : Topology.VIPS) {
            Map<String, Integer> counts = Topology.count(converse(vip));
            Spread.assertHashed(counts, CLIENT_PORTS, 2, 0, 1);
            assertCountedByDirector(vip, counts);
        }
    }

    private void start(String scheduler, int... weights) {
        ConfigText config = new ConfigText(lab, "eth1");
        Topology.VIPS.forEach(vip -> config.service("udp", vip, PORT, scheduler, weights));
        director = lab.startDirector(config.toString());
    }

    /** The name of each client port's real server, in the order of the ports' first datagrams. */
    private static List<String> converse(String vip) {
        List<String> names = lab.exec(
                        "client",
                        "src/test/scripts/udp-conversations",
                        vip,
                        Integer.toString(PORT),
                        Integer.toString(CLIENT_PORTS),
                        Integer.toString(DATAGRAMS))
                .orFail()
                .lines()
                .map(line -> line.substring(line.indexOf(' ') + 1))
                .toList();
        assertEquals(CLIENT_PORTS, names.size());
        return names;
    }

    private static void assertCountedByDirector(String vip, Map<String, Integer> counts) {
        Reading reading = Reading.of(lab);
        assertEquals(counts, reading.connections(vip, PORT));
        assertEquals(
                CLIENT_PORTS * DATAGRAMS, reading.service(vip, PORT).traffic().inPackets());
        assertEquals(0, reading.drops());
        assertEquals(reading.count(Counter.PACKETS_IN), reading.count(Counter.FORWARDED));
    }
}
