package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.PacketBalance;
import dev.sluice.testing.CommandResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** {@code sluice capture} on real traffic, read by tshark, which knows nothing of the director. */
class CaptureCommandIT {
    private static final String VIP4 = DirectorLab.VIP4;
    private static final String VIP6 = DirectorLab.VIP6;

    private static DirectorLab lab;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
        lab.on("director", "ip", "address", "add", "10.0.0.200/24", "dev", "eth1");
        ConfigText config = new ConfigText(lab.fixture(), "eth1")
                .lines("[director.fullnat]\nlocal_addresses = [\"10.0.0.200\"]\n")
                .service("tcp", VIP4, 80, "rr", 1, 1, 1)
                .service("tcp", VIP6, 80, "rr", 1, 1, 1)
                .service("udp", VIP4, 7, "rr", 1, 1, 1)
                .service("udp", VIP4, 9, "rr", 0, 0, 0)
                .tunnel()
                .service("udp", VIP4, 1001, "rr", 1)
                .nat(7)
                .service("udp", VIP4, 1002, "rr", 1)
                .fullnat(7)
                .service("udp", VIP4, 1003, "rr", 1);
        lab.fixture().startDirector(config.toString());
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    private static void datagram(String vip, int port, String payload) {
        lab.on(
                "client",
                "/usr/bin/python3",
                "-c",
                "import socket,sys; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
                        + "s.sendto(sys.argv[3].encode(), (sys.argv[1], int(sys.argv[2])))",
                vip,
                "" + port,
                payload);
    }

    @Test
    void tshark_shows_packets_live_as_they_come_and_as_they_leave() {
        Observing live = Observing.live(
                lab.fixture(),
                "-c 2 --vip " + VIP4 + ":7 --protocol udp",
                "frame.comment",
                "frame.packet_id",
                "frame.interface_name",
                "eth.dst",
                "ip.ttl",
                "ip.dst");
        lab.ask("udp", VIP4, 7, 1);
        // Live: what has come is there while the capture runs.
        List<String> first =
                live.await("the first packet", lines -> packets(lines).size() >= 2);
        assertFalse(first.stream().anyMatch(line -> line.contains("packets captured")));
        lab.ask("udp", VIP4, 7, 1);
        List<String> all = live.end();
        List<String[]> packets = packets(all);
        assertEquals(4, packets.size(), all::toString);
        for (int i = 0; i < 4; i += 2) {
            String[] in = packets.get(i);
            String[] out = packets.get(i + 1);
            assertEquals("queue 0 in forwarded flow_new", in[0]);
            assertEquals("queue 0 out forwarded flow_new", out[0]);
            assertEquals(in[1], out[1], "the same packet has one id");
            assertEquals("eth1", in[2]);
            assertEquals(Topology.DIRECTOR_MAC, in[3]);
            assertNotEquals(Topology.DIRECTOR_MAC, out[3]);
            assertEquals(List.of("64", "63"), List.of(in[4], out[4]));
            assertEquals(VIP4, out[5]);
        }
        assertNotEquals(packets.get(0)[1], packets.get(2)[1]);
        assertTrue(
                all.stream().anyMatch(line -> line.equals("2 packets captured in 4 images, 0 lost, 0 suppressed")),
                all::toString);
    }

    private static List<String[]> packets(List<String> lines) {
        return lines.stream()
                .filter(line -> line.startsWith("queue "))
                .map(line -> line.split("\t", -1))
                .toList();
    }

    /** A capture to a file of what {@code traffic} causes: its fields by tshark. */
    private static List<String[]> recorded(String options, int packets, Runnable traffic, String... fields) {
        Path file = lab.fixture().state().resolve("capture-" + System.nanoTime() + ".pcapng");
        Observing capture = Observing.shell(
                lab.fixture(), Observing.launcher() + " capture -w " + file + " -c " + packets + " " + options);
        capture.await("the beginning", lines -> lines.stream().anyMatch(line -> line.startsWith("capturing")));
        traffic.run();
        capture.end();
        return Tshark.fields(lab.fixture(), file, "frame", fields).stream()
                .map(line -> line.split("\t", -1))
                .toList();
    }

