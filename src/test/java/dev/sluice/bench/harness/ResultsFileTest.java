package dev.sluice.bench.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written can be read, by people as well. */
class ResultsFileTest {
    @TempDir
    private Path folder = Path.of("");

    @Test
    void whatIsWrittenIsRead() throws Exception {
        Results written = SampleRun.results();
        Path run = RunFolder.write(written, folder);
        Results read = ResultsFile.read(run);
        assertTrue(run.getFileName().toString().matches("sample-[0-9]{8}-[0-9]{6}"), run.toString());
        assertEquals(written.measurements(), read.measurements());
        assertEquals(written.latencies(), read.latencies());
        assertEquals(written.targets(), read.targets());
        assertEquals(written.remarks(), read.remarks());
        assertEquals(written.commands(), read.commands());
        assertEquals(written.facts(), read.facts());
        assertEquals(written.started(), read.started());
        assertEquals(List.of("sample", "--quick"), read.commandLine());
        assertEquals(Map.of("--rounds", "3"), read.options());
        assertTrue(read.isComplete());
        assertEquals(read, ResultsFile.read(run.resolve("results.json")));
    }

    @Test
    void filesSayMediansAndPercentiles() {
        JsonNode root = ResultsFile.toJson(SampleRun.results());
        assertEquals(1, root.path("format").asInt());
        JsonNode cost = root.path("measurements").path(0);
        assertEquals(20, cost.path("median").asDouble());
        assertEquals(10, cost.path("min").asDouble());
        assertEquals(30, cost.path("max").asDouble());
        assertEquals(45, root.path("measurements").path(1).path("median").asDouble());
        JsonNode percentiles = root.path("latencies").path(0).path("percentiles");
        assertEquals(50e6, percentiles.path("p50").asDouble(), 50e3);
        assertEquals(99.9e6, percentiles.path("p99.9").asDouble(), 100e3);
        assertEquals(100e6, percentiles.path("max").asDouble(), 100e3);
        assertTrue(root.path("targets").path(0).path("met").asBoolean());
        assertFalse(root.path("targets").path(1).path("met").asBoolean());
        assertEquals(0, root.path("targets").path(1).path("atMost").asDouble(-1));
    }

    @Test
    void anIncompleteRunSaysWhy() throws Exception {
        Results broken =
                Results.of(SampleRun.run(), "interrupted", List.of("sample"), Map.of(), SampleRun.facts("6.12"));
        Results read = ResultsFile.read(RunFolder.write(broken, folder));
        assertFalse(read.isComplete());
        assertEquals("interrupted", read.trouble());
    }

    @Test
    void twoRunsOfOneSecondHaveTwoFolders() throws Exception {
        Results results = SampleRun.results();
        Path first = RunFolder.write(results, folder);
        Path second = RunFolder.write(results, folder);
        assertEquals(first + "-2", second.toString());
    }

    @Test
    void badFilesAreRefusedInOneLine() throws Exception {
        assertRefused("does not exist", folder.resolve("nowhere"));
        assertRefused("is not JSON", Files.writeString(folder.resolve("a"), "{"));
        assertRefused("format 9 is not 1", Files.writeString(folder.resolve("b"), "{\"format\": 9}"));
        assertRefused("\"trouble\" is missing", Files.writeString(folder.resolve("c"), "{\"format\": 1}"));
        assertRefused(
                "has no samples",
                Files.writeString(
                        folder.resolve("d"),
                        "{\"format\": 1, \"measurements\": [{\"subject\": \"s\", \"metric\": \"m\", \"unit\": \"u\","
                                + " \"better\": \"LOWER\"}]}"));
    }

    private static void assertRefused(String expected, Path file) {
        String message = String.valueOf(
                assertThrows(IOException.class, () -> ResultsFile.read(file)).getMessage());
        assertTrue(message.contains(expected), message);
        assertEquals(1, message.lines().count(), message);
    }
}
