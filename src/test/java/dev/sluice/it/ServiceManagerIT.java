package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A director under a service manager that listens at a socket of the abstract namespace, as systemd may. */
class ServiceManagerIT {
    private static final long WATCHDOG_US = 1_200_000;
    private static final ObjectMapper JSON = new ObjectMapper();

    private DirectorLab lab;
    private Path heard;
    private List<String> environment;

    @BeforeEach
    void up() {
        lab = DirectorLab.up();
        heard = lab.fixture().state().resolve("heard.log");
        String socket = "@" + lab.fixture().name();
        lab.fixture().start(heard, "director", "src/test/scripts/notified", socket);
        LogFile.await(heard, line -> line.contains("listening"));
        environment = List.of("env", "NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=" + WATCHDOG_US);
    }

    @AfterEach
    void down() {
        lab.close();
    }

    private String config(String directorLines, int weight) {
        return lab.config(directorLines, DirectorLab.service("tcp", VIP4, 80, "wrr", RIPS4))
                .replaceFirst("method = \"dr\"\n", "method = \"dr\"\n  weight = " + weight + "\n");
    }

    /** What the service manager has been told so far. */
    private List<String> messages() {
        return LogFile.lines(heard).stream()
                .skip(1)
                .map(line -> json(line).path("message").asText())
                .toList();
    }

    private static JsonNode json(String line) {
        try {
            return JSON.readTree(line);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private long beats() {
        return messages().stream().filter("WATCHDOG=1"::equals).count();
    }

    private List<String> withoutBeats() {
        return messages().stream()
                .filter(message -> !message.equals("WATCHDOG=1"))
                .toList();
    }

    @Test
    void it_is_told_of_start_reload_and_stop() {
        // A start that takes its time before the program is attached.
        CompletableFuture<Boolean> steeredWhenReady = CompletableFuture.supplyAsync(() -> {
            boolean neverSteered = !lab.hasXdp("eth1");
            LogFile.await(heard, line -> line.contains("READY"));
            return neverSteered && lab.hasXdp("eth1");
        });
        LabFixture.Director director = lab.fixture().startDirectorBy(environment, config("warm_up_ms = 1500", 1));
        LogFile.await(heard, line -> line.contains("READY"));
        assertTrue(steeredWhenReady.join(), "ready before traffic is steered");
        assertEquals(List.of("READY=1\nSTATUS=1 service, 3 of 3 real servers in service, 1 worker"), withoutBeats());

        lab.reload(config("warm_up_ms = 1500", 0));
        LogFile.await(heard, line -> line.contains("2 of 3 real servers"));
        List<String> told = withoutBeats();
        assertTrue(told.get(1).matches("RELOADING=1\nMONOTONIC_USEC=\\d+"), told::toString);
        assertEquals(
                List.of("READY=1", "STATUS=1 service, 2 of 3 real servers in service, 1 worker"),
                told.subList(2, told.size()));
        long at = LogFile.lines(heard).stream()
                .map(ServiceManagerIT::json)
                .filter(line -> line.path("message").asText().startsWith("RELOADING"))
                .findFirst()
                .orElseThrow()
                .path("at")
                .asLong();
        long said = Long.parseLong(told.get(1).replaceFirst("(?s).*MONOTONIC_USEC=", ""));
        assertTrue(at / 1000 - said >= 0 && at / 1000 - said < 1_000_000, "another clock: " + at + " and " + said);

        Path wrong = lab.write("[director]\ninterfaces = []\n");
        assertEquals(3, lab.fixture().sluice("reload", wrong.toString()).exitCode());
        assertEquals("READY=1", withoutBeats().getLast(), "a reload that was refused is over as well");
        int before = withoutBeats().size();
        lab.fixture().sluice("reload", "--dry-run").orFail();
        assertEquals(before, withoutBeats().size(), "a dry run is no reload");

        assertEquals(0, director.stop(), director::log);
        assertEquals("STOPPING=1\nSTATUS=stopping", messages().getLast());
    }

    @Test
    void a_worker_that_is_held_stops_the_beats_and_nothing_else_does() throws Exception {
        LabFixture.Director director = lab.fixture().startDirectorBy(environment, config("", 1));
        DirectorLab.pause(2 * WATCHDOG_US / 1000);
        // Systemd wants two in that time.
        assertTrue(beats() >= 4, () -> "only " + beats() + " beats: " + messages());

        // A debugger holds the worker: the process goes on without it.
        Path log = lab.fixture().state().resolve("stick.log");
        Process debugger = lab.fixture()
                .startInteractive(log, "director", "src/test/scripts/stick", "" + director.pid(), "sluice-worker-0");
        assertTrue(debugger.inputReader().readLine().startsWith("held "));
        DirectorLab.pause(WATCHDOG_US / 1000);
        long held = beats();
        DirectorLab.pause(2 * WATCHDOG_US / 1000);
        assertEquals(held, beats(), "beats while a worker is held");
        assertTrue(director.log().contains("worker 0 has completed no duty cycle for "), director::log);
        lab.fixture().sluice("health").orFail();
        assertTrue(director.isAlive());

        debugger.getOutputStream().close();
        assertTrue(debugger.waitFor(5, TimeUnit.SECONDS));
        LogFile.await(heard, line -> beats() > held);
        assertEquals(0, director.stop(), director::log);
        assertFalse(director.log().contains("worker 1"), director::log);
    }
}
