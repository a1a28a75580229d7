package dev.sluice.it;

import static dev.sluice.it.Topology.VIP4;
import static dev.sluice.it.Topology.VIP6;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.sluice.testing.LabFixture;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * HTTP and UDP through tunnels of every kind, to real servers that {@code sluice real-server} has set up; one of them, rs3, is
 * behind a router. The packets on their way carry outer headers to the RIP, and every checksum is right by tshark.
 */
class TunnelIT {
    private static final int REQUESTS = 30;

    private static final String BY4 = Topology.DIRECTOR4 + "\t" + Topology.rip("rs1", VIP4) + "\t";
    private static final String BY6 = Topology.DIRECTOR6 + "\t" + Topology.rip("rs1", VIP6) + "\t";

    // What tshark says of a checksum.
    private static final String BAD = "0";
    private static final String GOOD = "1";
    private static final String NONE = "3";
    private static final String ILLEGAL = "4";

    private static DirectorLab lab;
    private static LabRouter router;
    private LabFixture.@Nullable Director director;
    private List<String> realServers = List.of("rs1", "rs3");

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
        router = new LabRouter(lab.fixture(), "rs3");
    }

    @AfterAll
    static void down() {
        try {
            lab.close();
        } finally {
            router.close();
        }
    }

    @AfterEach
    void stopDirector() {
        if (director != null) {
            assertEquals(0, director.stop(), director.log());
        }
    }

    @Test
    void ipip_in_all_four_combinations_of_families() {
        realServers = Topology.REAL_SERVERS;
        try (Decapsulation _ = Decapsulation.setUp(lab.fixture(), realServers)) {
            Capture capture = captureOfRs1();
            start(VIP4, VIP4);
            int packets = assertServes(VIP4);
            packets += assertServes(VIP4, VIP6);
            packets += assertServes(VIP6, VIP4);
            packets += assertServes(VIP6, VIP6);
            assertOuterHeaders(capture, packets, Set.of(BY4 + "4\t\t", BY6 + "4\t\t", BY4 + "41\t\t", BY6 + "41\t\t"));
        }
    }

    @Test
    void gue_with_and_without_checksum() {
        String[] tunnel = {"tun_type = \"gue\"", "tun_port = 6080"};
        String[] checked = {"tun_type = \"gue\"", "tun_port = 6080", "tun_checksum = \"csum\""};
        try (Decapsulation _ =
                Decapsulation.setUp(lab.fixture(), realServers, "--tun-type", "gue", "--tun-port", "6080")) {
            Capture capture = captureOfRs1();
            start(VIP4, VIP4, tunnel);
            int packets = assertServes(VIP4);
            packets += assertServes(VIP6, VIP4, checked);
            packets += assertServes(VIP4, VIP6, checked);
            // RFC 6935 allows tunnels over IPv6 to have none, which tshark calls illegal.
            packets += assertServes(VIP6, VIP6, tunnel);
            assertOuterHeaders(
                    capture,
                    packets,
                    Set.of(
                            BY4 + "17\t6080\t" + NONE,
                            BY4 + "17\t6080\t" + GOOD,
                            BY6 + "17\t6080\t" + GOOD,
                            BY6 + "17\t6080\t" + ILLEGAL));
        }
    }

    @Test
    void gre_with_and_without_checksum() {
        String[] checked = {"tun_type = \"gre\"", "tun_checksum = \"csum\""};
        try (Decapsulation _ = Decapsulation.setUp(lab.fixture(), realServers, "--tun-type", "gre")) {
            Capture capture = captureOfRs1();
            start(VIP4, VIP4, "tun_type = \"gre\"");
            int packets = assertServes(VIP4);
            packets += assertServes(VIP6, VIP4, checked);
            packets += assertServes(VIP4, VIP6, checked);
            assertOuterHeaders(capture, packets, Set.of(BY4 + "47\t\t", BY4 + "47\t\t" + GOOD, BY6 + "47\t\t" + GOOD));
        }
    }

    /** On the switch: rs1 itself sees packets only after they were decapsulated. */
    private static Capture captureOfRs1() {
        return Capture.start(
                lab.fixture(),
                "switch",
                "rs1",
                "ether src " + Topology.DIRECTOR_MAC + " and (ip or ip6) and not icmp6 and not ether multicast");
    }

    private void start(String vip, String family, String... tunnel) {
        director = lab.fixture().startDirector(config(vip, family, tunnel).toString());
    }

    /** Both services of a VIP, by real servers with RIPs of the other's family. */
    private ConfigText config(String vip, String family, String... tunnel) {
        List<String> rips = realServers.stream()
                .map(host -> host.equals("rs3") ? LabRouter.address(host, family) : Topology.rip(host, family))
                .toList();
        int[] weights = rips.stream().mapToInt(_ -> 1).toArray();
        return new ConfigText(lab.fixture(), "eth1")
                .tunnel(tunnel)
                .service("tcp", vip, 80, "rr", rips, weights)
                .service("udp", vip, 7, "rr", rips, weights);
    }

    private int assertServes(String vip, String family, String... tunnel) {
        lab.apply(config(vip, family, tunnel));
        return assertServes(vip);
    }

    /** Requests are answered in turn and downloads are whole; how many packets rs1 got. */
    private int assertServes(String vip) {
        Map<String, Integer> even = new TreeMap<>();
        realServers.forEach(host -> even.put(host, REQUESTS / realServers.size()));
        assertEquals(even, lab.ask("tcp", vip, 80, REQUESTS));
        assertEquals(even, lab.ask("udp", vip, 7, REQUESTS));
        String url = "http://" + Topology.host(vip) + "/big";
        assertEquals(
                "1048576\n".repeat(3),
                lab.on("client", "sh", "-c", "for i in 1 2 3; do curl -sS --fail '" + url + "' | wc -c; done"));
        Reading reading = Reading.of(lab.fixture());
        reading.assertNothingIsLost();
        assertEquals(0, reading.drops(), () -> reading.stats().toString());
        return (int) (toRs1(reading, vip, 80) + toRs1(reading, vip, 7));
    }

    /**
     * All packets have such headers and all of these occur, and every checksum is right.
     *
     * @param expected outer source, destination and protocol, UDP port, and status of the outer UDP or GRE checksum
     */
    private static void assertOuterHeaders(Capture capture, int packets, Set<String> expected) {
        assertEquals(packets, capture.stop(packets).size());
        Set<String> headers = new TreeSet<>();
        List<String> lines = Tshark.fields(
                lab.fixture(),
                capture.file(),
                "ip || ipv6",
                "eth.type",
                "ip.src",
                "ip.dst",
                "ip.proto",
                "ipv6.src",
                "ipv6.dst",
                "ipv6.nxt",
                "udp.dstport",
                "gre.checksum.status",
                "ip.checksum.status",
                "udp.checksum.status",
                "tcp.checksum.status");
        for (String line : lines) {
            String[] fields = line.split("\t", -1);
            int from = fields[0].equals("0x86dd") ? 4 : 1;
            String protocol = first(fields[from + 2]);
            boolean gue = protocol.equals("17");
            headers.add(String.join(
                    "\t",
                    first(fields[from]),
                    first(fields[from + 1]),
                    protocol,
                    gue ? first(fields[7]) : "",
                    gue ? first(fields[10]) : first(fields[8])));
            for (int status = 8; status < fields.length; status++) {
                assertFalse(List.of(fields[status].split(",", -1)).contains(BAD), line);
            }
        }
        assertEquals(packets, lines.size());
        assertEquals(new TreeSet<>(expected), headers);
    }

    private static String first(String occurrences) {
        return occurrences.split(",", -1)[0];
    }

    private static long toRs1(Reading reading, String vip, int port) {
        return reading.service(vip, port).realServers().getFirst().traffic().inPackets();
    }
}
