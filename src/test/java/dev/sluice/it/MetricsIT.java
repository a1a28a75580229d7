package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Metrics of a director that has traffic, read by Prometheus's own tools. */
class MetricsIT {
    private static final String URL = "http://127.0.0.1:9188/metrics";
    private static final String OPEN_METRICS = "Accept: application/openmetrics-text; version=1.0.0";
    private static final Path EXAMPLES = Path.of("docs/examples/prometheus");
    private static final Pattern NAME = Pattern.compile("\\b((?:sluice|jvm|process)_[a-z0-9_]+)\\b");

    private static DirectorLab lab;
    private static LabFixture.Director director;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
        director = lab.fixture().startDirector(config());
        lab.ask("tcp", VIP4, 80, 30);
        lab.ask("udp", VIP4, 7, 10);
        lab.on("client", "sh", "-c", "curl -s --max-time 1 http://" + VIP4 + ":8443/ || true");
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    private static String config() {
        return lab.config(
                "[director.http]\nlisten = \"127.0.0.1:9188\"",
                DirectorLab.service("tcp", VIP4, 80, "rr", RIPS4)
                        + "  [[service.check]]\n  type = \"tcp\"\n  interval = 1\n  timeout = 1\n"
                        + "  [service.sorry]\n  address = \"10.0.0.13\"\n  port = 8081\n  method = \"nat\"\n",
                // The last real server of all is out of service.
                DirectorLab.service("udp", VIP4, 7, "rr", RIPS4)
                        + "  [service.sorry]\n  address = \"10.0.0.13\"\n  port = 8081\n  method = \"nat\"\n",
                DirectorLab.service("tcp", VIP4, 8443, "rr", List.of()));
    }

    private static String scrape(String... options) {
        String[] command = new String[4 + options.length];
        System.arraycopy(new String[] {"curl", "-sf", "--max-time", "10"}, 0, command, 0, 4);
        System.arraycopy(options, 0, command, 4, options.length);
        return lab.on("director", command);
    }

    private static double value(Map<String, Double> values, String name) {
        return Objects.requireNonNull(values.get(name), name);
    }

    private static Path write(String name, String text) throws IOException {
        return Files.writeString(lab.fixture().state().resolve(name), text);
    }

    /** Values by name and labels. */
    private static Map<String, Double> values(String text) {
        Map<String, Double> values = new HashMap<>();
        text.lines().filter(line -> !line.startsWith("#")).forEach(line -> {
            int space = line.lastIndexOf(' ');
            values.put(line.substring(0, space), Double.valueOf(line.substring(space + 1)));
        });
        return values;
    }

    private static void promtool(String... arguments) {
        String[] command = new String[arguments.length + 1];
        command[0] = "promtool";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        lab.fixture().exec("director", command).orFail();
    }

    @Test
    void promtoolFindsNothingToComplainOf() throws IOException {
        Path text = write("scrape.txt", scrape(URL));
        CommandResult result = lab.fixture().exec("director", "sh", "-c", "promtool check metrics <" + text);
        assertEquals("", result.out() + result.err());
        assertEquals(0, result.exitCode());
    }

    @Test
    void aStrictParserTakesOpenMetrics() throws IOException {
        Path text = write("scrape.om", scrape("-H", OPEN_METRICS, URL));
        String families = lab.on(
                "director",
                "/usr/bin/python3",
                "-c",
                "import sys; from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n"
                        + "for f in parse(open(sys.argv[1]).read()): print(f.name, f.type, len(f.samples), f.unit)",
                text.toString());
        assertTrue(families.contains("sluice_worker_batch_packets histogram 12 "), families);
        assertTrue(families.contains("sluice_worker_busy_seconds counter 1 seconds"), families);
        assertTrue(families.contains("sluice_service info 3 "), families);
        assertTrue(families.contains("sluice_service_in_bytes counter 3 bytes"), families);
        assertEquals(
                names(scrape(URL)).size(), names(Files.readString(text)).size(), "both formats have the same metrics");
    }

