package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.LiveFramesMain;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.ffi.LibBpf;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;

/** The lab, with what tests of survival do to a director again and again: ask it, read its counters, flood it. */
final class DirectorLab implements AutoCloseable {
    static final String VIP4 = "10.0.0.100";
    static final String VIP6 = "fd00:51::100";
    static final List<String> RIPS4 = List.of("10.0.0.11", "10.0.0.12", "10.0.0.13");
    static final List<String> RIPS6 = List.of("fd00:51::11", "fd00:51::12", "fd00:51::13");

    private static final long AWAIT_MS = 25_000;

    private final LabFixture lab;
    private int filesWritten;

    private DirectorLab(LabFixture lab) {
        this.lab = lab;
    }

    /** A lab that is up; options as for {@code vagrant/lab up}. */
    static DirectorLab up(String... options) {
        return new DirectorLab(LabFixture.up(options));
    }

    LabFixture fixture() {
        return lab;
    }

    @Override
    public void close() {
        lab.close();
    }

    /**
     * The next client port. Ports that the kernel chooses come back, and a SYN on a connection that the director still
     * has in FIN_WAIT stays on its real server, as in IPVS: round robin would look uneven.
     */
    private int clientPort = 10_000;

    /** A configuration on {@code eth1}: lines for {@code [director]}, then services. */
    String config(String directorLines, String... services) {
        // The key is given, for a machine without a machine id would otherwise warn that it has none.
        return "[director]\ninterfaces = [\"eth1\"]\nsocket = \"" + lab.socket() + "\"\n"
                + "hash_key = \"000102030405060708090a0b0c0d0e0f\"\n" + directorLines + "\n\n"
                + String.join("\n", services);
    }

    /** A service on a VIP, by direct routing. */
    static String service(String protocol, String vip, int port, String scheduler, List<String> rips) {
        return "[[service]]\nprotocol = \"" + protocol + "\"\naddress = \""
                + (vip.contains(":") ? "[" + vip + "]" : vip) + ":" + port + "\"\nscheduler = \"" + scheduler + "\"\n"
                + rips.stream()
                        .map(rip -> "  [[service.real]]\n  address = \"" + rip + "\"\n  method = \"dr\"\n")
                        .collect(Collectors.joining());
    }

    /** TCP 80, 8081 and UDP 7 on both VIPs in turn to all real servers, with lines for {@code [director]}. */
    String allServices(String... directorLines) {
        return config(
                String.join("\n", directorLines),
                service("tcp", VIP4, 80, "rr", RIPS4),
                service("tcp", VIP6, 80, "rr", RIPS6),
                service("udp", VIP4, 7, "rr", RIPS4),
                service("udp", VIP6, 7, "rr", RIPS6));
    }

    /** Gives the client more addresses, up to a hundred of them, and names them. */
    String[] clientAddresses(int count) {
        String[] addresses = new String[count];
        for (int i = 0; i < count; i++) {
            addresses[i] = "10.0.0." + (120 + i);
            on("client", "ip", "address", "replace", addresses[i] + "/24", "dev", "eth1");
        }
        return addresses;
    }

    /** Sets the MTU of hosts and of their ports on the switch; of all hosts when none is named. */
    void mtu(int bytes, String... hosts) {
        List<String> all = List.of("client", "director", "rs1", "rs2", "rs3");
        for (String host : hosts.length == 0 ? all : List.of(hosts)) {
            on("switch", "ip", "link", "set", host, "mtu", "" + bytes);
            on(host, "ip", "link", "set", "eth1", "mtu", "" + bytes);
        }
    }

    /** A command on a host that must succeed: its output. */
    String on(String host, String... command) {
        return lab.exec(host, command).orFail();
    }

    /** Sends requests from new client ports, all of which must be answered: how many each real server answered. */
    Map<String, Integer> ask(String protocol, String address, int port, int count) {
        int first = clientPort;
        clientPort += count;
        String answers = on("client", "vagrant/provision/ask", protocol, address, "" + port, "" + count, "" + first);
        Map<String, Integer> byServer = new TreeMap<>();
        answers.lines().forEach(line -> byServer.merge(line.substring(line.indexOf(' ') + 1), 1, Integer::sum));
        assertEquals(
                count, byServer.values().stream().mapToInt(Integer::intValue).sum());
        return byServer;
    }

    /** Requests to the services of {@link #allServices}, TCP and UDP, IPv4 and IPv6: every one answered, and in turn. */
    void assertServes() {
        Map<String, Integer> even = Map.of("rs1", 10, "rs2", 10, "rs3", 10);
        assertEquals(even, ask("tcp", VIP4, 80, 30));
        assertEquals(even, ask("tcp", VIP6, 80, 30));
        assertEquals(even, ask("udp", VIP4, 7, 30));
        assertEquals(even, ask("udp", VIP6, 7, 30));
    }

