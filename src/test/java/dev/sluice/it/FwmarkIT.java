package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Services of firewall marks, by rules of the file and of {@code sluice fwmark}: what the rules take goes to the real servers,
 * what they leave to the director's kernel, which refuses it.
 */
class FwmarkIT {
    private static final int HTTPS = 443;
    /** Where the director itself listens, on all its addresses. */
    private static final int OWN = 2222;

    private static DirectorLab lab;
    private LabFixture.@Nullable Director director;

    @BeforeAll
    static void up() throws IOException {
        lab = DirectorLab.up("--queues", "2");
        for (int i = 0; i < 6; i++) {
            lab.on("client", "ip", "address", "add", client(Topology.VIP4, i) + "/24", "dev", "eth1");
            lab.on("client", "ip", "address", "add", client(Topology.VIP6, i) + "/64", "dev", "eth1");
        }
        Path certificate = lab.fixture().state().resolve("certificate.pem");
        lab.on(
                "client",
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-subj",
                "/CN=vip",
                "-keyout",
                certificate.toString(),
                "-out",
                certificate + ".crt");
        Files.writeString(certificate, Files.readString(certificate) + Files.readString(Path.of(certificate + ".crt")));
        List<Path> logs = new ArrayList<>();
        for (String name : Topology.REAL_SERVERS) {
            logs.add(lab.fixture().state().resolve("https-" + name + ".log"));
            lab.fixture()
                    .start(logs.getLast(), name, "src/test/scripts/https", name, "" + HTTPS, certificate.toString());
        }
        logs.add(lab.fixture().state().resolve("bulk.log"));
        lab.fixture().start(logs.getLast(), "director", "src/test/scripts/bulk", "listen", "" + OWN);
        for (Path log : logs) {
            for (int tries = 0; !Files.exists(log) || !Files.readString(log).contains("listening"); tries++) {
                assertTrue(tries < 200, log + " does not listen");
                DirectorLab.pause(50);
            }
        }
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @AfterEach
    void stop() {
        if (director != null) {
            Reading reading = Reading.of(lab.fixture());
            assertEquals(0, director.stop(), director::log);
            reading.assertNothingIsLost();
        }
    }

    private static String client(String vip, int number) {
        return Topology.isInet6(vip) ? "fd00:51::c:" + (number + 1) : "10.0.0." + (200 + number);
    }

    private static ConfigText config() {
        return new ConfigText(lab.fixture(), "eth1");
    }

    private void start(ConfigText config) {
        director = lab.fixture().startDirector(config.toString());
    }

    private static CommandResult curl(String source, String vip, int port) {
        return lab.fixture()
                .exec(
                        "client",
                        "curl",
                        "-sSk",
                        "--fail",
                        "-m",
                        "5",
                        "--interface",
                        source,
                        (port == HTTPS ? "https://" : "http://") + Topology.host(vip) + ":" + port + "/");
    }

    /** The real server that answers. */
    private static String ask(String source, String vip, int port) {
        return curl(source, vip, port).orFail().strip();
    }

    /** The director's kernel has nobody listening there and says so: curl's 7, where silence would be 28. */
    private static void assertRefused(String source, String vip, int port) {
        CommandResult result = curl(source, vip, port);
        assertEquals(7, result.exitCode(), result::toString);
    }

    @Test
    void http_and_https_of_a_client_go_to_one_real_server() {
        ConfigText config = config().with("persistence = 300");
        for (String vip : Topology.VIPS) {
            config.rule(1, vip, "protocol = \"tcp\"", "ports = \"80\"")
                    .rule(1, vip, "protocol = \"tcp\"", "ports = \"443\"")
                    .markService(1, vip, "rr", 1, 1, 1);
        }
        start(config);
        for (String vip : Topology.VIPS) {
            Set<String> used = new HashSet<>();
            for (int i = 0; i < 6; i++) {
                Set<String> names = new HashSet<>();
                for (int port : List.of(80, HTTPS, 80, HTTPS)) {
                    names.add(ask(client(vip, i), vip, port));
                }
                assertEquals(1, names.size(), names::toString);
                used.addAll(names);
            }
            // Three clients at least are new to the same worker, which goes round.
            assertEquals(Set.of("rs1", "rs2", "rs3"), used);

            assertEquals("unchanged\n", bulk(vip), "a port without a rule is the kernel's");
            assertRefused(client(vip, 0), vip, 8081);
        }
    }

    private static String bulk(String vip) {
        return lab.on("client", "src/test/scripts/bulk", "exchange", vip, "" + OWN, "100000");
    }

    @Test
    void a_rule_takes_a_range_of_ports_and_sources_of_a_prefix() {
        ConfigText config = config();
        for (String vip : Topology.VIPS) {
            String some = Topology.isInet6(vip) ? "fd00:51::c:0/126" : "10.0.0.200/30";
            config.rule(7, vip, "protocol = \"tcp\"", "ports = \"8081-8082\"")
                    .rule(8, vip, "ports = \"80\"", "source = \"" + some + "\"")
                    .markService(7, vip, "rr", 1, 0, 0)
                    .markService(8, vip, "rr", 0, 1, 0);
        }
        start(config);
        for (String vip : Topology.VIPS) {
            for (int i = 0; i < 6; i++) {
                assertEquals("rs1", ask(client(vip, i), vip, 8081));
                assertEquals("rs1", ask(client(vip, i), vip, 8082));
                // fd00:51::c:1 to c:3 are in the prefix, 10.0.0.200 to 203.
                if (i < (Topology.isInet6(vip) ? 3 : 4)) {
                    assertEquals("rs2", ask(client(vip, i), vip, 80));
                } else {
                    assertRefused(client(vip, i), vip, 80);
                }
            }
            assertRefused(client(vip, 0), vip, 8080);
            assertRefused(client(vip, 0), vip, 8083);
            assertEquals("unchanged\n", bulk(vip));
        }
    }

    /** What both the old rules and the new ones serve is served at every moment between them. */
    @Test
    void rules_change_by_reload_and_no_request_fails() {
        for (String vip : Topology.VIPS) {
            String tcp = "protocol = \"tcp\"";
            List<ConfigText> states = List.of(
                    config().rule(1, vip, tcp, "ports = \"80\"").markService(1, vip, "rr", 1, 1, 1),
                    config().rule(1, vip, tcp, "ports = \"80-90\"").markService(1, vip, "rr", 1, 1, 1),
                    config().rule(1, vip, tcp, "ports = \"443\"")
                            .rule(1, network(vip), "ports = \"80\"")
                            .markService(1, vip, "wrr", 3, 2, 1),
                    config().rule(2, vip, "protocol = \"udp\"")
                            .rule(1, vip)
                            .markService(1, vip, "rr", 1, 1, 1)
                            .markService(2, vip, "rr", 1, 1, 1));
            start(states.getFirst());
            try (Requests requests = Requests.start(lab.fixture(), vip)) {
                for (int round = 0; round < 4; round++) {
                    for (ConfigText state : states) {
                        lab.apply(state);
                        requests.awaitMore(10);
                    }
                }
            }
            stop();
            director = null;
        }
    }

    private static String network(String vip) {
        return Topology.isInet6(vip) ? "fd00:51::100/120" : "10.0.0.96/28";
    }

    /**
     * A connection of a service that is deleted ends nowhere; but the director's kernel, which would reset it or refuse a new
     * one, never sees its packets while another service takes the first one's place.
     */
    @Test
    void services_by_address_and_by_mark_replace_each_other_and_no_client_is_reset() {
        String vip = Topology.VIP4;
        List<ConfigText> states = List.of(
                config().service("tcp", vip, 80, "rr", 1, 1, 1),
                config().rule(1, vip, "protocol = \"tcp\"").markService(1, vip, "rr", 1, 1, 1),
                config().rule(2, network(vip), "ports = \"0-1023\"").markService(2, vip, "rr", 1, 1, 1),
                config().service("tcp", vip, 0, "rr", 1, 1, 1));
        start(states.getFirst());
        List<String> failed;
        try (Requests requests = Requests.start(lab.fixture(), vip)) {
            for (int round = 0; round < 4; round++) {
                for (ConfigText state : states) {
                    lab.apply(state);
                    requests.awaitMore(10);
                }
            }
            failed = requests.end();
        }
        assertEquals(
                List.of(),
                failed.stream().filter(line -> !line.contains("timed out")).toList());
        assertTrue(failed.size() <= 2 * 16, () -> failed.size() + " requests were under way at 16 changes");
    }

    @Test
    void rules_come_and_go_by_command() {
        start(config().rule(1, Topology.VIP4, "ports = \"80\"").markService(1, Topology.VIP4, "rr", 1, 1, 1));
        ask(client(Topology.VIP4, 0), Topology.VIP4, 80);
        assertRefused(client(Topology.VIP4, 0), Topology.VIP4, 8081);
        String[] rule = {"1", Topology.VIP4, "--protocol", "tcp", "--ports", "8081-8090", "--source", "10.0.0.200/31"};
        assertEquals(
                "add fwmark rule 1: tcp to 10.0.0.100/32 ports 8081-8090 from 10.0.0.200/31\n", fwmark("add", rule));
        ask(client(Topology.VIP4, 0), Topology.VIP4, 8081);
        assertRefused(client(Topology.VIP4, 2), Topology.VIP4, 8081);
        assertEquals(
                List.of("1 all 10.0.0.100/32 80 all", "1 tcp 10.0.0.100/32 8081-8090 10.0.0.200/31"),
                fwmark("list")
                        .lines()
                        .skip(1)
                        .map(line -> line.replaceAll(" +", " "))
                        .toList());
        CommandResult twice = sluiceFwmark("add", rule);
        assertEquals(1, twice.exitCode());
        assertEquals(
                "sluice: fwmark rule 1: tcp to 10.0.0.100/32 ports 8081-8090 from 10.0.0.200/31 exists already\n",
                twice.err());
        assertEquals(
                "delete fwmark rule 1: tcp to 10.0.0.100/32 ports 8081-8090 from 10.0.0.200/31\n",
                fwmark("delete", rule));
        assertRefused(client(Topology.VIP4, 0), Topology.VIP4, 8081);
        ask(client(Topology.VIP4, 0), Topology.VIP4, 80);
    }

    private static String fwmark(String command, String... arguments) {
        return sluiceFwmark(command, arguments).orFail();
    }

    private static CommandResult sluiceFwmark(String command, String... arguments) {
        List<String> all = new ArrayList<>(List.of("fwmark", command));
        all.addAll(List.of(arguments));
        return lab.fixture().sluice(all.toArray(String[]::new));
    }
}
