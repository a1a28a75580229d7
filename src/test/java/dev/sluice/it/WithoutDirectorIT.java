package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What clients meet while no director is there, and how its program comes off in the end. The kernel's counters judge. */
class WithoutDirectorIT {
    private static final String PROGRAM = "\"sluice_steer\" \\(id \\d+\\)";

    private static DirectorLab lab;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    private final List<LabFixture.Director> directors = new ArrayList<>();

    private LabFixture.Director start(String config, String... arguments) {
        LabFixture.Director director = lab.fixture().startDirector(config, arguments);
        directors.add(director);
        return director;
    }

    @AfterEach
    void release() {
        // None is left but by a test that failed.
        directors.stream().filter(LabFixture.Director::isAlive).forEach(LabFixture.Director::kill9);
        lab.fixture().sluice("release", "--interface", "eth1").orFail();
        assertFalse(lab.hasXdp("eth1"), "an XDP program is left on eth1");
    }

    /** Real servers that a flow finds again under the next director. */
    private static String config(String directorLines) {
        return lab.config(
                directorLines,
                DirectorLab.service("tcp", VIP4, 80, "maglev", RIPS4),
                DirectorLab.service("udp", VIP4, 7, "maglev", RIPS4));
    }

    @Test
    void after_a_kill_clients_wait_for_the_next_director_and_meet_no_reset() {
        LabFixture.Director director = start(config(""));
        DirectorLab.Conversation conversation = lab.converse(VIP4, 80);
        long resets = lab.kernelCounter("director", "Tcp", "OutRsts");
        director.kill9();
        DirectorLab.pause(1_000);
        assertTrue(conversation.process().isAlive(), "the connection broke");
        assertTimesOut();
        assertEquals(resets, lab.kernelCounter("director", "Tcp", "OutRsts"), "the kernel reset connections");

        LabFixture.Director next = start(config(""));
        conversation.assertContinues();
        conversation.end();
        assertEquals(0, next.stop());
    }

    @Test
    void told_to_pass_the_kernel_resets_them() throws Exception {
        LabFixture.Director director = start(config("without_director = \"pass\""));
        DirectorLab.Conversation conversation = lab.converse(VIP4, 80);
        long resets = lab.kernelCounter("director", "Tcp", "OutRsts");
        director.kill9();
        assertTrue(conversation.process().waitFor(10, TimeUnit.SECONDS), "the connection goes on");
        assertTrue(lab.kernelCounter("director", "Tcp", "OutRsts") > resets);
        assertRefused();
    }

    @Test
    void a_stop_leaves_the_program_and_says_so() throws Exception {
        LabFixture.Director director = start(config(""));
        assertEquals(0, director.stop());
        List<String> lines = director.log().lines().toList();
        assertEquals(4, lines.size(), lines.toString());
        assertTrue(
                lines.get(2)
                        .endsWith(
                                " INFO eth1: the XDP program stays attached and drops packets for services until the next"
                                        + " director takes over; \"sluice release --interface eth1\" removes it"),
                lines.toString());
        assertTrue(lab.hasXdp("eth1"));
        assertFalse(Files.exists(lab.fixture().socket()), "the admin socket is left");
        assertTimesOut();

        LabFixture.Director passing = start(config("without_director = \"pass\""));
        assertTrue(
                passing.log()
                        .matches("(?s).*eth1: took over from XDP program " + PROGRAM
                                + " of a director that was killed or stopped\\R.*"),
                passing.log());
        assertEquals(0, passing.stop());
        assertTrue(passing.log().contains("and passes packets for services to the kernel until"), passing.log());
        assertRefused();
    }

    @Test
    void a_stop_with_release_leaves_nothing() {
        LabFixture.Director director = start(config(""), "--release");
        assertTrue(lab.hasXdp("eth1"));
        assertEquals(0, director.stop());
        assertFalse(lab.hasXdp("eth1"));
        assertFalse(director.log().contains("stays attached"), director.log());
        assertRefused();
    }

