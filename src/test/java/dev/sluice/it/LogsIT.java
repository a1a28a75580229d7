package dev.sluice.it;

import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What a director says of itself: in the form that was asked for, as much as was asked for, and not without end. */
class LogsIT {
    private static final Map<String, Object> SERVICE = Map.of("protocol", "tcp", "address", VIP4 + ":80");

    private static DirectorLab lab;
    private static AdminClient admin;
    private LabFixture.@Nullable Director director;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
        admin = new AdminClient(lab.fixture().socket());
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @AfterEach
    void stop() {
        if (director != null && director.isAlive()) {
            assertEquals(0, director.stop(), director::log);
        }
    }

    private static ConfigText config(String... lines) {
        return new ConfigText(lab.fixture(), "eth1").director(lines).service("tcp", VIP4, 80, "rr", 1, 1);
    }

    private static JsonNode json(String line) {
        try {
            return new ObjectMapper().readTree(line);
        } catch (JsonProcessingException e) {
            throw new AssertionError(line, e);
        }
    }

    @Test
    void json_has_an_object_a_line_with_what_it_is_about() throws AdminException {
        LabFixture.Director running =
                lab.fixture().startDirector(config("log_format = \"json\"").toString());
        director = running;
        var _ = admin.askTree(
                "real-add", Map.of("service", SERVICE, "real", Map.of("address", "10.0.0.13", "method", "dr")));
        assertEquals(0, running.stop(), running::log);
        List<JsonNode> lines = running.log().lines().map(LogsIT::json).toList();
        JsonNode change = lines.stream()
                .filter(line ->
                        line.path("change").asText().startsWith("add real server 10.0.0.13 to TCP 10.0.0.100:80"))
                .findFirst()
                .orElseThrow();
        assertTrue(change.path("generation").longValue() > 1, change::toString);
        assertEquals("info", change.path("level").asText());
        assertEquals(change.path("change").asText(), change.path("message").asText());
        JsonNode asked = lines.stream()
                .filter(line -> line.path("change").asText().equals("real-add"))
                .findFirst()
                .orElseThrow();
        assertTrue(asked.path("user").asText().startsWith("user root"), asked::toString);
        assertEquals(ProcessHandle.current().pid(), asked.path("pid").longValue());
        assertEquals("{0} by {1}: done", asked.path("event").asText());
        assertTrue(lines.getFirst().path("time").asText().matches("2[0-9]{3}-.*Z"), lines::toString);
        assertEquals("stopped", lines.getLast().path("message").asText());
    }

    @Test
    void levels_and_formats_change_while_it_runs() {
        LabFixture.Director running = lab.fixture().startDirector(config().toString());
        director = running;
        assertTrue(running.log().lines().allMatch(line -> line.matches("2[0-9]{3}-[^ ]+ [A-Z]+ .*")), running::log);
        assertEquals(
                List.of("change log_level: info -> error", "change log_format: auto -> journal"),
                lab.reload(config("log_level = \"error\"", "log_format = \"journal\"")));
        long lines = running.log().lines().count();
        assertEquals(
                1,
                lab
                        .reload(config("log_level = \"error\"", "log_format = \"journal\"")
                                .service("udp", VIP4, 7, "rr", 1))
                        .stream()
                        .filter(line -> line.startsWith("add service"))
                        .count());
        assertEquals(lines, running.log().lines().count(), running::log);
        assertTrue(lab.fixture().sluice("config", "dump").orFail().contains("log_format = \"journal\""));
        lab.reload(config("log_format = \"journal\""));
        lab.apply(config("log_format = \"journal\"").service("udp", VIP4, 7, "rr", 1));
        assertTrue(
                running.log().lines().anyMatch(line -> line.matches("<6>add service UDP 10[.]0[.]0[.]100:7.*")),
                running::log);
    }

    @Test
    void options_go_before_the_environment_and_that_before_the_file() {
        LabFixture.Director quiet = lab.fixture()
                .startDirector(config("log_level = \"error\"").toString(), "--log-level", "info", "--log-format=json");
        director = quiet;
        assertTrue(json(quiet.log().lines().findFirst().orElse("")).has("event"), quiet::log);
        // And still after a reload.
        assertEquals(List.of(), lab.apply(config("log_level = \"error\"")));
        CommandResult wrong =
                lab.fixture().sluice("run", "--config", quiet.config().toString(), "--log-level", "loud");
        assertEquals(2, wrong.exitCode());
        assertTrue(
                wrong.err()
                        .startsWith(
                                "sluice: --log-level loud: no level; allowed: error, warning, info, debug, trace\n"),
                wrong::toString);
        CommandResult variable = lab.fixture()
                .exec(
                        "director",
                        "env",
                        "SLUICE_LOG_FORMAT=xml",
                        System.getProperty("sluice.home") + "/bin/sluice",
                        "run",
                        "--config",
                        quiet.config().toString());
        assertEquals(2, variable.exitCode());
        assertTrue(
                variable.err()
                        .startsWith("sluice: SLUICE_LOG_FORMAT xml: no format; allowed: auto, text, json, journal\n"),
                variable::toString);
    }

    @Test
    void who_asks_in_vain_a_thousand_times_does_not_fill_the_log() {
        LabFixture.Director running = lab.fixture().startDirector(config().toString());
        director = running;
        int requests = 1000;
        for (int i = 0; i < requests; i++) {
            assertThrows(
                    AdminException.class,
                    () -> admin.askTree(
                            "real-delete", Map.of("service", SERVICE, "real", Map.of("address", "10.0.0.99"))));
        }
        assertEquals(0, running.stop(), running::log);
        List<String> lines = running.log().lines().toList();
        long written = lines.stream()
                .filter(line -> line.contains(" INFO real-delete by user root"))
                .count();
        long told = lines.stream()
                .filter(line ->
                        line.matches(".* WARNING … and [0-9]+ more like this in the last [0-9]+ s: real-delete by .*"))
                .mapToLong(line -> Long.parseLong(line.replaceAll(".* and ([0-9]+) more .*", "$1")))
                .sum();
        assertTrue(written >= 100 && written < 200, () -> "" + written);
        assertEquals(requests, written + told, () -> String.join("\n", lines));
        assertFalse(lines.size() > 250, () -> "" + lines.size());
    }
}