    /** What {@code sluice stats --json} prints, without a JVM for each reading. */
    DirectorStats stats() {
        try {
            return new AdminClient(lab.socket()).ask("stats", DirectorStats.class);
        } catch (AdminException e) {
            throw new AssertionError("no statistics", e);
        }
    }

    /** The first reading for which something holds; it must within some seconds. */
    DirectorStats await(String what, Predicate<DirectorStats> condition) {
        long startNs = System.nanoTime();
        DirectorStats stats = stats();
        while (!condition.test(stats)) {
            assertTrue((System.nanoTime() - startNs) / 1_000_000 < AWAIT_MS, "never: " + what + "\n" + stats);
            pause(50);
            stats = stats();
        }
        return stats;
    }

    /** A reading at the end of a fifth of a second in which no packet came. What the kernel does, as ARP, does not count. */
    DirectorStats atRest() {
        long startNs = System.nanoTime();
        DirectorStats before = stats();
        while (true) {
            pause(200);
            DirectorStats now = stats();
            if (now.outcomes().equals(before.outcomes()) && steering(now, "steered") == steering(before, "steered")) {
                return now;
            }
            assertTrue((System.nanoTime() - startNs) / 1_000_000 < AWAIT_MS, "no rest: " + now);
            before = now;
        }
    }

    /** At rest every packet has a fate, and every frame is in the pool or waits for a packet. */
    static void assertNothingLost(DirectorStats stats) {
        long dropped = 0;
        for (Counter counter : Counter.values()) {
            dropped += counter.kind() == Counter.Kind.DROP ? outcome(stats, counter) : 0;
        }
        assertEquals(outcome(stats, Counter.PACKETS_IN), outcome(stats, Counter.FORWARDED) + dropped, stats::toString);
        assertEquals(outcome(stats, Counter.PACKETS_IN), worker(stats, "rx_packets"), stats::toString);
        assertEquals(outcome(stats, Counter.FORWARDED), worker(stats, "tx_packets"), stats::toString);
        assertEquals(
                worker(stats, "frames_total"),
                worker(stats, "frames_free") + worker(stats, "frames_receiving") + worker(stats, "frames_sending"),
                stats::toString);
        assertEquals(0, worker(stats, "frames_sending"), stats::toString);
    }

    static long outcome(DirectorStats stats, Counter counter) {
        return stats.outcomes().getOrDefault(counter.label(), Long.MIN_VALUE);
    }

    /** A counter of the one worker. */
    static long worker(DirectorStats stats, String counter) {
        assertEquals(1, stats.workers().size());
        return stats.workers().getFirst().counters().getOrDefault(counter, Long.MIN_VALUE);
    }

    /** An {@code XDP_STATISTICS} counter of the one socket. */
    static long xsk(DirectorStats stats, String counter) {
        return stats.interfaces().getFirst().queues().getFirst().xsk().getOrDefault(counter, Long.MIN_VALUE);
    }

    static long steering(DirectorStats stats, String counter) {
        return stats.interfaces().getFirst().steering().getOrDefault(counter, Long.MIN_VALUE);
    }

    /** The real server with a RIP, of the first service that has it. */
    static RealServerStats real(DirectorStats stats, String rip) {
        return stats.services().stream()
                .flatMap(service -> service.realServers().stream())
                .filter(real -> real.address().equals(rip))
                .findFirst()
                .orElseThrow();
    }

    /** The active connections of the first service by real server, those without any left out. */
    static Map<String, Integer> active(DirectorStats stats) {
        Map<String, Integer> active = new TreeMap<>();
        for (RealServerStats real : stats.services().getFirst().realServers()) {
            if (real.active() > 0) {
                active.put("rs" + (RIPS4.indexOf(real.address()) + 1), (int) real.active());
            }
        }
        return active;
    }

    /** {@code sluice run} that the machine must refuse: its standard error, without the launcher's help. */
    String refused(String configText) {
        CommandResult result = run(configText);
        assertEquals(4, result.exitCode(), result.toString());
        return result.err();
    }

    /** {@code sluice run} to its end. */
    CommandResult run(String configText) {
        return lab.sluice("run", "--config", write(configText).toString());
    }

