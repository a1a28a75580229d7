package dev.sluice.it;

import static dev.sluice.it.Topology.VIP4;
import static dev.sluice.it.Topology.VIP6;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * UDP datagrams of 60 kB, in fragments, arrive whole and come back whole. The director has two queues, so that fragments of a datagram
 * may meet different workers.
 *
 * <p>The decapsulation program takes no outer fragments, so through tunnels either the inner packet is fragmented ({@code
 * fragment = "inner"}, IPv4), or fragments are small enough for the outer header to fit (a client's MTU of 1440).
 */
class FragmentsIT {
    private static final List<String> ORDERS = List.of("forward", "backward", "shuffled", "doubled");
    private static final int BYTES = 60_000;
    private static final int ROOM_FOR_OUTER_HEADER = 60;
    private static final String CLIENT4 = "10.0.0.1";
    private static final String CLIENT6 = "fd00:51::1";

    /** The kernel's own has this metric; with another it would be a second route. */
    private static final String ROUTE6 = "ip -6 route replace fd00:51::/64 dev eth1 metric 256";

    private static DirectorLab lab;
    private static int nextClientPort = 20_000;
    private LabFixture.@Nullable Director director;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up("--queues", "2");
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
    void direct_routing_in_order_and_out_of_order_and_twice() {
        director = lab.fixture().startDirector(config(false, "").toString());
        for (String vip : Topology.VIPS) {
            assertEchoed(vip);
            for (String order : ORDERS) {
                assertOwnFragments(vip, 1500, order);
            }
        }
        assertClean();
        assertTrue(Reading.of(lab.fixture()).count(Counter.FRAGMENT_HELD) > 0, "nothing was out of order");
    }

    @Test
    void a_tunnel_whose_outer_header_fits_or_makes_the_director_cut_the_fragments_again() {
        int mtu = 1500 - ROOM_FOR_OUTER_HEADER;
        try (Decapsulation _ = Decapsulation.setUp(lab.fixture(), Topology.REAL_SERVERS)) {
            String inner = "\n[director.tunnel]\nfragment = \"inner\"\n";
            director = lab.fixture().startDirector(config(true, inner).toString());
            assertEchoed(VIP4);
            for (String order : ORDERS) {
                assertOwnFragments(VIP4, 1500, order);
            }
            long cut = Reading.of(lab.fixture()).count(Counter.FRAGMENTED);
            assertTrue(cut > 0, "no fragment was cut");

            // Not the interface's, for the replies are larger.
            lab.on("client", "ip", "route", "replace", "10.0.0.0/24", "dev", "eth1", "mtu", "" + mtu);
            lab.on("client", "sh", "-c", ROUTE6 + " mtu " + mtu);
            for (String vip : Topology.VIPS) {
                assertEchoed(vip);
                for (String order : ORDERS) {
                    assertOwnFragments(vip, mtu, order);
                }
            }
            assertEquals(cut, Reading.of(lab.fixture()).count(Counter.FRAGMENTED));
            assertClean();
        } finally {
            lab.on("client", "ip", "route", "replace", "10.0.0.0/24", "dev", "eth1");
            lab.on("client", "sh", "-c", ROUTE6);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {VIP4, VIP6})
    void fragments_without_a_first_one_are_dropped_after_a_moment(String vip) {
        director = lab.fixture().startDirector(config(false, "").toString());
        int sent = Integer.parseInt(ownFragments(vip, 1500, "headless", 3).strip());
        DirectorLab.pause(1_000);
        Reading reading = Reading.of(lab.fixture());
        assertEquals(
                sent,
                reading.count(Counter.FRAGMENT_HELD),
                () -> reading.stats().toString());
        assertEquals(
                sent,
                reading.count(Counter.FRAGMENT_WITHOUT_FIRST),
                () -> reading.stats().toString());
        assertEquals(0, reading.worker(0, "frames_held") + reading.worker(1, "frames_held"));
        reading.assertNothingIsLost();

        // More than may wait: a flood takes nothing from others but the room for those that overtake.
        int flood = Integer.parseInt(ownFragments(vip, 1500, "headless", 20).strip());
        DirectorLab.pause(1_000);
        Reading flooded = Reading.of(lab.fixture());
        assertEquals(
                flood,
                flooded.count(Counter.FRAGMENT_HOLD_FULL)
                        + flooded.count(Counter.FRAGMENT_WITHOUT_FIRST)
                        - reading.count(Counter.FRAGMENT_WITHOUT_FIRST),
                () -> flooded.stats().toString());
        assertTrue(
                flooded.count(Counter.FRAGMENT_HOLD_FULL) > 0,
                () -> flooded.stats().toString());
        assertEquals(0, flooded.worker(0, "frames_held") + flooded.worker(1, "frames_held"));
        flooded.assertNothingIsLost();
        assertOwnFragments(vip, 1500, "backward");
    }

    private static ConfigText config(boolean tunnel, String lines) {
        ConfigText config = new ConfigText(lab.fixture(), "eth1").lines(lines);
        if (tunnel) {
            config.tunnel();
        }
        Topology.VIPS.forEach(vip -> config.service("udp", vip, 7, "rr", 1, 1, 1));
        return config;
    }

    /** Datagrams that the client's kernel has cut. */
    private static void assertEchoed(String vip) {
        assertEquals(
                "12 of 12\n",
                lab.on("client", "/usr/bin/python3", "-c", DATAGRAMS, vip, "7", Integer.toString(BYTES), "12"));
    }

    private static void assertOwnFragments(String vip, int mtu, String order) {
        List<String> names = ownFragments(vip, mtu, order, 6).lines().toList();
        assertEquals(Map.of("rs1", 2, "rs2", 2, "rs3", 2), Topology.count(names), order);
    }

    private static String ownFragments(String vip, int mtu, String order, int count) {
        int first = nextClientPort;
        nextClientPort += count;
        CommandResult result = lab.fixture()
                .exec(
                        "client",
                        "src/test/scripts/udp-fragments",
                        "eth1",
                        Topology.DIRECTOR_MAC,
                        Topology.isInet6(vip) ? CLIENT6 : CLIENT4,
                        vip,
                        "7",
                        Integer.toString(BYTES),
                        Integer.toString(mtu),
                        order,
                        Integer.toString(count),
                        Integer.toString(first));
        assertEquals(0, result.exitCode(), () -> result + order + "\n" + kernelCounters() + lab.stats());
        return result.out();
    }

    /** What the hosts' kernels have lost: fragments not reassembled, datagrams of wrong checksum or without room. */
    private static String kernelCounters() {
        StringBuilder text = new StringBuilder();
        for (String host : List.of("client", "rs1", "rs2", "rs3")) {
            text.append(host);
            for (String name : List.of("ReasmReqds", "ReasmOKs", "ReasmFails", "InDiscards")) {
                text.append(' ').append(name).append(' ').append(lab.kernelCounter(host, "Ip", name));
            }
            for (String name : List.of("InDatagrams", "InErrors", "RcvbufErrors", "InCsumErrors", "OutDatagrams")) {
                text.append(' ').append(name).append(' ').append(lab.kernelCounter(host, "Udp", name));
            }
            text.append('\n').append(lab.on(host, "ip", "-s", "link", "show", "eth1"));
        }
        return text.toString();
    }

    /** No fragment was dropped, and none is kept. */
    private static void assertClean() {
        Reading reading = Reading.of(lab.fixture());
        reading.assertNothingIsLost();
        assertEquals(0, reading.drops(), () -> reading.stats().toString());
        assertEquals(0, reading.worker(0, "frames_held") + reading.worker(1, "frames_held"));
    }

    /** Each from a socket of its own, and the next one only after the answer. */
    private static final String DATAGRAMS = """
            import os, socket, sys
            address, port, size, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
            good = 0
            for _ in range(count):
                with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    sock.settimeout(5)
                    sock.connect((address, port))
                    sent = os.urandom(size)
                    sock.send(sent)
                    good += sock.recv(65536).split(b" ", 1)[1] == sent
            print(good, "of", count)
            """;
}
