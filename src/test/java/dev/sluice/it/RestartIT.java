package dev.sluice.it;

import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Directors that start, stop, are killed, and get in each other's way. */
class RestartIT {
    private static DirectorLab lab;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @AfterEach
    void nothing_stays_behind() {
        assertFalse(lab.hasXdp("eth1"), "an XDP program is left on eth1 after a stop with --release");
        assertFalse(Files.exists(lab.fixture().socket()), "the admin socket is left");
    }

    @Test
    void a_director_that_was_killed_does_not_stop_the_next() {
        String config = lab.allServices();
        for (int i = 0; i < 2; i++) {
            LabFixture.Director killed = lab.fixture().startDirector(config);
            assertEquals(3, lab.ask("tcp", VIP4, 80, 3).size());
            killed.kill9();
            assertTrue(lab.hasXdp("eth1"), "a killed director cannot detach, or this test proves nothing");
            assertTrue(Files.exists(lab.fixture().socket()));
        }
        LabFixture.Director next = lab.fixture().startDirector(config, "--release");
        assertTrue(
                next.log()
                        .matches("(?s).*eth1: took over from XDP program \"sluice_steer\" \\(id \\d+\\) of a director"
                                + " that was killed or stopped\\R.*"),
                next.log());
        lab.assertServes();
        DirectorLab.assertNothingLost(lab.atRest());
        assertEquals(0, next.stop());
    }

    @ParameterizedTest
    @ValueSource(strings = {"TERM", "INT"})
    void a_signal_ends_it_in_order(String signal) throws Exception {
        Path log = lab.fixture().state().resolve("signalled-" + signal + ".log");
        Process director = start(log, lab.write(lab.allServices()));
        awaitLog(log, "ready: ");
        assertTrue(lab.hasXdp("eth1"));
        assertEquals(3, lab.ask("udp", VIP4, 7, 3).size());

        lab.on("director", "kill", "-" + signal, "" + director.pid());
        assertTrue(director.waitFor(10, TimeUnit.SECONDS), "still there 10 s after SIG" + signal);
        assertEquals(0, director.exitValue());
        List<String> lines = Files.readAllLines(log);
        assertEquals(3, lines.size(), lines.toString());
        assertTrue(lines.get(1).endsWith(" INFO stopping"), lines.toString());
        assertTrue(lines.get(2).endsWith(" INFO stopped"), lines.toString());
        // The program is off, as --release wants it: the VIP is the kernel's alone, which has no server there.
        assertEquals(
                7,
                lab.fixture()
                        .exec("client", "curl", "-sS", "-m", "2", "http://" + VIP4 + "/")
                        .exitCode());
    }

    @Test
    void five_starts_in_a_row() {
        String config = lab.allServices();
        for (int i = 0; i < 5; i++) {
            LabFixture.Director director = lab.fixture().startDirector(config, "--release");
            assertEquals(3, lab.ask("tcp", VIP4, 80, 3).size());
            assertEquals(0, director.stop());
            assertFalse(director.log().contains("took over"), director.log());
        }
    }

    @Test
    void a_second_director_is_refused_and_the_first_goes_on() {
        LabFixture.Director first = lab.fixture().startDirector(lab.allServices(), "--release");
        DirectorLab.Conversation conversation = lab.converse(VIP4, 80);

        assertEquals(
                "sluice: another director answers on " + lab.fixture().socket()
                        + "; stop it or choose another --socket\n",
                lab.refused(lab.allServices()));
        conversation.assertContinues();

        Path otherSocket = lab.fixture().state().resolve("other.sock");
        CommandResult other = lab.fixture()
                .sluice("run", "--config", lab.write(lab.allServices()).toString(), "--socket", otherSocket.toString());
        assertEquals(4, other.exitCode(), other.toString());
        assertEquals("sluice: queue 0 of eth1 is in use by another AF_XDP socket\n", other.err());
        assertFalse(Files.exists(otherSocket));

        conversation.assertContinues();
        conversation.end();
        lab.assertServes();
        DirectorLab.assertNothingLost(lab.atRest());
        assertEquals(0, first.stop());
    }

    /** The signal meets the start in ever later phases, from the JVM's own beginnings to the running director. */
    @Test
    void a_signal_during_the_start_leaves_nothing() throws Exception {
        Path config = lab.write(lab.allServices());
        for (int afterMs : new int[] {100, 300, 500, 700, 900, 1200}) {
            Path log = lab.fixture().state().resolve("early-" + afterMs + ".log");
            Process director = start(log, config);
            DirectorLab.pause(afterMs);
            director.destroy();
            assertTrue(director.waitFor(10, TimeUnit.SECONDS), "still there 10 s after SIGTERM");
            String text = Files.readString(log);
            // Before Sluice has a say the JVM ends by the signal: 128 + 15.
            assertTrue(director.exitValue() == 0 || director.exitValue() == 143, director.exitValue() + "\n" + text);
            assertFalse(text.contains("WARNING") || text.contains("ERROR") || text.contains("Exception"), text);
            nothing_stays_behind();
        }
        LabFixture.Director director = lab.fixture().startDirector(lab.allServices(), "--release");
        assertFalse(director.log().contains("took over"), director.log());
        assertEquals(0, director.stop());
    }

    private static Process start(Path log, Path config) {
        return lab.fixture()
                .start(
                        log,
                        "director",
                        System.getProperty("sluice.home") + "/bin/sluice",
                        "run",
                        "--config",
                        config + "",
                        "--release");
    }

    static void awaitLog(Path log, String text) throws Exception {
        long startNs = System.nanoTime();
        while (!Files.readString(log).contains(text)) {
            assertTrue(System.nanoTime() - startNs < 20_000_000_000L, () -> "never logged: " + text);
            DirectorLab.pause(20);
        }
    }
}