    @Test
    void a_tunnel_shows_its_outer_header_and_all_of_a_packet() {
        String payload = "x".repeat(1000);
        List<String[]> packets = recorded(
                "-s 2000 --vip " + VIP4 + ":1001",
                1,
                () -> datagram(VIP4, 1001, payload),
                "frame.comment",
                "ip.dst",
                "ip.proto",
                "ip.checksum.status",
                "udp.checksum.status",
                "frame.len",
                "frame.cap_len");
        assertEquals(2, packets.size());
        assertEquals(
                List.of(VIP4, "17", "1", "1", "1042", "1042"),
                List.of(packets.get(0)).subList(1, 7));
        assertEquals(
                List.of("10.0.0.11," + VIP4, "4,17", "1,1", "1", "1062", "1062"),
                List.of(packets.get(1)).subList(1, 7));
    }

    @Test
    void nat_shows_both_addresses_and_checksums_that_are_right() {
        List<String[]> packets = recorded(
                "--vip " + VIP4 + ":1002",
                1,
                () -> datagram(VIP4, 1002, "hello"),
                "ip.dst",
                "udp.dstport",
                "ip.checksum.status",
                "udp.checksum.status");
        assertEquals(2, packets.size());
        assertEquals(List.of(VIP4, "1002", "1", "1"), List.of(packets.get(0)));
        assertEquals(List.of("10.0.0.11", "7", "1", "1"), List.of(packets.get(1)));
    }

    @Test
    void fullnat_shows_request_and_reply_of_one_client() {
        List<String[]> packets = recorded(
                "--client 10.0.0.1 --vip " + VIP4 + ":1003",
                2,
                () -> lab.ask("udp", VIP4, 1003, 1),
                "frame.comment",
                "ip.src",
                "ip.dst",
                "udp.checksum.status");
        assertEquals(4, packets.size());
        assertEquals(List.of("queue 0 in forwarded flow_new", "10.0.0.1", VIP4, "1"), List.of(packets.get(0)));
        assertEquals(
                List.of("queue 0 out forwarded flow_new", "10.0.0.200", "10.0.0.11", "1"), List.of(packets.get(1)));
        assertEquals(
                List.of("queue 0 in forwarded reply_hit", "10.0.0.11", "10.0.0.200", "1"), List.of(packets.get(2)));
        assertEquals(List.of("queue 0 out forwarded reply_hit", VIP4, "10.0.0.1", "1"), List.of(packets.get(3)));
    }

    @Test
    void ipv6_shows_the_hop_limit_lowered() {
        List<String[]> packets = recorded(
                "-s 96 --vip [" + VIP6 + "]:80 --protocol tcp",
                3,
                () -> lab.ask("tcp", VIP6, 80, 1),
                "frame.comment",
                "ipv6.hlim",
                "ipv6.dst",
                "frame.cap_len");
        assertEquals(6, packets.size());
        assertEquals("queue 0 in forwarded flow_new", packets.get(0)[0]);
        assertEquals("queue 0 in forwarded flow_hit", packets.get(2)[0]);
        assertEquals(List.of("64", "63"), List.of(packets.get(0)[1], packets.get(1)[1]));
        assertTrue(packets.stream().allMatch(packet -> packet[2].equals(VIP6) && Integer.parseInt(packet[3]) <= 96));
    }

