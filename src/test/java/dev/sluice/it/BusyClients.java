package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.Versioned;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.sluice.bench.KeepAliveClients.Report;
import dev.sluice.bench.KeepAliveMain;
import dev.sluice.testing.LabFixture;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;

/** {@link dev.sluice.bench.KeepAliveClients} on the lab's client, in a process of their own. */
final class BusyClients implements AutoCloseable {
    private static final int OPEN_TIMEOUT_S = 60;
    private static final AtomicInteger STARTED = new AtomicInteger();

    private final JsonMapper json = new JsonMapper();
    private final Process process;
    private final Path log;
    private final Writer in;
    private final BufferedReader out;

    private BusyClients(Process process, Path log) {
        this.process = process;
        this.log = log;
        in = process.outputWriter(StandardCharsets.US_ASCII);
        out = process.inputReader(StandardCharsets.UTF_8);
    }

    /**
     * Clients without a connection yet.
     *
     * @param interval between the requests of a connection
     * @param timeout how long an answer may take
     * @param sources addresses of the client to connect from in turn; none for its own
     */
    static BusyClients start(
            LabFixture lab, String address, int port, Duration interval, Duration timeout, String... sources) {
        String classPath = Stream.of(
                        KeepAliveMain.class, CommandLine.class, JsonMapper.class, Versioned.class, JsonAutoDetect.class)
                .map(DirectorLab::location)
                .collect(Collectors.joining(":"));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xmx256m",
                "-cp",
                classPath,
                KeepAliveMain.class.getName()));
        command.addAll(List.of("--interval", "" + interval.toMillis(), "--timeout", "" + timeout.toMillis()));
        for (String source : sources) {
            command.addAll(List.of("--source", source));
        }
        command.addAll(List.of(address, "" + port));
        Path log = lab.state().resolve("busy-clients-" + STARTED.incrementAndGet() + ".log");
        return new BusyClients(lab.startInteractive(log, "client", command.toArray(String[]::new)), log);
    }

    /** Opens more connections and waits until each has had an answer. */
    Report open(int count, int perSecond) {
        Report before = command("open " + count + " " + perSecond);
        return await(
                before.wanted() + " connections answered",
                Duration.ofSeconds(OPEN_TIMEOUT_S + count / perSecond),
                report ->
                        report.servers().values().stream().mapToInt(n -> n).sum() == report.wanted() - report.closed());
    }

    /** Asks for more connections and does not wait for them. */
    Report beginToOpen(int count, int perSecond) {
        return command("open " + count + " " + perSecond);
    }

    /** Closes the connections that a real server answers. */
    Report closeServer(String server) {
        return command("close " + server);
    }

    Report report() {
        return command("report");
    }

    /** The first report for which something holds; a broken connection ends the waiting. */
    Report await(String what, Duration timeout, Predicate<Report> condition) {
        long startNs = System.nanoTime();
        Report report = report();
        while (!condition.test(report)) {
            assertNoneBroken(report);
            assertTrue(System.nanoTime() - startNs < timeout.toNanos(), "never: " + what + "\n" + report);
            DirectorLab.pause(100);
            report = report();
        }
        return report;
    }

    /** No connection has broken so far, and each of them is answered at least once from now on. */
    Report assertAllGoOn(Duration timeout) {
        long startNs = System.nanoTime();
        Report after = await(
                "an answer on every connection",
                timeout,
                report -> report.stalestMs() < (System.nanoTime() - startNs) / 1_000_000);
        assertNoneBroken(after);
        return after;
    }

    static void assertNoneBroken(Report report) {
        assertEquals(0, report.broken(), report::toString);
    }

    private Report command(String line) {
        try {
            in.write(line + "\n");
            in.flush();
            String answer = out.readLine();
            if (answer == null || answer.contains("\"error\"")) {
                throw new AssertionError(line + ": " + answer + "\n" + Files.readString(log));
            }
            return json.readValue(answer, Report.class);
        } catch (JsonProcessingException e) {
            throw new AssertionError(line, e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Closes all connections in order. */
    @Override
    public void close() {
        try {
            in.write("quit\n");
            in.close();
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("the clients do not end: " + Files.readString(log));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