    @Test
    void while_directors_come_and_go_no_packet_reaches_the_kernel() throws Exception {
        LabFixture.Director director = start(config(""));
        String script = """
                import socket, sys, time
                sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                sock.connect((sys.argv[1], 7))
                sock.setblocking(False)
                sent, refused = 0, 0
                while True:
                    try:
                        sock.send(b"x")
                        sent += 1
                    except ConnectionRefusedError:
                        refused += 1
                    except BlockingIOError:
                        pass
                    print(sent, refused, flush=True)
                    time.sleep(0.001)
                """;
        Path log = lab.fixture().state().resolve("datagrams.log");
        Process datagrams = lab.fixture().start(log, "client", "/usr/bin/python3", "-c", script, VIP4);
        DirectorLab.Conversation conversation = lab.converse(VIP4, 80);
        long noPorts = lab.kernelCounter("director", "Udp", "NoPorts");
        long resets = lab.kernelCounter("director", "Tcp", "OutRsts");
        for (int i = 0; i < 4; i++) {
            if (i % 2 == 0) {
                assertEquals(0, director.stop());
            } else {
                director.kill9();
            }
            director = start(config(""));
            assertTrue(director.log().contains("took over from XDP program"), director.log());
            // Before the pauses between what TCP sends again grow too long.
            conversation.assertContinues();
        }
        conversation.end();
        datagrams.destroyForcibly();
        datagrams.waitFor();
        String[] last = Files.readAllLines(log).getLast().split(" ", -1);
        assertTrue(Integer.parseInt(last[0]) > 1_000, "only " + last[0] + " datagrams");
        assertEquals("0", last[1], "datagrams were refused");
        assertEquals(noPorts, lab.kernelCounter("director", "Udp", "NoPorts"), "datagrams reached the kernel");
        assertEquals(resets, lab.kernelCounter("director", "Tcp", "OutRsts"), "the kernel reset connections");
        assertEquals(0, director.stop());
    }

    @Test
    void a_start_that_is_refused_leaves_the_earlier_program_in_place() {
        LabFixture.Director director = start(config(""));
        director.kill9();
        String before = lab.on("director", "ip", "-d", "link", "show", "dev", "eth1");
        lab.refused(lab.config("", DirectorLab.service("tcp", VIP4, 80, "rr", List.of("10.0.0.2"))));
        lab.refused(config("bind_mode = \"zerocopy\""));
        assertEquals(before, lab.on("director", "ip", "-d", "link", "show", "dev", "eth1"));
        assertTimesOut();
    }

    @Test
    void release_takes_off_what_is_left_but_not_from_under_a_director() {
        Path file = lab.write(config(""));
        LabFixture.Director director = start(config(""));
        CommandResult refused = lab.fixture().sluice("release", file.toString());
        assertEquals(4, refused.exitCode(), refused.toString());
        assertEquals(
                "sluice: eth1: a director is running on it; stop it first, \"sluice run --release\" leaves nothing"
                        + " behind\n",
                refused.err());
        assertTrue(lab.hasXdp("eth1"));
        assertEquals(
                3,
                lab.ask("tcp", VIP4, 80, 3).values().stream()
                        .mapToInt(Integer::intValue)
                        .sum());
        assertEquals(0, director.stop());

        String removed = lab.fixture().sluice("release", file.toString()).orFail();
        assertTrue(removed.matches("eth1: removed XDP program " + PROGRAM + "\n"), removed);
        assertFalse(lab.hasXdp("eth1"));
        assertRefused();
        assertEquals(
                "eth1: no XDP program of a director\n",
                lab.fixture().sluice("release", "-i", "eth1").orFail());

        CommandResult unknown = lab.fixture().sluice("release", "--interface", "eth9");
        assertEquals(4, unknown.exitCode(), unknown.toString());
        assertEquals("sluice: eth9: no such network interface\n", unknown.err());
        assertEquals(2, lab.fixture().sluice("release").exitCode());
    }

    private static void assertTimesOut() {
        assertEquals(28, curl(), "a request was not left unanswered");
    }

    private static void assertRefused() {
        assertEquals(7, curl(), "a request was not refused");
    }

    private static int curl() {
        return lab.fixture()
                .exec("client", "curl", "-sS", "-m", "2", "http://" + VIP4 + "/")
                .exitCode();
    }
}
