package dev.sluice.it;

import static dev.sluice.it.Diagnosis.ERRORS;
import static dev.sluice.it.Diagnosis.WARNINGS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cli.Main;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import dev.sluice.testing.NetworkNamespace;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import picocli.CommandLine;

/**
 * Broken set-ups, each provoked in one lab of direct routing and taken back: {@code sluice doctor} names it, and nothing beside it but what
 * follows from it. The lab as it is, before and after, has nothing to report.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DoctorIT {
    private static DirectorLab director;
    private static LabFixture lab;
    private static String config;
    private static LabFixture.Director running;

    private final List<Runnable> undo = new ArrayList<>();

    @BeforeAll
    static void up() {
        director = DirectorLab.up();
        lab = director.fixture();
        config = director.allServices();
        running = lab.startDirector(config);
        director.assertServes();
    }

    @AfterAll
    static void down() {
        director.close();
    }

    @AfterEach
    void takeBack() {
        undo.reversed().forEach(Runnable::run);
        undo.clear();
    }

    private void on(String host, String... command) {
        director.on(host, command);
    }

    /** Done by a shell on a host now, and undone after the test. */
    private void change(String host, String doIt, String undoIt) {
        on(host, "sh", "-ec", doIt);
        // What a test has undone itself fails here, and is well.
        undo.add(() -> lab.exec(host, "sh", "-c", undoIt));
    }

    /** The command on the director, as the program runs it, but in this JVM: a second less each. */
    private static Diagnosis doctor(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine sluice = Main.commandLine(
                        (_, _, _) -> {
                            throw new AssertionError("a director is started");
                        },
                        Map.of("SLUICE_SOCKET", lab.socket().toString()))
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err));
        try (NetworkNamespace.Entered _ =
                NetworkNamespace.existing(lab.name() + "-director").enter()) {
            return Diagnosis.read(sluice.execute(Diagnosis.command(arguments)), out.toString(), err.toString());
        }
    }

    /** As a process of its own: what is looked at without a director is the process's. */
    private static Diagnosis process(String... arguments) {
        return Diagnosis.of(lab.sluice(Diagnosis.command(arguments)));
    }

    private static Diagnosis assertFound(int exitCode, Diagnosis diagnosis, String... ids) {
        return diagnosis.assertFound(exitCode, ids);
    }

    private static void assertHealthy() {
        Diagnosis diagnosis = doctor();
        assertEquals(0, diagnosis.report().path("findings").size(), diagnosis.text());
        assertEquals(0, diagnosis.report().path("notLooked").size(), diagnosis.text());
        assertEquals(0, diagnosis.exitCode());
    }

    private static void reload(String text) {
        lab.sluice("reload", director.write(text).toString()).orFail();
    }

    @Test
    @Order(1)
    void a_healthy_lab_has_nothing_to_report_not_even_under_traffic() {
        DirectorLab.Conversation conversation = director.converse(DirectorLab.VIP4, 80);
        assertHealthy();
        String text = lab.sluice("doctor", "--seconds", "1").orFail();
        assertTrue(text.contains("all of that is fine"), text);
        assertTrue(text.contains("looked at the director on " + lab.socket()), text);
        // What was sent has disturbed nobody.
        conversation.assertContinues();
        conversation.end();
        director.assertServes();
        Diagnosis quiet = doctor("--no-probe");
        assertEquals(0, quiet.report().path("findings").size(), quiet.text());
        assertTrue(quiet.report().path("notLooked").path(0).asText().contains("--no-probe"), quiet.text());
    }

    @Test
    @Order(2)
    void no_vip_on_the_real_server() {
        change("rs1", "ip address del 10.0.0.100/32 dev lo", "ip address add 10.0.0.100/32 dev lo");
        Diagnosis diagnosis = assertFound(ERRORS, doctor(), "vip-missing-on-real-server");
        assertEquals(
                "10.0.0.11 for 10.0.0.100", diagnosis.first().path("subject").asText());
        assertTrue(diagnosis.hasEvidence("TCP SYN to 10.0.0.11 port 80: SYN-ACK"), diagnosis.text());
    }

    @Test
    @Order(3)
    void a_real_server_answers_arp_for_the_vip() {
        change(
                "rs2",
                "sysctl -qw net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.eth1.arp_ignore=0",
                "sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.eth1.arp_ignore=1");
        Diagnosis diagnosis = assertFound(ERRORS, doctor(), "arp-vip-answered-by-real-server");
        assertEquals(
                "10.0.0.12 for 10.0.0.100", diagnosis.first().path("subject").asText());
        assertTrue(diagnosis.hasEvidence("02:51:00:00:00:12"), diagnosis.text());
    }

    @Test
    @Order(4)
    void a_real_server_advertises_the_vip_of_ipv6() {
        change(
                "rs2",
                "ip -6 address add fd00:51::100/128 dev eth1 nodad preferred_lft 0",
                "ip -6 address del fd00:51::100/128 dev eth1");
        Diagnosis diagnosis = assertFound(ERRORS, doctor(), "arp-vip-answered-by-real-server");
        assertEquals(
                "fd00:51::12 for fd00:51::100",
                diagnosis.first().path("subject").asText());
    }

    @Test
    @Order(5)
    void another_host_has_the_vip() {
        change("client", "ip address add 10.0.0.100/32 dev eth1", "ip address del 10.0.0.100/32 dev eth1");
        Diagnosis both = assertFound(ERRORS, doctor(), "arp-vip-answered-by-another-host");
        assertTrue(both.hasEvidence("02:51:00:00:00:01"), both.text());
        change("director", "ip address del 10.0.0.100/32 dev eth1", "ip address add 10.0.0.100/32 dev eth1");
        assertFound(WARNINGS, doctor(), "vip-on-another-host");
        on("client", "ip", "address", "del", "10.0.0.100/32", "dev", "eth1");
        assertFound(ERRORS, doctor(), "vip-missing-on-director");
        on("director", "ip", "address", "add", "10.0.0.100/32", "dev", "lo");
        on("director", "sysctl", "-qw", "net.ipv4.conf.eth1.arp_ignore=1");
        assertFound(ERRORS, doctor(), "arp-ignore-silences-vip");
        on("director", "sysctl", "-qw", "net.ipv4.conf.eth1.arp_ignore=0");
        on("director", "ip", "address", "del", "10.0.0.100/32", "dev", "lo");
    }

    @Test
    @Order(6)
    void wrong_mtu_on_either_side() {
        change("rs1", "ip link set eth1 mtu 1400", "ip link set eth1 mtu 1500");
        Diagnosis there = assertFound(ERRORS, doctor(), "mtu-mismatch");
        assertEquals("10.0.0.11, fd00:51::11", there.first().path("subject").asText());
        takeBack();
        change("director", "ip link set eth1 mtu 1400", "ip link set eth1 mtu 1500");
        Diagnosis here = assertFound(ERRORS, doctor(), "mtu-mismatch");
        assertEquals("eth1", here.first().path("subject").asText());
        assertTrue(here.hasEvidence("mtu 1400") && here.hasEvidence("MSS 1460"), here.text());
    }

    /** The real server is gone, and so are its health checks: one cause, and what follows is said to follow. */
    @Test
    @Order(7)
    void a_missing_neighbour() {
        undo.add(() -> reload(config));
        reload(config + DirectorLab.service("tcp", DirectorLab.VIP4, 8081, "rr", List.of("10.0.0.99")) + """
                  [[service.check]]
                  type = "tcp"
                  interval = 0.3
                  retry_interval = 0.2
                  timeout = 0.3
                  rise = 1
                  fall = 1
                """);
        director.await(
                "failed",
                stats -> stats.health().services().stream()
                        .anyMatch(service -> service.realServers().stream()
                                .anyMatch(real -> real.state().equals("down"))));
        Diagnosis diagnosis = assertFound(ERRORS, doctor(), "neighbour-missing");
        assertEquals("10.0.0.99", diagnosis.first().path("subject").asText());
        List<String> following = new ArrayList<>();
        diagnosis
                .report()
                .path("findings")
                .forEach(finding -> following.add(finding.path("id").asText() + " "
                        + finding.path("follows").asText()));
        assertEquals(
                List.of(
                        "neighbour-missing ",
                        "service-all-down neighbour-missing",
                        "real-server-down neighbour-missing"),
                following,
                diagnosis.text());
        assertFound(ERRORS, doctor("--no-probe"), "neighbour-missing");
    }

    /** Two interfaces in one network: answers to the director come in by the second, where the kernel drops them. */
    @Test
    @Order(8)
    void rp_filter_drops_what_comes_by_another_way() {
        on("switch", "sh", "-ec", """
                ip link add dir2 type veth peer name eth2 netns %s-director
                ip link set dir2 master br0 up""".formatted(lab.name()));
        undo.add(() -> on("switch", "ip", "link", "del", "dir2"));
        on("director", "sh", "-ec", """
                ip link set eth2 address 02:51:00:00:00:22 up
                sysctl -qw net.ipv4.conf.eth2.rp_filter=1 net.ipv4.conf.eth2.arp_ignore=1 net.ipv6.conf.eth2.accept_dad=0""");
        change(
                "rs1",
                "ip neigh replace 10.0.0.2 lladdr 02:51:00:00:00:22 dev eth1 nud permanent",
                "ip neigh del 10.0.0.2 dev eth1");
        Diagnosis diagnosis = assertFound(ERRORS, doctor(), "rp-filter-drops-replies");
        assertEquals("10.0.0.11", diagnosis.first().path("subject").asText());
        assertTrue(diagnosis.hasEvidence("net.ipv4.conf.eth2.rp_filter = 1"), diagnosis.text());
        assertTrue(diagnosis.hasEvidence("TcpExtIPReversePathFilter: grew"), diagnosis.text());
        on("director", "sysctl", "-qw", "net.ipv4.conf.eth2.rp_filter=2");
        assertHealthy();
    }

    /** A start or a reload would be refused; routes can change later. */
    @Test
    @Order(9)
    void a_real_server_of_dr_behind_a_router() {
        change("rs2", "ip address add 10.0.9.12/32 dev eth1", "ip address del 10.0.9.12/32 dev eth1");
        change("director", "ip route add 10.0.9.0/24 dev eth1", "ip route del 10.0.9.0/24");
        undo.add(() -> reload(config));
        String moved = config.replace("10.0.0.12", "10.0.9.12");
        reload(moved);
        assertHealthy();
        on("director", "ip", "route", "replace", "10.0.9.0/24", "via", "10.0.0.13");
        Diagnosis diagnosis = assertFound(ERRORS, doctor(), "dr-not-on-link");
        assertTrue(diagnosis.hasEvidence("ip route get 10.0.9.12: via 10.0.0.13 dev eth1"), diagnosis.text());
        String other = lab.state().resolve("no.sock").toString();
        Diagnosis ofFile = process("--socket", other, director.write(moved).toString());
        assertFound(ERRORS, ofFile, "dr-not-on-link");
        on("director", "ip", "route", "replace", "blackhole", "10.0.9.0/24");
        assertFound(ERRORS, doctor(), "rip-route-discards");
        on("director", "ip", "route", "del", "10.0.9.0/24");
        assertFound(ERRORS, doctor(), "rip-no-route");
        on("director", "ip", "route", "add", "10.0.9.0/24", "dev", "lo");
        assertFound(ERRORS, doctor(), "rip-route-elsewhere");
    }

    @Test
    @Order(10)
    void services_that_cannot_serve() {
        undo.add(() -> reload(config));
        reload(config + "[[service]]\nprotocol = \"tcp\"\naddress = \"10.0.0.100:8081\"\n");
        Diagnosis diagnosis = assertFound(ERRORS, doctor(), "service-without-real-servers");
        assertEquals("TCP 10.0.0.100:8081", diagnosis.first().path("subject").asText());
        reload(config + DirectorLab.service("tcp", DirectorLab.VIP4, 8081, "rr", List.of("10.0.0.11"))
                + "  weight = 0\n");
        assertFound(ERRORS, doctor(), "service-all-quiesced");
        reload(config + DirectorLab.service("tcp", DirectorLab.VIP4, 8099, "rr", List.of("10.0.0.11")));
        Diagnosis closed = assertFound(ERRORS, doctor(), "real-server-port-closed");
        assertTrue(closed.hasEvidence("10.0.0.100 on 10.0.0.11: RST"), closed.text());
    }

    /** Clients set out on a veth that leaves checksums to others, and so does the switch; nobody but a worker sees that. */
    @Test
    @Order(11)
    void offload_leaves_checksums_to_nobody() {
        change("client", "ethtool -K eth1 tx on", "ethtool -K eth1 tx off");
        change("switch", "ethtool -K director tx on", "ethtool -K director tx off");
        Path log = lab.state().resolve("offload.log");
        String script = """
                import socket, time
                for _ in range(400):
                    s = socket.socket()
                    s.setblocking(False)
                    s.connect_ex(("10.0.0.100", 80))
                    time.sleep(0.02)
                    s.close()
                """;
        Process clients = lab.start(log, "client", "/usr/bin/python3", "-c", script);
        director.await("wrong checksums", stats -> stats.outcomes().getOrDefault("checksum_wrong", 0L) > 0);
        Diagnosis diagnosis = assertFound(ERRORS, doctor(), "offload-checksum");
        assertTrue(diagnosis.hasEvidence("checksum_wrong grew by"), diagnosis.text());
        clients.destroyForcibly();
    }

    /** Hosts that are there in part, or twice. */
    @Test
    @Order(11)
    void real_servers_that_are_half_there() {
        String filter =
                "nft add table inet doctor; nft add chain inet doctor in '{ type filter hook input priority 0; }'; ";
        change("rs1", filter + "nft add rule inet doctor in tcp dport 80 drop", "nft delete table inet doctor");
        Diagnosis port = doctor();
        assertEquals(Set.of("real-server-port-silent"), Set.copyOf(port.causes()), port.text());
        assertEquals(WARNINGS, port.exitCode());
        takeBack();
        change("rs1", filter + "nft add rule inet doctor in ip daddr 0.0.0.0/0 drop", "nft delete table inet doctor");
        assertFound(WARNINGS, doctor(), "real-server-silent");
        takeBack();
        change("client", "ip address add 10.0.0.11/32 dev eth1", "ip address del 10.0.0.11/32 dev eth1");
        assertFound(WARNINGS, doctor(), "rip-answered-twice");
        takeBack();
        change(
                "director",
                "ip neigh replace 10.0.0.11 lladdr 02:51:00:00:00:99 dev eth1 nud permanent",
                "ip neigh replace 10.0.0.11 lladdr 02:51:00:00:00:11 dev eth1 nud reachable");
        Diagnosis wrong = assertFound(ERRORS, doctor(), "neighbour-wrong-mac");
        assertTrue(wrong.hasEvidence("02:51:00:00:00:99 PERMANENT"), wrong.text());
        takeBack();
        change("director", "ip address add 10.0.0.12/32 dev lo", "ip address del 10.0.0.12/32 dev lo");
        Diagnosis own = assertFound(ERRORS, doctor(), "rip-is-local");
        assertEquals("10.0.0.12", own.first().path("subject").asText());
    }

    @Test
    @Order(12)
    void another_xdp_program() {
        Path object = lab.state().resolve("pass.o");
        lab.exec("director", "sh", "-ec", """
                echo '__attribute__((section("xdp"), used)) int pass_all(void *ctx) { return 2; }' |
                    clang -O2 -target bpf -x c -c - -o %s
                ip -force link set dev eth1 xdpdrv obj %s sec xdp""".formatted(object, object)).orFail();
        Diagnosis replaced = assertFound(ERRORS, doctor(), "xdp-other-program");
        assertTrue(replaced.hasEvidence("pass_all"), replaced.text());
        on("director", "ip", "link", "set", "dev", "eth1", "xdpdrv", "off");
        assertFound(ERRORS, doctor(), "xdp-program-missing");

        assertEquals(0, running.stop());
        String file = running.config().toString();
        on("director", "ip", "link", "set", "dev", "eth1", "xdpdrv", "obj", object.toString(), "sec", "xdp");
        Diagnosis inTheWay = assertFound(ERRORS, process(file), "xdp-other-program");
        assertTrue(inTheWay.first().path("what").asText().contains("would refuse to start"), inTheWay.text());
        on("director", "ip", "link", "set", "dev", "eth1", "xdpdrv", "off");
        Diagnosis before = process("--config", file);
        assertEquals(List.of(), before.causes(), before.text());
        assertTrue(before.report().path("source").asText().contains("configuration file"), before.text());

        assertEquals(5, lab.sluice("doctor").exitCode());
        running = lab.startDirector(config);
        running.kill9();
        assertFound(ERRORS, process(file), "xdp-leftover");
        lab.sluice("release", "--interface", "eth1").orFail();
        running = lab.startDirector(director.allServices("xdp_mode = \"generic\""));
        change("director", "ethtool -K eth1 gro on tx on", "ethtool -K eth1 gro off tx off");
        Diagnosis generic = process();
        assertEquals(
                Set.of("xdp-generic", "offload-merges-packets", "offload-checksum-veth"),
                Set.copyOf(generic.causes()),
                generic.text());
        assertEquals(WARNINGS, generic.exitCode(), generic.text());
        takeBack();
        assertEquals(0, running.stop());
        lab.sluice("release", "--interface", "eth1").orFail();
        running = lab.startDirector(config);
        director.assertServes();
    }

    @Test
    @Order(13)
    void an_interface_that_is_down_is_the_cause_of_all_else() {
        change("switch", "ip link set director down", "ip link set director up");
        Diagnosis diagnosis = doctor();
        assertEquals("interface-no-carrier", diagnosis.first().path("id").asText(), diagnosis.text());
        assertEquals(List.of("interface-no-carrier"), diagnosis.causes(), diagnosis.text());
    }

    @Test
    @Order(14)
    void all_is_well_again() {
        director.assertServes();
        assertHealthy();
        assertFalse(running.log().contains("ERROR"), running.log());
    }

    /** The director serves queue 0 of two. */
    @Test
    void fewer_workers_than_queues() {
        LabFixture two = LabFixture.up("--queues", "2");
        try (two) {
            LabFixture.Director one =
                    two.startDirector(two.topologyConfig().replace("[director]", "[director]\nqueues = 1"));
            CommandResult result = two.sluice("doctor", "--seconds", "1");
            assertEquals(ERRORS, result.exitCode(), result.toString());
            assertTrue(result.out()
                    .contains("error queues-without-worker: packets of clients arrive on queues [1] of eth1"));
            assertTrue(result.out().contains("1 error, 0 warnings"), result.out());
            assertEquals(0, one.stop());
            two.startDirector(two.topologyConfig());
            CommandResult both = two.sluice("doctor", "--seconds", "1");
            assertEquals(0, both.exitCode(), both.toString());
            assertTrue(both.out().contains("all of that is fine"), both.out());

            // Asked from elsewhere, it does not take the director's interfaces for missing.
            CommandResult elsewhere = two.sluiceOn("client", "doctor");
            assertEquals(4, elsewhere.exitCode(), elsewhere.toString());
            assertTrue(elsewhere.err().contains("runs in another network namespace; nsenter --net="), elsewhere.err());
        }
    }
}