    Path write(String text) {
        Path file = lab.state().resolve("config-" + ++filesWritten + ".toml");
        try {
            return Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@code sluice reload} of another file with this text: the changes. */
    List<String> reload(Object configText) {
        CommandResult result = lab.sluice("reload", write(configText.toString()).toString());
        assertEquals("", result.err());
        return result.orFail().lines().toList();
    }

    /** What {@link #reload} asks the director for, without a JVM for each. */
    List<String> apply(Object configText) {
        try {
            List<String> changes = new ArrayList<>();
            String file = write(configText.toString()).toString();
            new AdminClient(lab.socket())
                    .askTree("reload", Map.of("config", file, "dry_run", false))
                    .path("changes")
                    .forEach(line -> changes.add(line.asText()));
            return changes;
        } catch (AdminException e) {
            throw new AssertionError("not reloaded", e);
        }
    }

    /** Whether any XDP program is on an interface of the director. */
    boolean hasXdp(String interfaceName) {
        return on("director", "ip", "link", "show", "dev", interfaceName).contains("xdp");
    }

    /** A counter of a host's kernel, from proc(5) net/snmp: {@code Tcp} {@code OutRsts} and the like. */
    long kernelCounter(String host, String protocol, String name) {
        List<List<String>> lines = on(host, "cat", "/proc/net/snmp")
                .lines()
                .filter(line -> line.startsWith(protocol + ": "))
                .map(line -> List.of(line.split(" ", -1)))
                .toList();
        return Long.parseLong(lines.get(1).get(lines.get(0).indexOf(name)));
    }

    /** What the generator says it did. */
    record Flood(long frames, double framesPerSecond) {}

    /**
     * Floods a VIP from the client's interface; the frames' source is on no network of the lab, so that real servers
     * drop them (rp_filter) and answer none. Rate 0 is as fast as it goes.
     */
    Flood flood(String protocol, int port, int seconds, int flows, long rate) {
        String out = lab.exec(
                        Duration.ofSeconds(seconds + 40L), "client", generator(protocol, port, seconds, flows, rate))
                .orFail();
        return parse(out);
    }

    /** As {@link #flood}, in the background. */
    Process startFlood(Path log, String protocol, int port, int seconds, int flows, long rate) {
        return lab.start(log, "client", generator(protocol, port, seconds, flows, rate));
    }

    static Flood parse(String out) {
        // "1572864 frames in 5.129 s, 306642 frames/s"
        String[] words = out.strip().split("\\s+", -1);
        assertEquals("frames/s", words[words.length - 1], out);
        return new Flood(Long.parseLong(words[words.length - 7]), Double.parseDouble(words[words.length - 2]));
    }

    private static String[] generator(String protocol, int port, int seconds, int flows, long rate) {
        List<String> command = generator();
        command.addAll(List.of("--interface", "eth1", "--src-mac", "02:51:00:00:00:01"));
        command.addAll(List.of("--dst-mac", "02:51:00:00:00:02", "--src", "198.18.0.1", "--dst", VIP4));
        command.addAll(List.of("--protocol", protocol, "--port", "" + port, "--seconds", "" + seconds));
        command.addAll(List.of("--flows", "" + flows, "--rate", "" + rate));
        return command.toArray(String[]::new);
    }

    /** The generator's command, to which its options are added. */
    static List<String> generator() {
        String classPath = Stream.of(LiveFramesMain.class, LibBpf.class, CommandLine.class)
                .map(DirectorLab::location)
                .collect(Collectors.joining(":"));
        return new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-Xmx64m",
                "-cp",
                classPath,
                LiveFramesMain.class.getName()));
    }

    /** Where a class was loaded from, for a class path. */
    static String location(Class<?> type) {
        try {
            URI location =
                    type.getProtectionDomain().getCodeSource().getLocation().toURI();
            return Path.of(location).toString();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * A client with one HTTP connection that stays: a request twenty times a second. It ends when the connection breaks
     * or a request is not answered for 20 seconds.
     */
    Conversation converse(String address, int port) {
        Path log = lab.state().resolve("conversation-" + ++filesWritten + ".log");
        String script = """
                import socket, sys, time
                sock = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
                while True:
                    sock.sendall(b"GET / HTTP/1.1\\r\\nHost: vip\\r\\n\\r\\n")
                    answer = b""
                    while answer[-1:] != b"\\n" or answer[-4:] == b"\\r\\n\\r\\n":
                        chunk = sock.recv(65536)
                        if not chunk:
                            sys.exit("closed by the server")
                        answer += chunk
                    print(answer.split(b"\\r\\n\\r\\n")[1].decode().strip(), flush=True)
                    time.sleep(0.05)
                """;
        Process process = lab.start(log, "client", "/usr/bin/python3", "-c", script, address, "" + port);
        Conversation conversation = new Conversation(process, log);
        conversation.assertContinues();
        return conversation;
    }

    /** A connection that {@link #converse} opened. */
    record Conversation(Process process, Path log) {
        /** Some requests are answered from now on, and every one so far was by the same real server. */
        void assertContinues() {
            int before = answers().size();
            long startNs = System.nanoTime();
            while (answers().size() < before + 5) {
                assertTrue(process.isAlive(), () -> "the connection broke: " + answers());
                assertFalse(System.nanoTime() - startNs > AWAIT_MS * 1_000_000, "the connection hangs");
                pause(50);
            }
            assertEquals(
                    1, answers().stream().distinct().count(), () -> answers().toString());
        }

        /** Who answers. */
        String realServer() {
            return answers().getFirst();
        }

        void end() {
            process.destroyForcibly();
        }

        private List<String> answers() {
            try {
                return Files.readAllLines(log);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