    @Test
    void drops_by_reason_under_a_flood_and_only_those() {
        long before = DirectorLab.outcome(lab.stats(), Counter.NO_REAL_SERVER);
        Observing live = Observing.live(
                lab.fixture(),
                "--drops no_real_server --rate 500 -a duration:12",
                "frame.comment",
                "udp.dstport",
                "ip.dst");
        lab.flood("udp", 9, 2, 100, 20_000);
        // Of others there is nothing to see, though they are forwarded in between.
        lab.ask("udp", VIP4, 7, 3);
        List<String> lines = live.end();
        List<String[]> packets = packets(lines);
        assertTrue(packets.size() > 500 && packets.size() < 4 * 500, "" + packets.size());
        for (String[] packet : packets) {
            assertEquals(List.of("queue 0 in drop no_real_server", "9", VIP4), List.of(packet));
        }
        String summary = lines.stream()
                .filter(line -> line.contains("packets captured"))
                .findFirst()
                .orElseThrow();
        List<Long> counts = new ArrayList<>();
        for (String word : summary.split("[^0-9]+", -1)) {
            if (!word.isEmpty()) {
                counts.add(Long.parseLong(word));
            }
        }
        // Captured, images, lost, suppressed: every drop is one of them.
        assertEquals(packets.size(), counts.get(0));
        long dropped = DirectorLab.outcome(lab.stats(), Counter.NO_REAL_SERVER) - before;
        assertTrue(dropped > 1_000, "" + dropped);
        assertEquals(dropped, counts.get(0) + counts.get(2) + counts.get(3), summary);
        // The kernel may have had no room for some of a flood; what came to the worker adds up.
        DirectorStats rest = lab.atRest();
        assertTrue(PacketBalance.of(rest).isExact(), rest::toString);
    }

    @Test
    void misses_are_the_first_packets_of_connections() {
        List<String[]> packets = recorded(
                "--misses --images before",
                3,
                () -> lab.ask("tcp", VIP4, 80, 3),
                "frame.comment",
                "tcp.flags.syn",
                "tcp.flags.ack");
        assertEquals(3, packets.size());
        packets.forEach(packet -> assertEquals(List.of("queue 0 in forwarded flow_new", "1", "0"), List.of(packet)));
    }

