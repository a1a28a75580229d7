package dev.sluice.it;

import static dev.sluice.it.Topology.VIP4;
import static dev.sluice.it.Topology.VIP6;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.testing.LabFixture;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Path MTU discovery in all directions: clients hear what fits into tunnels, also beyond routers on the way to the real server, and
 * real servers hear what fits on the way of their replies. The client and rs3 are behind a router, rs1 and rs2 are not.
 */
class PathMtuIT {
    private static final int UPLOAD_PORT = 8090;
    private static final int UPLOAD_BYTES = 10_000_000;
    private static final int NARROW = 1400;
    private static final int LINK_BYTES = 14;
    private static final String SEGMENTS_AND_ERRORS =
            "tcp src port 80 or (icmp and icmp[0] == 3) or (icmp6 and ip6[40] == 2)";
    private static final String TOO_BIG = "(icmp.type == 3 && icmp.code == 4) || icmpv6.type == 2";

    private static DirectorLab lab;
    private static LabRouter router;
    private static Decapsulation decapsulation;
    private LabFixture.@Nullable Director director;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
        router = new LabRouter(lab.fixture(), "client", "rs3");
        decapsulation = Decapsulation.setUp(lab.fixture(), Topology.REAL_SERVERS);
        Uploads.serve(lab.fixture(), "rs1", UPLOAD_PORT);
        Uploads.serve(lab.fixture(), "rs3", UPLOAD_PORT);
    }

    @AfterAll
    static void down() {
        try {
            if (decapsulation != null) {
                decapsulation.close();
            }
        } finally {
            try {
                lab.close();
            } finally {
                router.close();
            }
        }
    }

    /** What was learned in another test is forgotten. */
    @BeforeEach
    void forget() {
        for (String host : List.of("client", "rs1", "rs2", "rs3")) {
            lab.on(host, "ip", "route", "flush", "cache");
            lab.on(host, "ip", "-6", "route", "flush", "cache");
        }
    }

    @AfterEach
    void stopDirector() {
        router.mtu("client", 1500);
        router.mtu("rs3", 1500);
        if (director != null) {
            assertEquals(0, director.stop(), director.log());
        }
    }

    @Test
    void an_upload_completes_though_the_outer_header_does_not_fit() {
        director = lab.fixture().startDirector(uploadTo("rs1", VIP4, VIP6).toString());
        assertUploads(VIP4, Set.of(1480));
        assertUploads(VIP6, Set.of(1460));
        forget();
        lab.apply(uploadTo("rs1", VIP6, VIP4));
        assertUploads(VIP4, Set.of(1460));
        assertUploads(VIP6, Set.of(1480));
    }

    @Test
    void an_upload_completes_though_a_link_behind_a_router_is_narrow() {
        router.mtu("rs3", NARROW);
        director = lab.fixture().startDirector(uploadTo("rs3", VIP4, VIP6).toString());
        assertUploads(VIP4, Set.of(1480, NARROW - 20));
        assertUploads(VIP6, Set.of(1460, NARROW - 40));
    }

    @Test
    void a_router_on_the_way_of_the_replies_is_heard_by_the_real_server() {
        director = lab.fixture()
                .startDirector(
                        downloadFrom(new ConfigText(lab.fixture(), "eth1")).toString());
        assertDownloads();
        forget();
        lab.apply(downloadFrom(new ConfigText(lab.fixture(), "eth1").tunnel()));
        assertDownloads();
    }

    private static ConfigText uploadTo(String realServer, String familyOf4, String familyOf6) {
        return new ConfigText(lab.fixture(), "eth1")
                .tunnel()
                .service("tcp", VIP4, UPLOAD_PORT, "rr", List.of(rip(realServer, familyOf4)), 1)
                .service("tcp", VIP6, UPLOAD_PORT, "rr", List.of(rip(realServer, familyOf6)), 1);
    }

    private static String rip(String realServer, String like) {
        return realServer.equals("rs3") ? LabRouter.address(realServer, like) : Topology.rip(realServer, like);
    }

    private static ConfigText downloadFrom(ConfigText config) {
        Topology.VIPS.forEach(
                vip -> config.service("tcp", vip, 80, "rr", List.of(rip("rs1", vip), rip("rs2", vip)), 1, 1));
        return config;
    }

    /** The client is told exactly these MTUs, from the VIP, and all that it sends arrives. */
    private static void assertUploads(String vip, Set<Integer> mtus) {
        Capture capture = Capture.start(lab.fixture(), "client", "icmp or icmp6");
        Reading before = Reading.of(lab.fixture());
        assertEquals("same", Uploads.upload(lab.fixture(), vip, UPLOAD_PORT, UPLOAD_BYTES));
        Reading reading = Reading.of(lab.fixture());
        reading.assertNothingIsLost();
        int told = (int) (reading.count(Counter.ICMP_ERROR_SENT) - before.count(Counter.ICMP_ERROR_SENT));
        assertTrue(told >= mtus.size(), () -> reading.stats().toString());
        capture.stop(told);

        List<String> errors = Tshark.fields(
                lab.fixture(),
                capture.file(),
                TOO_BIG,
                "ip.src",
                "ipv6.src",
                "icmp.mtu",
                "icmpv6.mtu",
                "ip.checksum.status",
                "icmp.checksum.status",
                "icmpv6.checksum.status");
        assertEquals(told, errors.size(), errors.toString());
        Set<String> heard = new HashSet<>();
        for (String error : errors) {
            String[] fields = error.split("\t", -1);
            // Of the quoted packet as well.
            for (int status = 4; status < fields.length; status++) {
                assertFalse(List.of(fields[status].split(",", -1)).contains("0"), "bad checksum: " + error);
            }
            boolean inet6 = fields[0].isEmpty();
            heard.add(fields[inet6 ? 1 : 0].split(",", -1)[0] + " " + fields[inet6 ? 3 : 2]);
        }
        assertEquals(mtus.stream().map(mtu -> vip + " " + mtu).collect(Collectors.toSet()), heard);
    }

    private static void assertDownloads() {
        router.mtu("client", NARROW);
        for (String vip : Topology.VIPS) {
            Set<String> informed = new HashSet<>();
            for (int i = 0; i < 2; i++) {
                long before = Reading.of(lab.fixture()).count(Counter.ICMP_RELAYED);
                Capture capture1 = Capture.start(lab.fixture(), "rs1", SEGMENTS_AND_ERRORS);
                Capture capture2 = Capture.start(lab.fixture(), "rs2", SEGMENTS_AND_ERRORS);
                String url = "http://" + Topology.host(vip) + "/big";
                String answer = lab.on(
                        "client",
                        "curl",
                        "-sS",
                        "--fail",
                        "-m",
                        "20",
                        "-o",
                        "/dev/null",
                        "-D",
                        "-",
                        "-w",
                        "%{size_download}",
                        url);
                assertTrue(answer.endsWith("1048576"), answer);
                Reading reading = Reading.of(lab.fixture());
                reading.assertNothingIsLost();
                assertTrue(
                        reading.count(Counter.ICMP_RELAYED) > before,
                        () -> reading.stats().toString());

                String server = answer.contains("X-Real-Server: rs1") ? "rs1" : "rs2";
                assertTrue(informed.add(server), "both downloads from " + server);
                for (String realServer : List.of("rs1", "rs2")) {
                    assertEquals(informed.contains(realServer), knowsNarrow(realServer, vip), realServer);
                }
                List<byte[]> served = capture1.stop(0);
                List<byte[]> others = capture2.stop(0);
                assertSegmentsGetSmaller(server.equals("rs1") ? served : others);
                assertTrue((server.equals("rs1") ? others : served).isEmpty(), "the other one was told as well");
            }
        }
    }

    /** Whether a real server has learned what fits on the way to the client. */
    private static boolean knowsNarrow(String realServer, String vip) {
        String client = LabRouter.address("client", vip);
        return lab.on(realServer, "ip", "route", "get", client, "from", vip).contains("mtu " + NARROW);
    }

    private static void assertSegmentsGetSmaller(List<byte[]> frames) {
        int lastLarge = -1;
        for (int i = 0; i < frames.size(); i++) {
            if (frames.get(i).length > NARROW + LINK_BYTES) {
                lastLarge = i;
            }
        }
        assertTrue(lastLarge >= 0, "no segment was too large to begin with");
        assertTrue(lastLarge < 100, "the last large segment is number " + lastLarge);
        assertFalse(frames.size() < 700, "only " + frames.size());
    }
}
