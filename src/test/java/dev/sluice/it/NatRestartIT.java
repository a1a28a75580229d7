package dev.sluice.it;

import static dev.sluice.it.Topology.VIP4;
import static dev.sluice.it.Topology.VIP6;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Connections by NAT whose director is stopped, and killed, while they carry data, and whose next director finds them in
 * shared memory: with round robin and translated ports nothing else could tell it where they go.
 */
class NatRestartIT {
    private static final int CONNECTIONS = 90;
    private static final int PER_SECOND = 200;
    private static final int DOWNLOAD_BYTES = 16_000_000;
    private static final Duration INTERVAL = Duration.ofMillis(200);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private LabFixture lab;

    @BeforeEach
    void up() {
        lab = LabFixture.up("--scenario", "nat-two-armed");
        for (String name : Topology.REAL_SERVERS) {
            lab.exec(name, "sh", "-c", "head -c %d /dev/urandom > %s".formatted(DOWNLOAD_BYTES, big(name)))
                    .orFail();
        }
    }

    @AfterEach
    void down() {
        lab.close();
    }

    private Path big(String realServer) {
        return lab.state().resolve(realServer + "/www/big");
    }

    private String config() {
        ConfigText config = new ConfigText(lab, "eth1", "eth2")
                .director(
                        "flow_table_memory = \"shared\"",
                        "flow_table_directory = \"" + lab.state().resolve("flows") + "\"",
                        "flow_table_size = 65536");
        for (String vip : Topology.VIPS) {
            List<String> rips = Topology.isInet6(vip)
                    ? List.of("fd00:52::11", "fd00:52::12", "fd00:59::13")
                    : List.of("10.0.1.11", "10.0.1.12", "10.0.9.13");
            config.nat(8080).service("tcp", vip, 80, "rr", rips, 1, 1, 1);
            config.nat(21).service("tcp", vip, 21, "rr", rips, 1, 1, 1);
        }
        return config.toString();
    }

    @Test
    void downloads_and_conversations_go_on() throws IOException {
        LabFixture.Director director = lab.startDirector(config());
        List<Download> downloads = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            downloads.add(new Download(VIP4));
            downloads.add(new Download(VIP6));
        }
        try (BusyClients clients4 = BusyClients.start(lab, VIP4, 80, INTERVAL, PATIENCE);
                BusyClients clients6 = BusyClients.start(lab, VIP6, 80, INTERVAL, PATIENCE)) {
            clients4.open(CONNECTIONS, PER_SECOND);
            clients6.open(CONNECTIONS, PER_SECOND);

            assertEquals(0, director.stop(), director::log);
            director = lab.startDirector(config());
            assertTookOver(director, 2 * CONNECTIONS + downloads.size());
            clients4.assertAllGoOn(PATIENCE);
            clients6.assertAllGoOn(PATIENCE);

            director.kill9();
            director = lab.startDirector(config());
            assertTookOver(director, 2 * CONNECTIONS + downloads.size());
            clients4.assertAllGoOn(PATIENCE);
            assertEquals(CONNECTIONS, clients6.assertAllGoOn(PATIENCE).alive());
            for (Download download : downloads) {
                assertTrue(download.isUnderWay(), "it has not outlived two directors");
            }
            Files.createFile(released());
            for (Download download : downloads) {
                download.assertWhole();
            }
        }
        Reading reading = Reading.of(lab);
        for (Counter none : List.of(Counter.FLOW_NEW, Counter.FLOW_NEW_SLOPPY, Counter.NAT_WITHOUT_FLOW)) {
            assertEquals(0, reading.count(none), () -> none + " " + reading.stats());
        }
        reading.assertNothingIsLost();
        assertEquals(0, director.stop(), director::log);
    }

    private static void assertTookOver(LabFixture.Director director, int connections) {
        assertTrue(
                director.log().contains("queue 0: took over " + connections + " connections of the director before"),
                director::log);
    }

    /** A file that its client takes slowly until it is told that the directors have come and gone. */
    private final class Download {
        private static final String SCRIPT = """
                import hashlib, os, socket, sys, time
                sock = socket.create_connection((sys.argv[1], 80), 30)
                sock.sendall(b"GET /big HTTP/1.1\\r\\nHost: vip\\r\\nConnection: close\\r\\n\\r\\n")
                stream = sock.makefile("rb")
                while (line := stream.readline().strip()):
                    if line.startswith(b"X-Real-Server: "):
                        print(line[15:].decode())
                digest = hashlib.sha256()
                while (data := stream.read(20000)):
                    digest.update(data)
                    if not os.path.exists(sys.argv[2]):
                        time.sleep(0.05)
                print("digest", digest.hexdigest())
                """;

        private final Path log = Files.createTempFile(lab.state(), "download", "");
        private final Process process;

        Download(String vip) throws IOException {
            process = lab.start(
                    log,
                    "client",
                    "/usr/bin/python3",
                    "-uc",
                    SCRIPT,
                    vip,
                    released().toString());
        }

        boolean isUnderWay() {
            return process.isAlive() && LogFile.lines(log).size() == 1;
        }

        void assertWhole() {
            String digest = LogFile.await(log, line -> line.startsWith("digest "));
            String name = LogFile.lines(log).getFirst();
            String sum = lab.exec(name, "sha256sum", big(name).toString()).orFail();
            assertEquals(sum.split(" ", -1)[0], digest.split(" ", -1)[1], name);
        }
    }

    private Path released() {
        return lab.state().resolve("released");
    }

    /** What the director changed in an FTP control connection went with it, so the client has to connect again. */
    @Test
    void control_connections_of_ftp_are_left_behind() {
        LabFixture.Director director = lab.startDirector(config());
        for (String vip : Topology.VIPS) {
            Path log = lab.state().resolve("ftp-" + vip.replace(':', '-'));
            lab.start(log, "client", "/usr/bin/python3", "-uc", """
                    import ftplib, sys, time
                    ftp = ftplib.FTP()
                    ftp.connect(sys.argv[1], 21, 5)
                    print(ftp.login())
                    time.sleep(60)
                    """, vip);
            LogFile.await(log, line -> line.startsWith("230 "));
        }
        assertEquals(0, director.stop(), director::log);
        director = lab.startDirector(config());
        assertTookOver(director, 0);
        assertTrue(director.log().contains("2 of unknown real servers"), director::log);
        for (String vip : Topology.VIPS) {
            lab.exec("client", "curl", "-sS", "--fail", "--max-time", "10", "ftp://" + Topology.host(vip) + "/name")
                    .orFail();
        }
        assertEquals(0, director.stop(), director::log);
    }
}
