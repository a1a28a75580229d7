package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Busy connections of the lab's client, by {@code src/test/scripts/keep-alive}, which ends when one of them breaks. */
final class KeepAlive implements AutoCloseable {
    private static final long AWAIT_NS = 25_000_000_000L;

    private final Process process;
    private final Path log;
    private final Path pause;

    private KeepAlive(Process process, Path log, Path pause) {
        this.process = process;
        this.log = log;
        this.pause = pause;
    }

    /** Opens connections to a VIP; returns when each has had its first answer. */
    static KeepAlive open(LabFixture lab, String vip, int port, int connections) {
        Path log = lab.state().resolve("keep-alive-" + System.nanoTime() + ".log");
        Path pause = lab.state().resolve(log.getFileName() + ".pause");
        Process process = lab.start(
                log,
                "client",
                "src/test/scripts/keep-alive",
                vip,
                Integer.toString(port),
                Integer.toString(connections),
                pause.toString());
        KeepAlive started = new KeepAlive(process, log, pause);
        started.awaitRounds(1);
        return started;
    }

    /** Waits until every connection has had some more answers. */
    void awaitRounds(int more) {
        awaitLines("round", count("round") + more);
    }

    /** Has the connections rest, with nothing on its way. */
    void pause() throws IOException {
        long before = count("paused");
        Files.createFile(pause);
        awaitLines("paused", before + 1);
    }

    /** Ends a pause. */
    void goOn() throws IOException {
        Files.delete(pause);
    }

    /** How many of the connections each real server has. */
    Set<String> realServers() {
        return lines().stream()
                .filter(line -> line.indexOf(' ') > 0)
                .map(line -> line.substring(line.indexOf(' ') + 1))
                .collect(Collectors.toSet());
    }

    /** Kills the client, whose kernel closes the connections. */
    void end() {
        process.destroyForcibly();
    }

    @Override
    public void close() {
        end();
    }

    private void awaitLines(String line, long number) {
        long startNs = System.nanoTime();
        while (count(line) < number) {
            assertTrue(process.isAlive(), () -> "a connection broke: " + lines().getLast());
            assertTrue(System.nanoTime() - startNs < AWAIT_NS, () -> "no answers any more: " + lines().getLast());
            DirectorLab.pause(20);
        }
        assertEquals(0, count("keep-alive:"));
    }

    private long count(String line) {
        return lines().stream().filter(line::equals).count();
    }

    private List<String> lines() {
        try {
            return Files.readAllLines(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
