package dev.sluice.control.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.config.SocketAccess;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that mean no good, on a real socket, beside one that does. */
@Timeout(60)
class HostileClientsTest {
    private static final int BIG_ANSWER = 50 << 20;
    /** Less than the five seconds after which an idle connection ends by itself, and enough for a busy machine. */
    private static final long PROMPTLY_MS = 4_500;

    @TempDir
    Path folder;

    private final AtomicInteger changes = new AtomicInteger();
    private final Queue<AdminException> failures = new ConcurrentLinkedQueue<>();
    private final List<SocketChannel> hostile = new ArrayList<>();
    private Path path;
    private AdminSocket socket;

    @BeforeEach
    void open() throws IOException {
        path = folder.resolve("s");
        socket = AdminSocket.open(path, (command, request) -> switch (command) {
            case "big" -> Collections.nCopies(BIG_ANSWER >> 20, "x".repeat(1 << 20));
            case "change" -> changes.incrementAndGet();
            default -> command;
        });
    }

    @AfterEach
    void close() throws IOException {
        for (SocketChannel channel : hostile) {
            channel.close();
        }
        socket.close();
    }

    private SocketChannel connect() throws IOException {
        SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path));
        hostile.add(channel);
        return channel;
    }

    private static void send(SocketChannel channel, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    private static void send(SocketChannel channel, String text) throws IOException {
        send(channel, text.getBytes(StandardCharsets.UTF_8));
    }

    private static BufferedReader reader(SocketChannel channel) {
        return new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
    }

    private static String code(SocketChannel channel) throws IOException {
        String line = reader(channel).readLine();
        assertNotNull(line, "it answers before it hangs up");
        JsonNode answer = AdminProtocol.JSON.readTree(line);
        assertFalse(answer.path("ok").asBoolean(), line);
        return answer.path("error").path("code").asText();
    }

    private void assertServesWithin(long millis) throws AdminException {
        long startNs = System.nanoTime();
        assertEquals("hello", new AdminClient(path).ask("hello", String.class));
        long took = (System.nanoTime() - startNs) / 1_000_000;
        assertTrue(took < millis, "answered after " + took + " ms");
    }

    @Test
    void idleConnectionsGiveWay() throws Exception {
        for (int i = 0; i < 3 * AdminSocket.MAX_CONNECTIONS; i++) {
            connect();
        }
        for (int i = 0; i < 20; i++) {
            assertServesWithin(PROMPTLY_MS);
        }
    }

    @Test
    void halfARequestGivesWay() throws Exception {
        for (int i = 0; i < 2 * AdminSocket.MAX_CONNECTIONS; i++) {
            send(connect(), "{\"v\":1,\"command\":\"cha");
        }
        assertServesWithin(PROMPTLY_MS);
        assertEquals(0, changes.get());
    }

    @Test
    void whoKeepsConnectingLocksOutNobody() throws Exception {
        AtomicBoolean stop = new AtomicBoolean();
        List<Thread> flood = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            flood.add(Thread.ofPlatform().start(() -> {
                List<SocketChannel> mine = new ArrayList<>();
                while (!stop.get()) {
                    try {
                        mine.add(SocketChannel.open(UnixDomainSocketAddress.of(path)));
                        if (mine.size() > 200) {
                            mine.removeFirst().close();
                        }
                    } catch (IOException e) {
                        Thread.onSpinWait();
                    }
                }
                for (SocketChannel channel : mine) {
                    try {
                        channel.close();
                    } catch (IOException e) {
                        Thread.onSpinWait();
                    }
                }
            }));
        }
        try {
            for (int i = 0; i < 10; i++) {
                assertServesWithin(10_000);
            }
        } finally {
            stop.set(true);
            for (Thread thread : flood) {
                thread.join();
            }
        }
    }

    @Test
    void answersThatNobodyTakesInAreGivenUp() throws Exception {
        for (int i = 0; i < 10; i++) {
            send(connect(), "{\"v\":1,\"command\":\"big\"}\n");
        }
        assertServesWithin(15_000);
        // What is held is bounded: of ten, at most two are left, and after their time none.
        long startNs = System.nanoTime();
        while (connected() > 2) {
            assertTrue(System.nanoTime() - startNs < 20_000_000_000L, connected() + " still hold their answers");
            Thread.sleep(100);
        }
        JsonNode whole = new AdminClient(path).askTree("big");
        assertEquals(BIG_ANSWER >> 20, whole.size(), "who reads gets all of it");
    }

    /** How many of the hostile connections have not been hung up on. */
    private int connected() throws IOException {
        int connected = 0;
        for (SocketChannel channel : hostile) {
            channel.configureBlocking(false);
            try {
                // A peer that is gone makes writing fail, whatever is left to read.
                channel.write(ByteBuffer.wrap(new byte[] {' '}));
                connected++;
            } catch (IOException e) {
                assertNotNull(e.getMessage());
            }
        }
        return connected;
    }

    static Stream<byte[]> whatIsNoRequest() {
        String request = "{\"v\":1,\"command\":\"change\",%s}";
        return Stream.of(
                        "[".repeat(60_000),
                        "{\"v\":1,\"command\":\"change\",\"a\":" + "[".repeat(100) + "]".repeat(100) + "}",
                        "{\"v\":1,\"command\":\"hello\",\"command\":\"change\"}",
                        request.formatted("\"a\":{\"b\":1,\"b\":2}"),
                        request.formatted("\"a\":" + "9".repeat(5_000)),
                        request.formatted("\"a\":nul"),
                        request.formatted("\"a\":\"\0\""),
                        request.formatted("\"a\":NaN"),
                        "\0",
                        "",
                        "{\"v\":1,\"command\":\"change\"}\t{}")
                .map(text -> text.getBytes(StandardCharsets.ISO_8859_1));
    }

    @ParameterizedTest
    @MethodSource("whatIsNoRequest")
    void whatIsNoRequestChangesNothing(byte[] line) throws Exception {
        SocketChannel channel = connect();
        send(channel, line);
        send(channel, "\n");
        assertEquals("bad_request", code(channel));
        assertEquals(0, changes.get());
        assertServesWithin(PROMPTLY_MS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"c328", "ff", "eda080", "f8888080", "c0af"})
    void whatIsNotUtf8IsRefused(String hex) throws Exception {
        SocketChannel channel = connect();
        send(channel, "{\"v\":1,\"command\":\"change\",\"a\":\"");
        send(channel, HexFormat.of().parseHex(hex));
        send(channel, "\"}\n");
        assertEquals("bad_request", code(channel));
        assertEquals(0, changes.get());
    }

    @Test
    void aLineThatIsTooLongIsRefusedAndEndsTheConnection() throws Exception {
        SocketChannel channel = connect();
        send(channel, "{\"v\":1,\"command\":\"change\",\"a\":\"" + "x".repeat(AdminProtocol.MAX_REQUEST_BYTES));
        assertEquals("bad_request", code(channel));
        assertEquals(0, changes.get());
        assertServesWithin(PROMPTLY_MS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.0", "\"1\"", "1e0", "true", "null", "4294967297", "[1]"})
    void aVersionIsTheNumberAlone(String version) throws Exception {
        SocketChannel channel = connect();
        send(channel, "{\"v\":" + version + ",\"command\":\"change\"}\n");
        assertEquals("unsupported_version", code(channel));
        assertEquals(0, changes.get());
    }

    @Test
    void silenceIsHungUpOn() throws Exception {
        SocketChannel channel = connect();
        long startNs = System.nanoTime();
        assertEquals(-1, channel.read(ByteBuffer.allocate(1)));
        long took = (System.nanoTime() - startNs) / 1_000_000;
        assertTrue(took >= 4_000 && took < 10_000, "after " + took + " ms");
    }

    @Test
    void theSocketHasItsModeAndGroupAndNothingElseIsLeft() throws Exception {
        Path other = folder.resolve("other");
        Object group = Files.getAttribute(folder, "posix:group");
        try (AdminSocket _ = AdminSocket.open(
                other, new SocketAccess(0666, Optional.of(group.toString())), (command, request) -> 1)) {
            assertEquals("rw-rw-rw-", PosixFilePermissions.toString(Files.getPosixFilePermissions(other)));
            assertEquals(group, Files.getAttribute(other, "posix:group"));
            try (Stream<Path> files = Files.list(folder)) {
                assertEquals(List.of(other, path), files.sorted().toList());
            }
        }
        IOException refused = assertThrows(
                IOException.class,
                () -> AdminSocket.open(
                        other, new SocketAccess(0660, Optional.of("no-such-group")), (command, request) -> 1));
        assertTrue(
                String.valueOf(refused.getMessage()).endsWith("socket_group: there is no group no-such-group"),
                refused::toString);
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(path), files.toList());
        }
    }

    @Test
    void manyAtOnceAreAllAnswered() throws Exception {
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            // As commands do: a virtual thread does not wait in connect(2) until there is room.
            clients.add(Thread.ofPlatform().start(() -> {
                try {
                    new AdminClient(path).askTree("change");
                } catch (AdminException e) {
                    failures.add(e);
                }
            }));
        }
        for (Thread client : clients) {
            client.join();
        }
        assertEquals(List.of(), List.copyOf(failures));
        assertEquals(200, changes.get());
    }
}
