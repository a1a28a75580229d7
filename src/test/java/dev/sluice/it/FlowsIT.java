package dev.sluice.it;

import static dev.sluice.it.DirectorLab.VIP4;
import static dev.sluice.it.DirectorLab.VIP6;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.stats.ConnectionStats;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** {@code sluice flows} of a running director: what is asked for and nothing else, in order, and counted. */
class FlowsIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String HEADER =
            "PRO  EXPIRES STATE       CLIENT                VIRTUAL               REAL                  METHOD  QUEUE   IDLE  PACKETS      BYTES";

    private static DirectorLab lab;
    private LabFixture.@Nullable Director director;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @AfterEach
    void stop() {
        if (director != null) {
            assertEquals(0, director.stop(), director::log);
        }
    }

    private static List<String> flows(String... options) {
        List<String> command = new ArrayList<>(List.of("flows"));
        command.addAll(List.of(options));
        CommandResult result = lab.fixture().sluice(command.toArray(String[]::new));
        assertEquals("", result.err());
        return result.orFail().lines().toList();
    }

    private static List<ConnectionStats> json(String... options) {
        List<String> all = new ArrayList<>(List.of(options));
        all.add("--json");
        List<ConnectionStats> flows = new ArrayList<>();
        for (String line : flows(all.toArray(String[]::new))) {
            try {
                flows.add(JSON.readValue(line, ConnectionStats.class));
            } catch (JsonProcessingException e) {
                throw new AssertionError(line, e);
            }
        }
        return flows;
    }

    private static Map<String, Long> counts(String... options) {
        Map<String, Long> counts = new TreeMap<>();
        for (String line : flows(options)) {
            String[] words = line.strip().split("\\s+", -1);
            counts.put(String.join(" ", Arrays.copyOfRange(words, 4, words.length)), Long.parseLong(words[0]));
        }
        return counts;
    }

    @Test
    void what_is_asked_for_is_shown_and_nothing_else() {
        director = lab.fixture()
                .startDirector(new ConfigText(lab.fixture(), "eth1")
                        // Who closes before the last of the answer has come resets the connection: ten seconds are too
                        // short.
                        .director("flow_table_size = 4096", "[director.timeouts]", "close = 120")
                        .service("tcp", VIP4, 80, "rr", 1, 1)
                        .service("tcp", VIP6, 80, "rr", 1, 1)
                        .service("udp", VIP4, 7, "rr", 1, 1)
                        .with("persistence = 100")
                        .markService(7, VIP4, "rr", 1)
                        .rule(7, VIP4, "ports = \"8081\"")
                        .toString());
        lab.ask("tcp", VIP4, 80, 20);
        lab.ask("tcp", VIP6, 80, 10);
        lab.ask("udp", VIP4, 7, 8);
        lab.ask("tcp", VIP4, 8081, 3);

        List<String> lines = flows();
        assertEquals(HEADER, lines.getFirst());
        assertEquals(41, lines.size() - 1);
        lines.forEach(line -> assertEquals(11, line.strip().split("\\s+", -1).length, line));
        assertEquals(41, flows("--no-header").size());
        assertEquals(42, flows("--no-header", "--templates").size());

        List<ConnectionStats> udp = json("--protocol", "udp");
        assertEquals(8, udp.size());
        for (ConnectionStats flow : udp) {
            assertEquals("UDP", flow.state());
            assertEquals("dr", flow.method());
            assertEquals("UDP " + VIP4 + ":7", flow.service());
            assertEquals(1, flow.packets());
            assertTrue(flow.bytes() > 28 && flow.bytes() < 100, flow::toString);
            assertTrue(flow.idleMs() >= 0 && flow.idleMs() < 60_000, flow::toString);
            assertEquals(300_000, flow.idleMs() + flow.expiresMs());
            assertEquals(0, flow.queue());
        }
        assertEquals(10, json("--client", "fd00:51::/64").size());
        assertEquals(10, json("--virtual", "[" + VIP6 + "]:80").size());
        assertEquals(0, json("--client", "10.0.0.2").size());
        assertEquals(
                1,
                json("--client", ":" + udp.getFirst().clientPort(), "--protocol", "udp")
                        .size());
        assertEquals(4, json("--real", "10.0.0.11:7").size());
        assertEquals(3, json("--service", "fwm/7").size());
        assertEquals(20, json("--service", "tcp/" + VIP4 + ":80").size());
        assertEquals(41, json("--method", "dr").size());
        assertEquals(0, json("--method", "tun,nat").size());
        assertEquals(0, json("--idle", "1h").size());
        assertEquals(41, json("--active-within", "5m").size());
        assertEquals(
                json().stream().filter(flow -> flow.expiresMs() <= 200_000).count(),
                json("--expires-within", "200s").size());
        assertEquals(
                List.of("FWM/7 10.0.0.1:0 -"),
                flows("--only-templates", "--no-header", "--columns", "service,client,idle").stream()
                        .map(line -> line.replaceAll(" +", " "))
                        .toList());
        assertEquals(
                Map.of("10.0.0.11:80 dr", 13L, "10.0.0.11:7 dr", 4L, "10.0.0.12:7 dr", 4L, "10.0.0.12:80 dr", 10L),
                withoutMarks(counts("--no-header", "--count-by", "real,method", "--virtual", VIP4)));
        List<String> counted = flows("--count-by", "client/24,protocol");
        assertEquals("   COUNT  SHARE   PACKETS        BYTES  CLIENT/24  PROTOCOL", counted.getFirst());
        assertTrue(counted.get(1).matches(" +23 +56[.]1% +[0-9]+ +[0-9]+ +10[.]0[.]0[.]0/24 +TCP"), counted::toString);
        List<Integer> ports =
                json("--sort", "client", "--reverse", "--limit", "5", "--protocol", "tcp", "--vip", VIP4).stream()
                        .map(ConnectionStats::clientPort)
                        .toList();
        assertEquals(
                json("--protocol", "tcp", "--vip", VIP4).stream()
                        .map(ConnectionStats::clientPort)
                        .sorted(Comparator.reverseOrder())
                        .limit(5)
                        .toList(),
                ports);
    }

    /** The mark's connections went to port 8081 of the first real server. */
    private static Map<String, Long> withoutMarks(Map<String, Long> counts) {
        Map<String, Long> merged = new TreeMap<>();
        counts.forEach((key, count) -> merged.merge(key.replace(":8081", ":80"), count, Long::sum));
        return merged;
    }

    @Test
    void what_cannot_be_is_refused_with_a_line_that_names_it() {
        director = lab.fixture()
                .startDirector(new ConfigText(lab.fixture(), "eth1")
                        .service("tcp", VIP4, 80, "rr", 1)
                        .toString());
        assertRefused(1, "service: there is no service TCP 10.0.0.100:81", "--service", "tcp/10.0.0.100:81");
        assertRefused(1, "real: no service has a real server among 10.0.0.99/32", "--real", "10.0.0.99");
        assertRefused(2, "client: \"10.0.0.300\": \"10.0.0.300\" is not an IPv4", "--client", "10.0.0.300");
        assertRefused(2, "--sort age: there is no such column; there are: protocol", "--sort", "age");
        assertRefused(2, "--idle soon: no time; allowed: 30s", "--idle", "soon");
        assertRefused(2, "state: \"open\" is none; allowed: SYN_RECV", "--state", "OPEN");
        assertRefused(2, "--limit 0: at least 1", "--limit", "0");
        assertRefused(
                2, "--sort client: with --count-by real there are: count", "--count-by", "real", "--sort", "client");
        assertRefused(5, "no director answers on /nowhere", "--socket", "/nowhere");
    }

    private static void assertRefused(int exitCode, String message, String... options) {
        List<String> command = new ArrayList<>(List.of("flows"));
        command.addAll(List.of(options));
        CommandResult result = lab.fixture().sluice(command.toArray(String[]::new));
        assertEquals(exitCode, result.exitCode(), result::toString);
        assertTrue(result.err().startsWith("sluice: " + message), result::toString);
        assertEquals("", result.out());
    }

    @Test
    void a_hundred_thousand_connections_are_found_sorted_and_counted() {
        int flows = 100_000;
        director = lab.fixture()
                .startDirector(new ConfigText(lab.fixture(), "eth1")
                        .director("flow_table_size = 262144")
                        .service("udp", VIP4, 7, "rr", 1, 1)
                        .toString());
        var _ = lab.flood("udp", 7, 5, flows, 40_000);
        long known = lab.atRest().services().getFirst().realServers().stream()
                .mapToLong(real -> real.inactive())
                .sum();
        assertTrue(known > flows / 2, () -> "" + known);

        Map<String, Long> byReal = counts("--no-header", "--count-by", "real");
        assertEquals(Map.of("10.0.0.11:7", known / 2 + known % 2, "10.0.0.12:7", known / 2), byReal);
        assertEquals(known, flows("--no-header").size());
        List<ConnectionStats> first = json("--sort", "client", "--limit", "2000");
        assertEquals(2000, first.size());
        List<String> order = first.stream()
                .map(flow -> flow.client() + " " + flow.clientPort())
                .toList();
        assertEquals(
                first.stream()
                        .sorted(Comparator.comparing(
                                        (ConnectionStats flow) -> dev.sluice.packet.IpAddress.parse(flow.client()))
                                .thenComparing(ConnectionStats::clientPort))
                        .map(flow -> flow.client() + " " + flow.clientPort())
                        .toList(),
                order);
        // More than an answer sorts by itself: the same ones come first.
        assertEquals(
                order,
                json("--sort", "client", "--limit", "10000").subList(0, 2000).stream()
                        .map(flow -> flow.client() + " " + flow.clientPort())
                        .toList());
        assertEquals(
                known,
                counts("--no-header", "--count-by", "client/8", "--limit", "7").values().stream()
                        .mapToLong(count -> count)
                        .sum());
    }
}
