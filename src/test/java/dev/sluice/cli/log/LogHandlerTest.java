package dev.sluice.cli.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.control.config.LogFormat;
import dev.sluice.stats.LogField;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogHandlerTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private LogFormat format = LogFormat.AUTO;

    private LogHandler handler(boolean journal, boolean debug, RateLimit limit) {
        return new LogHandler(
                new PrintStream(bytes, true, StandardCharsets.UTF_8), () -> format, journal, debug, limit);
    }

    private LogHandler handler(boolean journal) {
        return handler(journal, false, new RateLimit(100, 1, 1));
    }

    private List<String> lines() {
        List<String> lines = bytes.toString(StandardCharsets.UTF_8).lines().toList();
        bytes.reset();
        return lines;
    }

    private static LogRecord down(Level level) {
        LogRecord entry = new LogRecord(level, "real server {0} of {1} is down: {2}");
        entry.setParameters(new Object[] {
            LogField.real("10.0.0.11"), LogField.service("TCP 10.0.0.100:80"), "says \"no\"\n\tand \\ ü"
        });
        entry.setLoggerName("dev.sluice.control.HealthFollower");
        entry.setInstant(Instant.parse("2026-01-02T03:04:05.678Z"));
        return entry;
    }

    private static JsonNode json(String line) {
        try {
            return new ObjectMapper().readTree(line);
        } catch (JsonProcessingException e) {
            throw new AssertionError(line, e);
        }
    }

    @Test
    void text_and_json_and_journal_say_the_same() {
        LogHandler handler = handler(false);
        handler.publish(down(Level.WARNING));
        String text = lines().getFirst();
        assertTrue(
                text.matches("2026-.*T.* WARNING real server 10[.]0[.]0[.]11 of TCP .*: says \"no\" and \\\\ ü"), text);

        format = LogFormat.JSON;
        handler.publish(down(Level.WARNING));
        List<String> lines = lines();
        assertEquals(1, lines.size());
        JsonNode json = json(lines.getFirst());
        assertEquals("2026-01-02T03:04:05.678Z", json.path("time").asText());
        assertEquals("warning", json.path("level").asText());
        assertTrue(text.endsWith(" WARNING " + json.path("message").asText()), text);
        assertEquals("real server {0} of {1} is down: {2}", json.path("event").asText());
        assertEquals("10.0.0.11", json.path("real").asText());
        assertEquals("TCP 10.0.0.100:80", json.path("service").asText());
        assertEquals("dev.sluice.control.HealthFollower", json.path("logger").asText());

        format = LogFormat.JOURNAL;
        for (Map.Entry<Level, Integer> level : Map.of(
                        Level.SEVERE, 3, Level.WARNING, 4, Level.INFO, 6, Level.FINE, 7, Level.FINER, 7)
                .entrySet()) {
            handler.publish(down(level.getKey()));
            assertEquals(
                    List.of("<" + level.getValue() + ">" + json.path("message").asText()), lines());
        }
    }

    @Test
    void numbers_stay_numbers_and_failures_have_causes() {
        format = LogFormat.JSON;
        LogHandler handler = handler(false, true, new RateLimit(100, 1, 1));
        LogRecord entry = new LogRecord(Level.SEVERE, "configuration {0} of queue {1}");
        entry.setParameters(new Object[] {LogField.generation(12_345), LogField.queue(3)});
        entry.setThrown(new IOException("outer", new IllegalStateException("inner")));
        handler.publish(entry);
        JsonNode json = json(lines().getFirst());
        assertEquals(12_345, json.path("generation").longValue());
        assertEquals(3, json.path("queue").intValue());
        assertEquals(
                "configuration 12345 of queue 3: outer: inner",
                json.path("message").asText());
        assertEquals("java.io.IOException: outer", json.path("error").asText());
        assertTrue(json.path("trace").asText().contains("Caused by: java.lang.IllegalStateException: inner"));

        format = LogFormat.JOURNAL;
        handler.publish(entry);
        List<String> lines = lines();
        assertTrue(lines.size() > 3);
        lines.forEach(line -> assertTrue(line.startsWith("<3>"), line));
    }

    @Test
    void where_standard_error_is_the_journal_lines_have_its_form(@TempDir Path folder) throws IOException {
        Path file = Files.createFile(folder.resolve("stream"));
        Map<String, Object> attributes = Files.readAttributes(file, "unix:dev,ino");
        String stream = attributes.get("dev") + ":" + attributes.get("ino");
        assertTrue(LogHandler.isJournal(Map.of("JOURNAL_STREAM", stream), file));
        // Inherited from a service, but redirected to a file.
        assertFalse(LogHandler.isJournal(Map.of("JOURNAL_STREAM", stream), folder));
        assertFalse(LogHandler.isJournal(Map.of(), file));
        assertFalse(LogHandler.isJournal(Map.of("JOURNAL_STREAM", stream), folder.resolve("none")));

        LogHandler handler = handler(true);
        handler.publish(down(Level.WARNING));
        assertTrue(lines().getFirst().startsWith("<4>real server "));
        format = LogFormat.TEXT;
        handler.publish(down(Level.WARNING));
        assertTrue(lines().getFirst().startsWith("2026-"));
        format = LogFormat.JSON;
        handler.publish(down(Level.WARNING));
        assertTrue(lines().getFirst().startsWith("<4>{"));
    }

    @Test
    void of_one_kind_so_many_are_written_and_the_others_counted() {
        LogHandler handler = handler(false, false, new RateLimit(5, 0.001, Long.MAX_VALUE));
        for (int i = 0; i < 25; i++) {
            LogRecord entry = new LogRecord(Level.WARNING, "no answer from {0}");
            entry.setParameters(new Object[] {"10.0.0." + i});
            handler.publish(entry);
        }
        handler.publish(new LogRecord(Level.INFO, "something else"));
        List<String> lines = lines();
        assertEquals(6, lines.size(), lines::toString);
        assertTrue(lines.get(4).endsWith(" no answer from 10.0.0.4"));
        assertTrue(lines.get(5).endsWith(" something else"));
        handler.flush();
        lines = lines();
        assertEquals(1, lines.size(), lines::toString);
        assertTrue(
                lines.getFirst().endsWith(" WARNING … and 20 more like this in the last 1 s: no answer from 10.0.0.24"),
                lines::toString);
    }

    @Test
    void what_was_held_back_is_told_of_without_another_record() throws InterruptedException {
        LogHandler handler = handler(false, false, new RateLimit(1, 0.001, 1));
        for (int i = 0; i < 3; i++) {
            handler.publish(new LogRecord(Level.WARNING, "again"));
        }
        long endNs = System.nanoTime() + 20_000_000_000L;
        String all = "";
        while (!all.contains("and 2 more")) {
            assertTrue(System.nanoTime() < endNs, all);
            Thread.sleep(20);
            all = bytes.toString(StandardCharsets.UTF_8);
        }
    }

    @Test
    void who_changed_what_is_never_held_back() {
        LogHandler handler = handler(false, false, new RateLimit(1, 0.001, Long.MAX_VALUE));
        for (int i = 0; i < 50; i++) {
            LogRecord entry = new LogRecord(Level.INFO, "{0} by {1}: done");
            entry.setParameters(new Object[] {LogField.change("real-add"), new LogField("user", "root")});
            handler.publish(entry);
        }
        assertEquals(50, lines().size());
    }
}
