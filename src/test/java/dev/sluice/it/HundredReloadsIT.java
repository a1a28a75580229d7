package dev.sluice.it;

import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.KeepAliveClients.Report;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A hundred reloads in turn of two configurations that differ in scheduler, weights, order of real servers and services, one of
 * them with a real server drained: under two hundred requests at a time, each on a connection of its own, and a thousand
 * connections in use all the time.
 */
class HundredReloadsIT {
    private static final int RELOADS = 100;
    private static final int CONNECTIONS = 1_000;
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /**
     * Two hundred at a time, again and again from curl, until a file is there. A line "200" for each answer, otherwise what went
     * wrong. The client's ports come round again within seconds, so SYNs meet connections in FIN_WAIT of any real server.
     */
    private static final String REQUESTS = """
            while [ ! -e "$1" ]; do
                curl -sS -Z --parallel-immediate --parallel-max 200 --max-time 10 -H 'Connection: close' -o /dev/null \\
                    -w '%{http_code} %{errormsg}\\n' "http://$2/[1-2000]" 2>/dev/null
            done
            """;

    private DirectorLab lab;
    private LabFixture.Director director;

    @BeforeEach
    void up() {
        lab = DirectorLab.up();
        director = lab.fixture().startDirector(first().toString());
    }

    @AfterEach
    void down() {
        lab.close();
    }

    private ConfigText first() {
        return new ConfigText(lab.fixture(), "eth1").service("tcp", VIP4, 80, "rr", 1, 1, 1);
    }

    private ConfigText second() {
        return new ConfigText(lab.fixture(), "eth1")
                .service("udp", VIP4, 7, "maglev", 1, 1)
                .service("tcp", VIP4, 80, "wlc", List.of("10.0.0.13", "10.0.0.12", "10.0.0.11"), 2, 3, 0)
                .service("tcp", VIP4, 8081, "rr", 1);
    }

    @Test
    void lose_no_request_and_break_no_connection() throws IOException, InterruptedException {
        Path stop = lab.fixture().state().resolve("stop");
        Path answers = lab.fixture().state().resolve("answers");
        try (BusyClients clients = BusyClients.start(lab.fixture(), VIP4, 80, INTERVAL, PATIENCE)) {
            clients.open(CONNECTIONS, 500);
            Process requests =
                    lab.fixture().start(answers, "client", "bash", "-c", REQUESTS, "requests", stop.toString(), VIP4);
            awaitAnswers(answers, 1_000);
            for (int i = 0; i < RELOADS; i++) {
                List<String> changes = lab.apply(i % 2 == 0 ? second() : first());
                assertTrue(changes.size() >= 6, changes::toString);
            }
            awaitAnswers(answers, count(answers) + 200);
            Files.createFile(stop);
            assertTrue(requests.waitFor(60, TimeUnit.SECONDS));
            Report report = clients.assertAllGoOn(PATIENCE);
            assertEquals(
                    CONNECTIONS,
                    report.servers().values().stream().mapToInt(n -> n).sum());
        }
        assertEquals(
                List.of(),
                Files.readAllLines(answers).stream()
                        .filter(line -> !line.equals("200 "))
                        .distinct()
                        .toList());
        assertEquals(0, director.stop(), director::log);
    }

    private static void awaitAnswers(Path answers, long count) throws IOException {
        long deadlineNs = System.nanoTime() + 60_000_000_000L;
        while (count(answers) < count) {
            assertTrue(System.nanoTime() < deadlineNs, "no answers");
            DirectorLab.pause(50);
        }
    }

    private static long count(Path answers) throws IOException {
        if (!Files.exists(answers)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(answers)) {
            return lines.count();
        }
    }
}
