package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** One client in a loop, each request on a connection of its own, until it is closed: then none may have failed. */
final class Requests implements AutoCloseable {
    private static final String SCRIPT = """
            import socket, sys, time
            family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
            port = int(sys.argv[2])
            while True:
                port += 1
                name = "failed"
                try:
                    with socket.socket(family) as sock:
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                        sock.settimeout(2)
                        sock.bind(("", port))
                        sock.connect((sys.argv[1], 80))
                        sock.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
                        answer = b""
                        while chunk := sock.recv(65536):
                            answer += chunk
                        name = answer.split(b"\\r\\n\\r\\n")[1].decode().strip()
                except Exception as e:
                    name = "failed: " + repr(e)
                print(name, flush=True)
                time.sleep(0.002)
            """;

    /** A client's ports, that none meets an earlier one's connection in TIME_WAIT. */
    private static final int PORTS = 3_000;

    private static final int FIRST_PORT = 10_000;
    private static final int CLIENTS = 7;
    private static final AtomicInteger started = new AtomicInteger();

    private final Process process;
    private final Path log;
    private boolean ended;

    private Requests(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    /** Starts asking port 80 of a VIP and waits for the first answers. */
    static Requests start(LabFixture lab, String vip) {
        Path log = lab.state().resolve("requests-" + System.nanoTime() + ".log");
        int port = FIRST_PORT + started.getAndIncrement() % CLIENTS * PORTS;
        Requests requests = new Requests(
                lab.start(log, "client", "/usr/bin/python3", "-c", SCRIPT, vip, Integer.toString(port)), log);
        requests.awaitMore(20);
        return requests;
    }

    List<String> answers() {
        try {
            return Files.readAllLines(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits for some more answers: how many there are then. */
    int awaitMore(int count) {
        int before = log.toFile().exists() ? answers().size() : 0;
        long startNs = System.nanoTime();
        while (!log.toFile().exists() || answers().size() < before + count) {
            assertTrue((System.nanoTime() - startNs) / 1_000_000 < 25_000, "no answers: " + log);
            DirectorLab.pause(20);
        }
        return answers().size();
    }

    /** Ends the client: the requests that failed. */
    List<String> end() {
        process.destroyForcibly();
        ended = true;
        return answers().stream().filter(line -> !line.matches("rs[0-9]|r?s?")).toList();
    }

    /** None has failed, unless {@link #end} has told. */
    @Override
    public void close() {
        if (!ended) {
            assertEquals(List.of(), end(), "requests failed");
        }
    }
}