    @Test
    void nothing_is_left_when_the_one_who_captures_is_killed() throws AdminException {
        AdminClient director = new AdminClient(lab.fixture().socket());
        Path file = lab.fixture().state().resolve("killed.pcapng");
        Path pid = lab.fixture().state().resolve("killed.pid");
        Observing capture = Observing.shell(
                lab.fixture(), "echo $$ > " + pid + "; exec " + Observing.launcher() + " capture -w " + file);
        capture.await("the beginning", lines -> lines.stream().anyMatch(line -> line.startsWith("capturing")));
        // The launcher execs Java.
        lab.on("director", "sh", "-c", "kill -9 $(cat " + pid + ")");
        List<String> sessions = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            sessions.add(director.askTree("capture-start").path("session").asText());
        }
        AdminException full = assertThrows(AdminException.class, () -> director.askTree("capture-start"));
        assertEquals("full", full.code());
        long startNs = System.nanoTime();
        String last = null;
        while (last == null) {
            for (String session : sessions) {
                director.askTree("capture-read", Map.of("session", session));
            }
            assertTrue(System.nanoTime() - startNs < 15_000_000_000L, "it never ends");
            DirectorLab.pause(500);
            try {
                last = director.askTree("capture-start").path("session").asText();
            } catch (AdminException e) {
                assertEquals("full", e.code());
            }
        }
        sessions.add(last);
        for (String session : sessions) {
            director.askTree("capture-stop", Map.of("session", session));
        }
        assertEquals(
                Set.of("session_not_found"),
                sessions.stream()
                        .map(session -> assertThrows(
                                        AdminException.class,
                                        () -> director.askTree("capture-read", Map.of("session", session)))
                                .code())
                        .collect(Collectors.toSet()));
        lab.ask("udp", VIP4, 7, 3);
        Reading.of(lab.fixture()).assertNothingIsLost();
    }

    @Test
    void a_worker_allocates_nothing_while_it_is_observed() throws AdminException {
        AdminClient director = new AdminClient(lab.fixture().socket());
        List<String> sessions = List.of(
                start(director, Map.of("rate", 10_000)),
                start(director, Map.of("drops", List.of(), "rate", 10_000)),
                start(director, Map.of("misses", true, "vip", VIP4)));
        Path log = lab.fixture().state().resolve("flood.log");
        Process dropped = lab.startFlood(log, "udp", 9, 15, 100, 5_000);
        Process forwarded = lab.startFlood(log, "udp", 7, 15, 100, 5_000);
        readFor(2, director, sessions);
        // The JVM charges what compiled code links when it first takes a rare branch to the thread; what a packet costs
        // would show
        // in every second.
        long allocated = Long.MAX_VALUE;
        long captured = 0;
        for (int attempt = 0; attempt < 6 && allocated != 0; attempt++) {
            long before = DirectorLab.worker(lab.stats(), "allocated_bytes");
            captured = readFor(1, director, sessions);
            allocated = DirectorLab.worker(lab.stats(), "allocated_bytes") - before;
        }
        assertEquals(0, allocated);
        assertTrue(captured > 1_000, "" + captured);
        assertTrue(dropped.isAlive() && forwarded.isAlive());
        dropped.destroy();
        forwarded.destroy();
        for (String session : sessions) {
            director.askTree("capture-stop", Map.of("session", session));
        }
    }

    /** Reads all that comes in so many seconds from the first packet on: how many images. */
    private static long readFor(int seconds, AdminClient director, List<String> sessions) throws AdminException {
        long images = 0;
        long startNs = System.nanoTime();
        while (System.nanoTime() - startNs < seconds * 1_000_000_000L) {
            long before = images;
            for (String session : sessions) {
                images += director.askTree("capture-read", Map.of("session", session))
                        .path("packets")
                        .size();
            }
            startNs = before == 0 ? System.nanoTime() : startNs;
            DirectorLab.pause(20);
        }
        return images;
    }

    private static String start(AdminClient director, Map<String, Object> request) throws AdminException {
        return director.askTree("capture-start", request).path("session").asText();
    }

    @Test
    void what_makes_no_sense_is_refused_and_no_file_written() {
        Path file = lab.fixture().state().resolve("refused.pcapng");
        CommandResult reason = lab.fixture().sluice("capture", "-w", file.toString(), "--drops", "no_reason");
        assertEquals(1, reason.exitCode());
        assertTrue(
                reason.err().startsWith("sluice: there is no reason \"no_reason\" to drop a packet; there are "),
                reason.err());
        CommandResult unseen = lab.fixture().sluice("capture", "-w", file.toString(), "--drops", "too_many_frames");
        assertEquals(1, unseen.exitCode());
        assertTrue(unseen.err().contains("leave nothing to capture"), unseen.err());
        CommandResult condition = lab.fixture().sluice("capture", "-w", file.toString(), "-a", "size:1");
        assertEquals(2, condition.exitCode());
        assertTrue(condition.err().contains("duration:SECONDS"), condition.err());
        assertFalse(Files.exists(file));
        CommandResult terminal =
                lab.fixture().exec("director", "script", "-qec", Observing.launcher() + " capture -w -", "/dev/null");
        assertEquals(2, terminal.exitCode(), terminal.toString());
        assertTrue(terminal.out().contains("not for a terminal"), terminal.toString());
    }

    @Test
    void an_interrupted_capture_ends_in_good_order() {
        Path file = lab.fixture().state().resolve("interrupted.pcapng");
        Observing capture = Observing.shell(
                lab.fixture(),
                Observing.launcher() + " capture -w " + file
                        + " & pid=$!; sleep 3; kill -TERM $pid; wait $pid; echo code $?");
        capture.await("the beginning", lines -> lines.stream().anyMatch(line -> line.startsWith("capturing")));
        lab.ask("udp", VIP4, 7, 1);
        List<String> lines = capture.end();
        assertTrue(lines.contains("code 0"), lines::toString);
        assertTrue(lines.stream().anyMatch(line -> line.contains("1 packets captured in 2 images")), lines::toString);
        assertEquals(
                2, Tshark.fields(lab.fixture(), file, "udp", "frame.number").size());
    }
}
