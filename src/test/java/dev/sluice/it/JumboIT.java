package dev.sluice.it;

import static dev.sluice.it.DirectorLab.VIP4;
import static dev.sluice.it.DirectorLab.VIP6;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.testing.LabFixture;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets of 9000 bytes through a director whose frames hold less, so that each takes several. */
class JumboIT {
    private static final int UPLOAD_PORT = 8090;
    /** Of a service whose real server nobody is. */
    private static final int UNREACHABLE_PORT = 9;

    private static final int UPLOAD_BYTES = 20_000_000;

    private static DirectorLab lab;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
        lab.mtu(9_000);
        for (String real : Topology.REAL_SERVERS) {
            Uploads.serve(lab.fixture(), real, UPLOAD_PORT);
        }
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "frame_size = 2048",
                "frame_size = 4096",
                "frame_size = 2048\nxdp_mode = \"generic\"",
                "frame_size = 2048\nbatch_size = 1"
            })
    void datagrams_and_segments_arrive_unharmed(String settings) {
        LabFixture.Director director = lab.fixture().startDirector(config(settings), "--release");
        assertEquals("40 of 40\n", datagrams(VIP4, 8_972, 40));
        assertEquals("40 of 40\n", datagrams(VIP6, 8_952, 40));
        for (String vip : List.of(VIP4, VIP6)) {
            assertEquals("same", upload(vip));
        }
        // Small ones still come through between the large ones.
        lab.ask("udp", VIP4, 7, 10);
        DirectorStats stats = lab.atRest();
        DirectorLab.assertNothingLost(stats);
        long segments = DirectorLab.outcome(stats, Counter.FORWARDED);
        assertTrue(
                segments < 2 * UPLOAD_BYTES / 4_000,
                segments + " packets: segments were not of the size that the MTU allows");
        assertEquals(0, DirectorLab.xsk(stats, "rx_dropped"), stats::toString);
        assertEquals(0, DirectorLab.xsk(stats, "tx_invalid_descs"), stats::toString);
        assertEquals(0, DirectorLab.outcome(stats, Counter.TOO_MANY_FRAMES), stats::toString);
        assertEquals(0, director.stop());
    }

    @Test
    void what_small_rings_cannot_take_is_dropped_whole_and_no_frame_is_lost() {
        LabFixture.Director director = lab.fixture().startDirector(config("""
                frame_size = 2048
                batch_size = 64
                rx_ring = 64
                tx_ring = 64
                fill_ring = 64
                completion_ring = 64
                frames = 256
                """), "--release");
        lab.on("client", "/usr/bin/python3", "-c", BURST, VIP4, "7", "8972", "20000");
        DirectorStats stats = lab.atRest();
        DirectorLab.assertNothingLost(stats);
        assertTrue(DirectorLab.outcome(stats, Counter.FORWARDED) > 1_000, stats::toString);
        assertEquals(0, DirectorLab.xsk(stats, "tx_invalid_descs"), stats::toString);
        assertEquals("40 of 40\n", datagrams(VIP4, 8_972, 40));
        assertEquals("same", upload(VIP4));
        DirectorLab.assertNothingLost(lab.atRest());
        assertEquals(0, director.stop());
    }

    @Test
    void what_the_director_drops_gives_all_of_its_frames_back() {
        LabFixture.Director director = lab.fixture().startDirector(config("frame_size = 2048"), "--release");
        lab.on("client", "/usr/bin/python3", "-c", BURST, VIP4, "" + UNREACHABLE_PORT, "8972", "100");
        DirectorStats stats = lab.atRest();
        assertEquals(100, DirectorLab.outcome(stats, Counter.NO_NEIGHBOUR), stats::toString);
        DirectorLab.assertNothingLost(stats);
        assertEquals(0, director.stop());
    }

    private static String config(String directorLines) {
        return lab.config(
                directorLines,
                DirectorLab.service("udp", VIP4, 7, "rr", DirectorLab.RIPS4),
                DirectorLab.service("udp", VIP6, 7, "rr", DirectorLab.RIPS6),
                DirectorLab.service("udp", VIP4, UNREACHABLE_PORT, "rr", List.of("10.0.0.99")),
                DirectorLab.service("tcp", VIP4, UPLOAD_PORT, "rr", DirectorLab.RIPS4),
                DirectorLab.service("tcp", VIP6, UPLOAD_PORT, "rr", DirectorLab.RIPS6));
    }

    private static String datagrams(String vip, int bytes, int count) {
        return lab.on("client", "/usr/bin/python3", "-c", DATAGRAMS, vip, "" + bytes, "" + count);
    }

    private static String upload(String vip) {
        return Uploads.upload(lab.fixture(), vip, UPLOAD_PORT, UPLOAD_BYTES);
    }

    /** Datagrams to the echo with don't-fragment, of the size given and of those around the ends of frames. */
    private static final String DATAGRAMS = """
            import os, random, socket, sys
            address, most, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
            inet6 = ":" in address
            headers = 62 if inet6 else 42
            random.seed(9000)
            sizes = [most] * 4
            for room in 1792, 3840:
                sizes += [k * room - headers + d for k in (1, 2, 3, 4) for d in (-1, 0, 1)]
            sizes = [size for size in sizes if size <= most]
            sizes += [random.randint(1, most) for _ in range(count - len(sizes))]
            good = 0
            for size in sizes:
                with socket.socket(socket.AF_INET6 if inet6 else socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    # IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, PMTUDISC_DO
                    sock.setsockopt(*((socket.IPPROTO_IPV6, 23, 2) if inet6 else (socket.IPPROTO_IP, 10, 2)))
                    sock.settimeout(5)
                    sock.connect((address, 7))
                    sent = os.urandom(size)
                    sock.send(sent)
                    good += sock.recv(65536).split(b" ", 1)[1] == sent
            print(good, "of", len(sizes))
            """;

    /** As many datagrams as there are, as fast as they go. */
    private static final String BURST = """
            import socket, sys
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.connect((sys.argv[1], int(sys.argv[2])))
            for _ in range(int(sys.argv[4])):
                try:
                    sock.send(bytes(int(sys.argv[3])))
                except OSError:
                    pass
            """;
}
