package dev.sluice.it;

import static dev.sluice.it.DirectorLab.VIP4;
import static dev.sluice.it.DirectorLab.real;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.stats.DirectorStats;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import dev.sluice.testing.TerminalFixture;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code sluice top} in a terminal, and without one. */
class TopIT {
    private static DirectorLab lab;
    private static LabFixture.Director director;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
        director = lab.fixture().startDirector(config());
    }

    @AfterAll
    static void down() {
        try {
            assertEquals(0, director.stop(), director::log);
        } finally {
            lab.close();
        }
    }

    private static String config() {
        return new ConfigText(lab.fixture(), "eth1")
                .service("tcp", VIP4, 80, "rr", 1, 1)
                .service("udp", VIP4, 7, "rr", 1, 1, 1)
                .toString();
    }

    private static String top(String... options) {
        return Path.of(System.getProperty("sluice.home"), "bin", "sluice") + " top --socket "
                + lab.fixture().socket() + " " + String.join(" ", options);
    }

    private static boolean hasFigures(String screen) {
        return screen.contains("sluice top - ") && screen.contains("UDP 10.0.0.100:7") && screen.contains("q quit");
    }

    @Test
    void it_fits_the_terminal_obeys_keys_and_leaves_all_as_it_was() {
        try (TerminalFixture terminal = TerminalFixture.open(80, 24)) {
            String before = terminal.settings();
            terminal.type(top("--delay", "0.2"));
            String screen = terminal.await("figures", TopIT::hasFigures);
            assertEquals("1 0", terminal.flags());
            List<String> lines = screen.lines().toList();
            assertEquals(24, lines.size(), screen);
            assertTrue(lines.get(23).startsWith("q quit  h help"), screen);
            assertTrue(lines.stream().anyMatch(line -> line.startsWith("  -> 10.0.0.13:7")), screen);

            terminal.press("3");
            terminal.await("outcomes", text -> text.contains("eth1 pass_not_ip"));
            terminal.press("2");
            terminal.await("workers", text -> text.contains("RX-FULL") && text.contains("eth1:0"));
            terminal.press("h");
            terminal.await("help", text -> text.contains("sluice top: keys"));
            terminal.press("x");
            terminal.press("1");
            terminal.await("services", TopIT::hasFigures);

            terminal.resize(40, 10);
            screen = terminal.await("a small screen", text -> text.contains("rows 1-6 of 7"));
            assertTrue(screen.lines().allMatch(line -> line.length() <= 40), screen);
            terminal.press("Down");
            terminal.await("another row", text -> text.contains("rows 2-7 of 7"));
            terminal.resize(120, 40);
            screen = terminal.await(
                    "a large screen", text -> hasFigures(text) && text.contains("WEIGHT") && !text.contains("rows "));
            assertEquals(
                    1,
                    screen.lines()
                            .filter(line -> line.startsWith("sluice top - "))
                            .count(),
                    screen);

            terminal.press("q");
            terminal.await("the shell", text -> text.contains("shell>") && !text.contains("q quit"));
            assertEquals("0 1", terminal.flags());
            assertEquals(before, terminal.settings());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"C-c", "TERM", "HUP", "C-z"})
    void however_it_ends_the_terminal_is_as_it_was(String how) {
        try (TerminalFixture terminal = TerminalFixture.open(100, 30)) {
            String before = terminal.settings();
            // The shell waits for it by job control, and knows its process.
            terminal.type(top("--delay", "0.2") + "; echo \"ended $?\"");
            terminal.await("figures", TopIT::hasFigures);
            switch (how) {
                case "C-c" -> terminal.press("C-c");
                case "C-z" -> {
                    terminal.press("C-z");
                    terminal.await("the shell's word", text -> text.contains("Stopped"));
                    assertEquals("0 1", terminal.flags());
                    terminal.type("fg");
                    terminal.await("figures again", text -> hasFigures(text) && !text.contains("Stopped"));
                    assertEquals("1 0", terminal.flags());
                    terminal.press("q");
                }
                default -> signal(how);
            }
            String screen =
                    terminal.await("the shell", text -> text.matches("(?s).*\nended [0-9]+\n.*") || how.equals("C-z"));
            terminal.await("its prompt", text -> text.strip().endsWith("shell>"));
            assertEquals("0 1", terminal.flags());
            assertEquals(before, terminal.settings());
            if (!how.equals("C-z")) {
                int code = switch (how) {
                    case "TERM" -> 128 + 15;
                    case "HUP" -> 128 + 1;
                    default -> 0;
                };
                assertTrue(screen.contains("\nended " + code + "\n"), screen);
            }
        }
    }

    private static void signal(String signal) {
        String socket = lab.fixture().socket().toString();
        ProcessHandle top = ProcessHandle.allProcesses()
                .filter(process -> process.info()
                        .arguments()
                        .map(Arrays::asList)
                        .filter(words -> words.contains("top") && words.contains(socket))
                        .isPresent())
                .findFirst()
                .orElseThrow();
        lab.on("director", "kill", "-" + signal, "" + top.pid());
    }

    @Test
    void a_director_may_go_and_come_back() {
        try (TerminalFixture terminal = TerminalFixture.open(100, 30)) {
            terminal.type(top("--delay", "0.2"));
            terminal.await("figures", TopIT::hasFigures);
            assertEquals(0, director.stop(), director::log);
            terminal.await("that it is gone", text -> text.contains("no director answers on "));
            director = lab.fixture().startDirector(config());
            terminal.await(
                    "the next one",
                    text -> hasFigures(text)
                            && text.contains("pid " + director.pid() + ",")
                            && !text.contains("no director answers"));
            terminal.press("q");
            terminal.await("the shell", text -> text.contains("shell>"));
        }
    }

    /** All that comes in the time between two readings is in the rate, and nothing else. */
    @Test
    void rates_are_those_of_the_counters() throws InterruptedException {
        DirectorStats before = lab.atRest();
        CommandResult[] result = new CommandResult[1];
        Thread batch = Thread.ofPlatform()
                .start(() -> result[0] = lab.fixture()
                        .exec(
                                Duration.ofSeconds(60),
                                "director",
                                "env",
                                "COLUMNS=200",
                                "sh",
                                "-c",
                                top("--batch", "-n", "1", "--delay", "12")));
        // Its first reading comes within seconds of its start; the counters move in the middle.
        DirectorLab.pause(5000);
        lab.ask("udp", VIP4, 7, 30);
        lab.ask("tcp", VIP4, 80, 4);
        DirectorStats after = lab.atRest();
        batch.join();
        String frame = result[0].orFail();
        double seconds = Double.parseDouble(frame.replaceAll("(?s).*every ([0-9.]+) s.*", "$1"));
        assertEquals(12, seconds, 1);
        List<String> rows =
                frame.lines().map(line -> line.strip().replaceAll(" +", " ")).toList();
        for (String rip : DirectorLab.RIPS4) {
            List<String> udp = rows.stream()
                    .filter(line -> line.startsWith("-> " + rip + ":7 "))
                    .toList();
            assertEquals(1, udp.size(), frame);
            String[] words = udp.getFirst().split(" ", -1);
            assertEquals(10 / seconds, Double.parseDouble(words[2]), 0.06, frame);
            assertEquals(10 / seconds, Double.parseDouble(words[6]), 0.06, frame);
            assertEquals("up", words[10], frame);
        }
        double tcpPackets = real(after, "10.0.0.11").traffic().inPackets()
                - real(before, "10.0.0.11").traffic().inPackets();
        String tcp = rows.stream()
                .filter(line -> line.startsWith("-> 10.0.0.11:80 "))
                .findFirst()
                .orElseThrow();
        assertTrue(tcpPackets > 4);
        assertEquals(tcpPackets / seconds, Double.parseDouble(tcp.split(" ", -1)[2]), 0.06, frame);
        assertEquals(real(after, "10.0.0.11").active(), Long.parseLong(tcp.split(" ", -1)[7]), frame);
        assertEquals(real(after, "10.0.0.11").inactive(), Long.parseLong(tcp.split(" ", -1)[8]), frame);
        assertTrue(frame.contains("pid " + after.pid() + ", configuration " + after.generation()), frame);
    }

    @Test
    void without_a_terminal_it_says_so_and_batch_prints() {
        CommandResult refused = lab.fixture().sluice("top");
        assertEquals(1, refused.exitCode(), refused::toString);
        assertTrue(refused.err().startsWith("sluice: there is no terminal to draw on"), refused::toString);
        assertEquals("", refused.out());
        try (TerminalFixture terminal = TerminalFixture.open(100, 30)) {
            terminal.type("TERM=dumb " + top());
            terminal.await("a refusal", text -> text.replaceAll("\\s", "").contains("noterminaltodrawon"));
            assertEquals("0 1", terminal.flags());
        }
        CommandResult frames = lab.fixture().sluice("top", "-b", "-n", "2", "-d", "0.3", "--view", "workers");
        assertEquals(
                2,
                frames.orFail()
                        .lines()
                        .filter(line -> line.startsWith("sluice top - "))
                        .count());
        assertEquals(
                2,
                frames.out().lines().filter(line -> line.startsWith("queue 0 ")).count());
        assertFalse(frames.out().contains("\u001b"), frames::toString);
        assertEquals(5, lab.fixture().sluice("top", "--socket", "/nowhere").exitCode());
        for (String wrong : List.of("--delay=0", "--view=x", "--sort=x", "--iterations=0")) {
            CommandResult result = lab.fixture().sluice("top", wrong);
            assertEquals(2, result.exitCode(), result::toString);
            assertTrue(result.err().startsWith("sluice: " + wrong.replaceAll("=.*", "")), result::toString);
        }
    }
}
