package dev.sluice.bench.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ApacheBenchTest {
    private static final String OUTPUT = """
            Concurrency Level:      32
            Time taken for tests:   2.500 seconds
            Complete requests:      1000
            Failed requests:        3
               (Connect: 1, Receive: 1, Length: 1, Exceptions: 0)
            Non-2xx responses:      2
            Requests per second:    400.00 [#/sec] (mean)
            """;

    /** Within so many ms a percent of requests was answered: in a straight line. */
    private static List<String> csv(double msAPercent) {
        List<String> lines = new ArrayList<>(List.of("Percentage served,Time in ms"));
        for (int percent = 0; percent <= 100; percent++) {
            lines.add(percent + "," + msAPercent * percent);
        }
        return lines;
    }

    @Test
    void whatItWroteIsRead() {
        ApacheBench.Told told = ApacheBench.read(OUTPUT, csv(1));
        assertEquals(1000, told.complete());
        assertEquals(5, told.failed());
        assertEquals(400, told.perSecond(), 1e-9);
        assertEquals(101, told.percentilesMs().size());
        assertEquals(50, ApacheBench.percentileMs(List.of(told), 50), 0.01);
        assertEquals(100, ApacheBench.percentileMs(List.of(told), 100), 0.01);
    }

    @Test
    void percentilesOfSeveralAreOfAllTheirRequests() {
        ApacheBench.Told fast = ApacheBench.read(OUTPUT, csv(1));
        ApacheBench.Told slow = ApacheBench.read(OUTPUT, csv(3));
        // Within 75 ms 75 % of the fast ones were answered and 25 % of the slow ones.
        assertEquals(75, ApacheBench.percentileMs(List.of(fast, slow), 50), 0.1);
        assertEquals(300, ApacheBench.percentileMs(List.of(fast, slow), 100), 0.1);
    }

    @Test
    void oneThatBrokeOffIsTold() {
        IllegalStateException refused = assertThrows(
                IllegalStateException.class,
                () -> ApacheBench.read("apr_socket_recv: Connection refused (111)\n", List.of()));
        assertTrue(String.valueOf(refused.getMessage()).contains("Connection refused"), refused::getMessage);
    }

    @Test
    void whereItIsNotInstalledItSaysHowToGetIt() {
        assertTrue(ApacheBench.missing("/nonexistent").orElseThrow().contains("bench/run setup peers"));
    }

    @Test
    void theNumberOfRequestsComesBehindTheTime() {
        List<String> command = ApacheBench.command(3, 8, "10.0.0.1", Path.of("x.csv"), "http://10.0.0.2/");
        // "-t" sets "-n" to 50,000.
        assertTrue(command.indexOf("-n") > command.indexOf("-t"));
        assertEquals("http://10.0.0.2/", command.getLast());
    }
}