    private static Set<String> names(String text) {
        return text.lines()
                .filter(line -> line.startsWith("# HELP "))
                .map(line -> line.split(" ", -1)[2].replaceFirst("(_total|_info)$", ""))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void compressedItIsTheSame() {
        String plain = scrape(URL);
        String compressed = scrape("--compressed", "-D", "-", URL);
        assertTrue(compressed.toLowerCase(Locale.ROOT).contains("content-encoding: gzip"), compressed);
        assertEquals(names(plain), names(compressed.substring(compressed.indexOf("\r\n\r\n") + 4)));
    }

    @Test
    void valuesAreThoseOfStats() {
        lab.atRest();
        DirectorLab.pause(300);
        Map<String, Double> values = values(scrape(URL));
        DirectorStats stats = lab.stats();
        for (Counter counter : Counter.values()) {
            if (counter.kind() == Counter.Kind.DROP) {
                assertEquals(
                        (double) DirectorLab.outcome(stats, counter),
                        value(values, "sluice_packets_dropped_total{reason=\"" + counter.label() + "\"}"));
            }
        }
        assertEquals(
                (double) DirectorLab.outcome(stats, Counter.FORWARDED),
                value(values, "sluice_packets_forwarded_total"));
        assertTrue(DirectorLab.outcome(stats, Counter.NO_REAL_SERVER) > 0);
        for (ServiceStats service : stats.services()) {
            String name = "service=\"" + service.protocol() + " " + service.address() + ":" + service.port() + "\"";
            assertEquals(
                    (double) service.traffic().inBytes(), value(values, "sluice_service_in_bytes_total{" + name + "}"));
            for (RealServerStats real : service.realServers()) {
                String labels = "{real_server=\"" + real.address() + ":" + real.port() + "\"," + name + "}";
                assertEquals(
                        (double) real.traffic().connections(),
                        value(values, "sluice_real_server_connections_total" + labels));
                assertEquals(
                        (double) real.inactive(), value(values, "sluice_real_server_inactive_connections" + labels));
            }
        }
        assertEquals(0.0, value(values, "sluice_service_sorry_server_in_use{service=\"TCP " + VIP4 + ":80\"}"));
        assertEquals(
                (double) DirectorLab.worker(stats, "rx_packets"),
                value(values, "sluice_worker_batch_packets_sum{queue=\"0\"}"));
    }

    /** A real server that fails keeps its counters, so that no rate of Prometheus begins anew. */
    @Test
    void realServersOutOfServiceAreThere() {
        String labels = "{real_server=\"10.0.0.12:80\",service=\"TCP " + VIP4 + ":80\"}";
        double before = value(values(scrape(URL)), "sluice_real_server_connections_total" + labels);
        assertEquals(10, before);
        Path state = lab.fixture().state().resolve("rs2");
        lab.on("rs2", "sh", "-c", "kill -TERM $(cat " + state + "/nginx.pid)");
        try {
            lab.await(
                    "rs2 down",
                    stats -> stats.services().getFirst().realServers().size() == 2);
            DirectorLab.pause(300);
            Map<String, Double> values = values(scrape(URL));
            assertEquals(before, value(values, "sluice_real_server_connections_total" + labels));
            assertEquals(0, value(values, "sluice_real_server_up" + labels));
            assertEquals(0, value(values, "sluice_real_server_in_service" + labels));
            assertEquals(0, value(values, "sluice_real_server_effective_weight" + labels));
            assertEquals(1, value(values, "sluice_real_server_weight" + labels));
        } finally {
            lab.on("rs2", "nginx", "-e", state + "/error.log", "-c", state + "/nginx.conf");
        }
        lab.await("rs2 up", stats -> stats.services().getFirst().realServers().size() == 3);
    }

    @Test
    void aReloadThatFailsShows() throws IOException {
        String metric = "sluice_config_last_reload_successful";
        assertEquals(1, value(values(scrape(URL)), metric));
        String good = Files.readString(director.config());
        Files.writeString(director.config(), good + "\nnonsense");
        assertEquals(3, lab.fixture().sluice("reload", "--dry-run").exitCode());
        DirectorLab.pause(300);
        assertEquals(1, value(values(scrape(URL)), metric), "nothing was to be loaded");
        assertEquals(3, lab.fixture().sluice("reload").exitCode());
        DirectorLab.pause(300);
        assertEquals(0, value(values(scrape(URL)), metric));
        Files.writeString(director.config(), good);
        assertEquals(0, lab.fixture().sluice("reload").exitCode());
        DirectorLab.pause(300);
        assertEquals(1, value(values(scrape(URL)), metric));
    }

    /** Every metric that dashboard and alerts name is in a scrape, and Prometheus takes all of their expressions. */
    @Test
    void examplesNameWhatThereIs() throws IOException {
        Path base = Path.of(System.getProperty("sluice.basedir"));
        String alerts = Files.readString(base.resolve(EXAMPLES).resolve("alerts.yml"));
        JsonNode dashboard = new ObjectMapper()
                .readTree(
                        base.resolve(EXAMPLES).resolve("grafana-dashboard.json").toFile());
        Set<String> expressions = new TreeSet<>();
        dashboard.findValuesAsText("expr").forEach(expressions::add);
        assertTrue(expressions.size() > 30);
        Set<String> named = new TreeSet<>();
        for (String text : List.of(
                String.join("\n", expressions),
                alerts,
                dashboard.findValuesAsText("definition").toString())) {
            Matcher matcher = NAME.matcher(text);
            while (matcher.find()) {
                named.add(matcher.group(1));
            }
        }
        Set<String> exposed = new TreeSet<>();
        scrape(URL)
                .lines()
                .filter(line -> !line.startsWith("#"))
                .forEach(line -> exposed.add(line.split("[{ ]", 2)[0]));
        Set<String> missing = new TreeSet<>(named);
        missing.removeAll(exposed);
        assertEquals(Set.of(), missing);
        assertTrue(named.size() > 25, named::toString);

        StringBuilder rules = new StringBuilder("groups:\n- name: dashboard\n  rules:\n");
        int number = 0;
        for (String expression : expressions) {
            rules.append("  - record: panel")
                    .append(number++)
                    .append("\n    expr: '")
                    .append(expression.replace("$__rate_interval", "1m").replace("'", "''"))
                    .append("'\n");
        }
        promtool("check", "rules", write("dashboard.yml", rules.toString()).toString());
        promtool("check", "rules", base.resolve(EXAMPLES).resolve("alerts.yml").toString());
        promtool(
                "test",
                "rules",
                base.resolve(EXAMPLES).resolve("alerts-test.yml").toString());
        promtool(
                "check",
                "config",
                "--syntax-only",
                base.resolve(EXAMPLES).resolve("prometheus.yml").toString());
    }

    /** Whoever holds connections, floods headers or asks without end takes no packet from anybody. */
    @Test
    void hostileClientsTakeNothingFromTheDatapath() {
        Process hostile = lab.fixture()
                .start(lab.fixture().state().resolve("hostile.log"), "director", "/usr/bin/python3", "-c", """
                import socket, time
                end = time.time() + 5
                held = []
                while time.time() < end:
                    try:
                        if len(held) < 100:
                            slow = socket.create_connection(("127.0.0.1", 9188), 1)
                            slow.sendall(b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\n")
                            held.append(slow)
                        flood = socket.create_connection(("127.0.0.1", 9188), 1)
                        flood.sendall(b"GET /metrics HTTP/1.1\\r\\nHost: localhost\\r\\n" + b"X-A: %s\\r\\n" % (b"a" * 9000) * 20)
                        flood.close()
                    except OSError:
                        time.sleep(0.005)
                """);
        int answers = 0;
        for (int i = 0; hostile.isAlive() && i < 100; i++) {
            answers += lab.ask("tcp", VIP4, 80, 30).values().stream()
                    .mapToInt(Integer::intValue)
                    .sum();
        }
        assertTrue(answers >= 30, answers + " answers");
        hostile.destroyForcibly();
        // What it held is given back.
        String answered = IntStream.range(0, 30)
                .mapToObj(_ -> {
                    DirectorLab.pause(500);
                    return lab.fixture()
                            .exec(
                                    "director",
                                    "curl",
                                    "-s",
                                    "-o",
                                    "/dev/null",
                                    "-w",
                                    "%{http_code}",
                                    "--max-time",
                                    "2",
                                    URL)
                            .out();
                })
                .filter(code -> code.equals("200"))
                .findFirst()
                .orElse("never");
        assertEquals("200", answered);
        assertTrue(director.isAlive());
        assertFalse(director.log().contains("ERROR"), director::log);
    }

    @Test
    void anAddressThatIsTakenIsSaid() {
        Path second = lab.write(config());
        CommandResult result = lab.fixture()
                .sluice(
                        "run",
                        "--config",
                        second.toString(),
                        "--socket",
                        lab.fixture().socket() + "2");
        assertEquals(4, result.exitCode());
        String refusal = result.err();
        assertTrue(refusal.contains("director.http: cannot listen on 127.0.0.1:9188: Address already in use"), refusal);
    }
}
