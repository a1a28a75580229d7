package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.testing.CommandResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** {@code sluice trace}: the ways of real packets, and of packets that the director makes. */
class TraceCommandIT {
    private static final String VIP4 = DirectorLab.VIP4;
    private static final String VIP6 = DirectorLab.VIP6;
    private static final String CLIENT = "10.0.0.1";

    private static DirectorLab lab;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
        lab.on("director", "ip", "address", "add", "10.0.0.200/24", "dev", "eth1");
        ConfigText config = new ConfigText(lab.fixture(), "eth1")
                .lines("[director.fullnat]\nlocal_addresses = [\"10.0.0.200\"]\n")
                .service("tcp", VIP4, 80, "rr", 1, 1, 1)
                .service("udp", VIP4, 7, "wlc", 1, 2, 0)
                .service("udp", VIP4, 9, "rr", 0, 0, 0)
                .service("udp", VIP6, 7, "maglev", 1, 1)
                .with("persistence = 300")
                .service("tcp", VIP4, 81, "rr", 1, 1)
                .with()
                .service("sctp", VIP4, 9900, "sh", 1, 1)
                .tunnel()
                .service("udp", VIP4, 1001, "rr", 1)
                .fullnat(7)
                .service("udp", VIP4, 1003, "rr", 1);
        lab.fixture().startDirector(config.toString());
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    /** The text of the one step of a name. */
    private static String step(JsonNode packet, String name) {
        List<String> texts = new ArrayList<>();
        packet.path("steps").forEach(step -> {
            if (step.path("step").asText().equals(name)) {
                texts.add(step.path("text").asText());
            }
        });
        assertEquals(1, texts.size(), () -> name + " in " + packet.toPrettyString());
        return texts.getFirst();
    }

    private static void assertStep(JsonNode packet, String name, String... parts) {
        String text = step(packet, name);
        for (String part : parts) {
            assertTrue(text.contains(part), () -> name + " has no \"" + part + "\": " + text);
        }
    }

    private static JsonNode json(String line) {
        try {
            return new ObjectMapper().readTree(line);
        } catch (JsonProcessingException e) {
            throw new AssertionError(line, e);
        }
    }

    private static CommandResult trace(String... arguments) {
        List<String> command = new ArrayList<>(List.of("trace"));
        command.addAll(Arrays.asList(arguments));
        return lab.fixture().sluice(command.toArray(String[]::new));
    }

    /** The one packet that a command makes. */
    private static JsonNode made(String vip, String protocol, String... more) {
        List<String> command = new ArrayList<>(List.of(
                "--client",
                vip.contains("]") ? "fd00:51::1" : CLIENT,
                "--vip",
                vip,
                "--protocol",
                protocol,
                "--inject",
                "--json"));
        command.addAll(Arrays.asList(more));
        return json(trace(command.toArray(String[]::new)).orFail());
    }

    /** What is traced of a client's packets while {@code traffic} flows. */
    private static List<JsonNode> traced(String options, Runnable traffic) {
        long before = traces(lab.fixture().state().resolve("director-1.log"));
        Observing trace = Observing.shell(
                lab.fixture(), Observing.launcher() + " trace --json --client " + CLIENT + " " + options);
        Path log = lab.fixture().state().resolve("director-1.log");
        trace.await("the trace's beginning", _ -> traces(log) > before);
        traffic.run();
        return trace.end().stream().map(TraceCommandIT::json).toList();
    }

