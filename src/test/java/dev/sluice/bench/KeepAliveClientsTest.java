package dev.sluice.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.KeepAliveClients.Report;
import dev.sluice.bench.KeepAliveClients.Settings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The clients against a server of which every connection behaves in a way of its own. */
class KeepAliveClientsTest {
    private static final int MISBEHAVE_FROM = 3;

    /** How a connection goes on after its first answers. */
    private enum Manner {
        WELL,
        RESET,
        CLOSE,
        SILENCE,
        OTHER_SERVER,
        OTHER_PATH,
        NOT_FOUND,
        TWICE
    }

    private final AtomicInteger accepted = new AtomicInteger();
    private volatile Manner[] manners = {Manner.WELL};
    private ServerSocket listener;

    @BeforeEach
    void listen() throws IOException {
        listener = new ServerSocket(0, 1000, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(() -> {
            while (true) {
                try {
                    Socket socket = listener.accept();
                    Manner manner = manners[accepted.getAndIncrement() % manners.length];
                    Thread.ofVirtual().start(() -> serve(socket, manner));
                } catch (IOException _) {
                    return;
                }
            }
        });
    }

    @AfterEach
    void stopListening() throws IOException {
        listener.close();
    }

    private static void serve(Socket socket, Manner manner) {
        try (socket) {
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
            String name = "rs" + (socket.getPort() % 2 + 1);
            for (int request = 1; ; request++) {
                String line = in.readLine();
                while (line != null && !in.readLine().isEmpty()) {}
                if (line == null) {
                    return;
                }
                String path = line.split(" ", -1)[1];
                Manner now = request < MISBEHAVE_FROM ? Manner.WELL : manner;
                if (now == Manner.RESET) {
                    socket.setSoLinger(true, 0);
                    return;
                }
                if (now == Manner.CLOSE) {
                    return;
                }
                if (now == Manner.SILENCE) {
                    in.readLine();
                    return;
                }
                String answer = "HTTP/1.1 " + (now == Manner.NOT_FOUND ? "404 Not Found" : "200 OK")
                        + "\r\nContent-Length: 4\r\nX-Real-Server: " + (now == Manner.OTHER_SERVER ? "rs9" : name)
                        + "\r\nX-Request-Path: " + (now == Manner.OTHER_PATH ? "/0/0" : path) + "\r\n\r\nabc\n";
                socket.getOutputStream()
                        .write((now == Manner.TWICE ? answer + answer : answer).getBytes(StandardCharsets.US_ASCII));
            }
        } catch (IOException _) {
            // The client has gone.
        }
    }

    private KeepAliveClients clients(long timeoutMs) throws IOException {
        return new KeepAliveClients(new Settings(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), listener.getLocalPort()),
                List.of(InetAddress.getLoopbackAddress()),
                Duration.ofMillis(40),
                Duration.ofMillis(timeoutMs),
                7));
    }

    private static Report await(KeepAliveClients clients, Predicate<Report> condition) throws InterruptedException {
        long endNs = System.nanoTime() + 20_000_000_000L;
        Report report = clients.report();
        while (!condition.test(report)) {
            assertTrue(System.nanoTime() < endNs, "never: " + report);
            Thread.sleep(10);
            report = clients.report();
        }
        return report;
    }

    @Test
    void connectionsThatAreServedWellLiveOn() throws Exception {
        try (KeepAliveClients clients = clients(10_000)) {
            assertEquals(0, clients.report().wanted());
            clients.open(200, 10_000);
            Report report = await(clients, r -> r.answered() > 2000);
            assertEquals(200, report.wanted());
            assertEquals(200, report.alive());
            assertEquals(0, report.broken(), () -> report.breaks().toString());
            assertEquals(0, report.connecting());
            assertEquals(
                    200, report.servers().values().stream().mapToInt(n -> n).sum());
            assertTrue(report.longestSilenceMs() < 10_000);
            assertTrue(report.stalestMs() < 10_000);
            assertEquals(200, accepted.get(), "the connections are the same ones");

            clients.open(50, 10_000);
            assertEquals(250, await(clients, r -> r.alive() == 250).wanted());
            int ofFirst = await(
                            clients,
                            r -> r.servers().values().stream().mapToInt(n -> n).sum() == 250)
                    .servers()
                    .getOrDefault("rs1", 0);
            clients.closeServer("rs1");
            Report after = clients.report();
            assertEquals(ofFirst, after.closed());
            assertEquals(250 - ofFirst, after.alive());
            assertEquals(0, after.broken());
        }
    }

    @Test
    void everyWayToBreakIsNoticedAndNamed() throws Exception {
        manners = Manner.values();
        try (KeepAliveClients clients = clients(1500)) {
            clients.open(manners.length * 3, 1000);
            Report report = await(clients, r -> r.broken() == (manners.length - 1) * 3);
            assertEquals(
                    Map.of("reset", 3, "eof", 3, "timeout", 3, "server", 3, "answer", 9),
                    report.reasons(),
                    () -> report.breaks().toString());
            assertEquals(3, report.alive());
            assertTrue(report.longestSilenceMs() >= 1500);
            assertTrue(report.stalestMs() < report.longestSilenceMs(), "broken connections are not stale");
            assertTrue(
                    report.breaks().stream().anyMatch(text -> text.contains("server: rs9 in place of rs")),
                    () -> report.breaks().toString());
            long answered = report.answered();
            await(clients, r -> r.answered() > answered + 10);
            assertEquals((manners.length - 1) * 3, clients.report().broken());
        }
    }

    @Test
    void aConnectionThatIsRefusedIsBroken() throws Exception {
        listener.close();
        try (KeepAliveClients clients = clients(1500)) {
            clients.open(2, 1000);
            assertEquals(
                    Map.of("connect", 2), await(clients, r -> r.broken() == 2).reasons());
        }
    }

    @Test
    void opensNoFasterThanTold() throws Exception {
        try (KeepAliveClients clients = clients(10_000)) {
            long startNs = System.nanoTime();
            clients.open(41, 100);
            await(clients, r -> r.alive() == 41);
            assertTrue(System.nanoTime() - startNs >= 390_000_000L);
        }
    }
}
