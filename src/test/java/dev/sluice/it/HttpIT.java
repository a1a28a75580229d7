package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** HTTP by curl from the client to nginx on the real servers: all is answered, and spread as the scheduler has to. */
class HttpIT {
    private static final int SEQUENTIAL = 1_000;
    private static final int CONCURRENT = 200;
    private static final int[] WEIGHTS = {3, 2, 1};

    private static LabFixture lab;
    private static int nextClientPort = 10_000;
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
    void rr_gives_every_real_server_the_same_number() {
        start("rr", 1, 1, 1);
        for (String vip : Topology.VIPS) {
            List<String> sequential = sequential(vip);
            Spread.assertEveryCycle(sequential, 1, 1, 1);
            assertEquals(
                    Spread.exact(SEQUENTIAL + CONCURRENT, 1, 1, 1), total(sequential, concurrent(vip)), "of " + vip);
            assertCountedByDirector(vip, 80, Spread.exact(SEQUENTIAL + CONCURRENT, 1, 1, 1));
        }
    }

    @Test
    void wrr_gives_exactly_in_proportion_to_weight() {
        start("wrr", WEIGHTS);
        for (String vip : Topology.VIPS) {
            List<String> sequential = sequential(vip);
            Spread.assertEveryCycle(sequential, WEIGHTS);
            assertEquals(
                    Spread.exact(SEQUENTIAL + CONCURRENT, WEIGHTS), total(sequential, concurrent(vip)), "of " + vip);
            assertCountedByDirector(vip, 80, Spread.exact(SEQUENTIAL + CONCURRENT, WEIGHTS));
        }
    }

    @Test
    void maglev_gives_by_weight_within_what_hashing_allows_and_the_same_to_the_same_client_port() {
        start("maglev", WEIGHTS);
        for (String vip : Topology.VIPS) {
            Map<String, Integer> counts = total(sequential(vip), concurrent(vip));
            Spread.assertHashed(counts, SEQUENTIAL + CONCURRENT, WEIGHTS);
            assertCountedByDirector(vip, 80, counts);

            String first = askFromPort20001(vip);
            assertEquals(first, askFromPort20001(vip));
            assertEquals(
                    Set.copyOf(Topology.REAL_SERVERS),
                    Set.copyOf(first.lines()
                            .map(line -> line.substring(line.indexOf(' ') + 1))
                            .distinct()
                            .toList()));
        }
    }

    @Test
    void weight_0_gets_nothing() {
        ConfigText config = new ConfigText(lab, "eth1");
        for (String vip : Topology.VIPS) {
            config.service("tcp", vip, 80, "rr", 1, 0, 1);
            config.service("tcp", vip, 8081, "wrr", 1, 0, 1);
            config.service("tcp", vip, 8082, "maglev", 1, 0, 1);
        }
        director = lab.startDirector(config.toString());
        for (String vip : Topology.VIPS) {
            for (int port : List.of(80, 8081, 8082)) {
                Map<String, Integer> counts = Topology.count(answers(vip, port, 200));
                assertEquals(Set.of("rs1", "rs3"), counts.keySet());
                assertCountedByDirector(vip, port, counts);
            }
        }
    }

    @Test
    void a_connection_kept_alive_stays_on_its_real_server() {
        start("rr", 1, 1, 1);
        for (String vip : Topology.VIPS) {
            List<String> served = new ArrayList<>();
            for (int connection = 0; connection < 3; connection++) {
                served.add(askOnOneConnection(vip));
            }
            assertEquals(3, Set.copyOf(served).size(), "three connections of rr: " + served);
            assertEquals(3, Reading.of(lab).service(vip, 80).traffic().connections());
        }
    }

    /** Fifty requests on one connection; the name of the one that answered them all. */
    private static String askOnOneConnection(String vip) {
        List<String> lines = client("curl", "-sS", "--fail", "-w", "%{num_connects}\n", url(vip, 50));
        List<String> names =
                lines.stream().filter(line -> line.startsWith("rs")).toList();
        assertEquals(50, names.size());
        assertEquals(1, Set.copyOf(names).size(), names.toString());
        assertEquals(
                1,
                lines.stream()
                        .filter(line -> !line.startsWith("rs"))
                        .mapToInt(Integer::parseInt)
                        .sum(),
                "curl was to use one connection");
        return names.getFirst();
    }

    private void start(String scheduler, int... weights) {
        ConfigText config = new ConfigText(lab, "eth1");
        Topology.VIPS.forEach(vip -> config.service("tcp", vip, 80, scheduler, weights));
        director = lab.startDirector(config.toString());
    }

    /** One after the other, each on a connection of its own; the names of those who answered, in order. */
    private static List<String> sequential(String vip) {
        List<String> answers = answers(vip, 80, SEQUENTIAL);
        assertEquals(SEQUENTIAL, answers.size());
        return answers;
    }

    /** All at once, each on a connection of its own. */
    private static List<String> concurrent(String vip) {
        String most = Integer.toString(CONCURRENT);
        List<String> answers =
                answers(vip, 80, CONCURRENT, "--parallel", "--parallel-immediate", "--parallel-max", most);
        assertEquals(CONCURRENT, answers.size());
        return answers;
    }

    /**
     * Each request comes from a client port of its own that no other test uses. Left to the kernel, ports come again
     * within minutes, and a connection from a port that the director still knows is no new flow to schedule.
     */
    private static List<String> answers(String vip, int port, int requests, String... options) {
        StringBuilder config = new StringBuilder();
        for (int i = 0; i < requests; i++) {
            config.append(i == 0 ? "" : "next\n").append("""
                    url = "http://%s:%d/"
                    local-port = %d
                    header = "Connection: close"
                    silent
                    show-error
                    fail
                    """.formatted(Topology.host(vip), port, nextClientPort++));
        }
        Path file = lab.state().resolve("curl.conf");
        try {
            Files.writeString(file, config);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<String> command = new ArrayList<>(List.of("curl", "--config", file.toString()));
        command.addAll(List.of(options));
        return client(command.toArray(String[]::new));
    }

    private static String url(String vip, int requests) {
        return "http://%s/?[1-%d]".formatted(Topology.host(vip), requests);
    }

    private static Map<String, Integer> total(List<String> some, List<String> others) {
        List<String> all = new ArrayList<>(some);
        all.addAll(others);
        return Topology.count(all);
    }

    /** The director has counted one connection a request, for the real servers that the clients saw. */
    private static void assertCountedByDirector(String vip, int port, Map<String, Integer> counts) {
        Reading reading = Reading.of(lab);
        assertEquals(counts, reading.connections(vip, port));
        assertEquals(
                counts.values().stream().mapToInt(Integer::intValue).sum(),
                reading.service(vip, port).traffic().connections());
        assertTrue(reading.drops() == 0, () -> reading.stats().outcomes().toString());
    }

    private static String askFromPort20001(String vip) {
        return lab.exec("client", "vagrant/provision/ask", "tcp", vip, "80", "100", "20001")
                .orFail();
    }

    private static List<String> client(String... command) {
        return lab.exec("client", command).orFail().lines().toList();
    }
}