    /** How many traces the director has begun, by its log. */
    private static long traces(Path log) {
        try {
            return Files.readAllLines(log).stream()
                    .filter(line -> line.contains("trace-start by "))
                    .count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void a_connection_is_opened_and_then_known() {
        List<JsonNode> packets = traced("--vip " + VIP4 + ":80 --count 2", () -> lab.ask("tcp", VIP4, 80, 1));
        JsonNode syn = packets.get(0);
        assertStep(syn, "steering", "the XDP program on eth1 gave it to the worker of queue 0");
        assertStep(syn, "packet", "TCP 10.0.0.1:", "> 10.0.0.100:80 [SYN]", "TTL 64");
        assertStep(syn, "service", "TCP 10.0.0.100:80, scheduler rr, 3 real servers in service");
        assertStep(syn, "flow", "miss: opened by this packet, SYN_RECV, expires in 60");
        assertStep(syn, "scheduler", "rr chose 10.0.0.1", "candidates", "10.0.0.13:80 weight 1, ");
        assertStep(syn, "method", "dr to 10.0.0.1");
        assertStep(syn, "next hop", "10.0.0.1", " is at 02:51:", "on eth1, MTU 1500");
        assertStep(syn, "verdict", "forwarded: 74 bytes out of eth1");
        List<String> changed = new ArrayList<>();
        syn.at("/after/0/rewritten")
                .forEach(change -> changed.add(change.path("layer").asText() + " "
                        + change.path("field").asText()));
        assertEquals(List.of("ethernet destination", "ethernet source", "ipv4 ttl", "ipv4 checksum"), changed);
        JsonNode ack = packets.get(1);
        assertStep(
                ack, "flow", "hit: SYN_RECV, expires in ", ", 1 packets before; now ESTABLISHED, expires in 900.0 s");
        assertStep(ack, "scheduler", "not asked");
        assertEquals(step(syn, "next hop"), step(ack, "next hop"));
    }

    @Test
    void a_drop_is_told_with_what_to_do() {
        JsonNode packet = traced(
                        "--vip " + VIP4 + ":9 --protocol udp",
                        () -> lab.on(
                                "client",
                                "/usr/bin/python3",
                                "-c",
                                "import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('"
                                        + VIP4 + "', 9))"))
                .getFirst();
        assertEquals("dropped", packet.path("verdict").asText());
        assertStep(packet, "scheduler", "rr found none that takes new connections", "weight 0", "quiesced");
        assertStep(packet, "verdict", "dropped, no_real_server: ");
        assertStep(packet, "advice", "weight 0");
    }

    @Test
    void a_packet_made_is_told_and_nothing_is_left_of_it() throws AdminException {
        DirectorStats before = lab.atRest();
        Set<String> known = connections();
        Capture arrived = Capture.start(lab.fixture(), "rs1", "ip or ip6");
        JsonNode dr = made(VIP4 + ":80", "tcp");
        assertStep(dr, "steering", "the XDP program has not seen it", "the map services has TCP 10.0.0.100:80");
        assertStep(dr, "scheduler", "rr chose ", "Its turn on this worker has moved on by one");
        assertStep(dr, "verdict", "would be forwarded, and was not sent: 58 bytes out of eth1");
        JsonNode wlc = made(VIP4 + ":7", "udp");
        assertStep(wlc, "scheduler", "wlc chose 10.0.0.12", "10.0.0.13:7 weight 0, 0 active, 0 inactive, quiesced");
        assertStep(made(VIP4 + ":81", "tcp"), "persistence", "no template of the client's; one was made");
        assertStep(made(VIP4 + ":81", "tcp"), "persistence", "no template of the client's; one was made");
        assertStep(made("[" + VIP6 + "]:7", "udp"), "packet", "UDP [fd00:51::1]:", "hop limit 64");
        assertStep(made(VIP4 + ":9900", "sctp"), "flow", "miss: opened by this packet, INIT1");
        JsonNode tun = made(VIP4 + ":1001", "udp");
        assertStep(tun, "method", "tun, ipip to 10.0.0.11");
        assertTrue(
                tun.at("/after/0/rewritten").toString().contains("\"layer\":\"ipv4\",\"field\":\"\",\"before\":null"),
                tun::toPrettyString);
        JsonNode fullnat = made(VIP4 + ":1003", "udp");
        assertStep(fullnat, "translation", "UDP 10.0.0.200:", " > 10.0.0.11:7");
        assertEquals("dropped", made(VIP4 + ":9", "udp").path("verdict").asText());
        JsonNode nowhere = made(VIP4 + ":4711", "tcp");
        assertStep(nowhere, "steering", "leave it to the kernel", "no service has TCP 10.0.0.100:4711");
        assertStep(nowhere, "verdict", "dropped, no_service");

        DirectorStats after = lab.atRest();
        assertEquals(before.outcomes(), after.outcomes());
        Set<String> left = connections();
        left.removeAll(known);
        assertEquals(Set.of(), left);
        for (int i = 0; i < before.services().size(); i++) {
            assertEquals(
                    before.services().get(i).traffic(), after.services().get(i).traffic());
        }
        assertEquals(
                DirectorLab.worker(before, "frames_total"),
                DirectorLab.worker(after, "frames_free") + DirectorLab.worker(after, "frames_receiving"));
        assertTrue(arrived.stop(0).stream().noneMatch(frame -> frame.length == 58 || frame.length == 42));
    }

    /** Connections and templates, without what changes while they live. */
    private static Set<String> connections() throws AdminException {
        Set<String> connections = new HashSet<>();
        new AdminClient(lab.fixture().socket())
                .askTree("connections")
                .path("connections")
                .forEach(one -> connections.add(one.path("protocol").asText() + " "
                        + one.path("client").asText() + ":"
                        + one.path("clientPort").asInt() + " "
                        + one.path("virtual").asText() + ":"
                        + one.path("virtualPort").asInt() + " "
                        + one.path("template").asBoolean()));
        return connections;
    }

    @Test
    void a_packet_made_is_sent_when_asked_for() {
        DirectorStats before = lab.atRest();
        Capture arrived = Capture.start(lab.fixture(), "rs1", "udp port 7 and src host 10.9.9.9");
        CommandResult sent =
                trace("--client", "10.9.9.9:4711", "--vip", VIP4 + ":1003", "--protocol", "udp", "--inject", "--send");
        assertTrue(sent.orFail().contains("forwarded: 42 bytes out of eth1"), sent.out());
        Capture direct = Capture.start(lab.fixture(), "rs1", "tcp port 80 and src host 10.9.9.9");
        for (int i = 0; i < 3; i++) {
            trace("--client", "10.9.9.9:" + (4711 + i), "--vip", VIP4 + ":80", "--inject", "--send")
                    .orFail();
        }
        assertEquals(1, direct.stop(1).size());
        assertEquals(0, arrived.stop(0).size());
        DirectorStats after = lab.atRest();
        assertEquals(
                4, DirectorLab.outcome(after, Counter.TRACE_SENT) - DirectorLab.outcome(before, Counter.TRACE_SENT));
        Reading.of(lab.fixture()).assertNothingIsLost();

        CommandResult again = trace("--client", "10.9.9.9:4711", "--vip", VIP4 + ":80", "--inject");
        assertEquals(1, again.exitCode());
        assertTrue(again.err().contains("there is a connection of this client, port and VIP"), again.err());
    }

    @Test
    void what_never_reaches_a_worker_is_not_waited_for() {
        CommandResult result = trace("--client", CLIENT, "--vip", VIP4 + ":22");
        assertEquals(7, result.exitCode());
        assertTrue(
                result.err().contains("nothing to wait for: no service has TCP 10.0.0.100:22 (there is "),
                result.err());
        assertTrue(result.err().contains("XDP_PASS: the packet is the kernel's"), result.err());
    }

    @Test
    void who_waits_in_vain_is_told_so() {
        CommandResult result = trace("--client", "10.77.0.1", "--vip", VIP4 + ":80", "--timeout", "1");
        assertEquals(7, result.exitCode());
        assertTrue(result.err().contains("no such packet came in 1 s"), result.err());
        CommandResult misused = trace("--client", CLIENT, "--vip", VIP4 + ":80", "--send");
        assertEquals(2, misused.exitCode());
        assertFalse(misused.err().isBlank());
    }

    @Test
    void people_get_a_line_for_each_decision() {
        String text =
                trace("--client", CLIENT, "--vip", VIP4 + ":80", "--inject").orFail();
        List<String> names = text.lines()
                .skip(1)
                .map(line -> line.substring(2, 14).strip())
                .filter(name -> !name.isEmpty())
                .toList();
        assertEquals(
                List.of(
                        "steering",
                        "packet",
                        "service",
                        "flow",
                        "scheduler",
                        "method",
                        "next hop",
                        "rewritten",
                        "verdict"),
                names,
                text);
        assertTrue(text.contains("ipv4 ttl 64 -> 63"), text);
    }
}
