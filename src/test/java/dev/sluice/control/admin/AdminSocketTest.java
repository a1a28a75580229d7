package dev.sluice.control.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AdminSocketTest {
    @TempDir
    Path folder;

    private AdminSocket open(Path path) throws IOException {
        return AdminSocket.open(path, (command, request) -> switch (command) {
            case "echo" -> Map.of("text", request.path("text").asText("nothing"));
            case "crash" -> throw new IllegalStateException("on purpose");
            default -> throw new AdminException("unknown_command", "no such command: " + command);
        });
    }

    @Test
    void answersACommand() throws Exception {
        Path path = folder.resolve("sub/sluice.sock");
        try (AdminSocket _ = open(path)) {
            JsonNode result = new AdminClient(path).askTree("echo");
            assertEquals("nothing", result.path("text").asText());
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
        }
        assertFalse(Files.exists(path), "the socket file goes with the director");
    }

    @Test
    void carriesErrorsWithTheirCode() throws Exception {
        Path path = folder.resolve("s");
        try (AdminSocket _ = open(path)) {
            AdminException error = assertThrows(AdminException.class, () -> new AdminClient(path).askTree("nonsense"));
            assertEquals("unknown_command", error.code());
            assertEquals("no such command: nonsense", error.getMessage());
            assertEquals(
                    "internal",
                    assertThrows(AdminException.class, () -> new AdminClient(path).askTree("crash"))
                            .code());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "hello|bad_request",
                "[1]|bad_request",
                "{} {}|bad_request",
                "{\"command\":\"echo\"}|unsupported_version",
                "{\"v\":2,\"command\":\"echo\"}|unsupported_version",
                "{\"v\":1}|bad_request",
                "{\"v\":1,\"command\":7}|bad_request",
            })
    void refusesWhatIsNoRequestAndGoesOnServing(String line, String code) throws Exception {
        Path path = folder.resolve("s");
        try (AdminSocket _ = open(path);
                SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path));
                BufferedReader reader = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8))) {
            send(channel, line + "\n");
            JsonNode answer = AdminProtocol.JSON.readTree(reader.readLine());
            assertFalse(answer.path("ok").asBoolean());
            assertEquals(code, answer.path("error").path("code").asText());
            send(channel, "{\"v\":1,\"command\":\"echo\",\"text\":\"still here\"}\n");
            assertEquals(
                    "still here",
                    AdminProtocol.JSON
                            .readTree(reader.readLine())
                            .path("result")
                            .path("text")
                            .asText());
        }
    }

    @Test
    void answersRequestsThatArriveTogetherAndInPieces() throws Exception {
        Path path = folder.resolve("s");
        try (AdminSocket _ = open(path);
                SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path));
                BufferedReader reader = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8))) {
            String request = "{\"v\":1,\"command\":\"echo\",\"text\":\"%s\"}\n";
            String all = request.formatted("a") + request.formatted("b") + request.formatted("c");
            send(channel, all.substring(0, 50));
            Thread.sleep(20);
            send(channel, all.substring(50));
            for (String expected : List.of("a", "b", "c")) {
                assertEquals(
                        expected,
                        AdminProtocol.JSON
                                .readTree(reader.readLine())
                                .path("result")
                                .path("text")
                                .asText());
            }
        }
    }

    @Test
    void hangsUpOnALineWithoutEnd() throws Exception {
        Path path = folder.resolve("s");
        try (AdminSocket _ = open(path);
                SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            assertThrows(IOException.class, () -> {
                for (int i = 0; i < 1000; i++) {
                    send(channel, "x".repeat(10_000));
                }
            });
            assertEquals(
                    "nothing",
                    new AdminClient(path).askTree("echo").path("text").asText());
        }
    }

    @Test
    void replacesTheSocketOfAKilledDirectorButNotOneThatAnswers() throws Exception {
        Path path = folder.resolve("s");
        try (ServerSocketChannel killed = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            killed.bind(UnixDomainSocketAddress.of(path));
        }
        assertTrue(Files.exists(path), "closing a channel leaves the file, as kill -9 does");
        try (AdminSocket _ = open(path)) {
            IOException refused = assertThrows(IOException.class, () -> open(path));
            assertEquals(
                    "another director answers on " + path + "; stop it or choose another --socket",
                    refused.getMessage());
            assertEquals(
                    "nothing",
                    new AdminClient(path).askTree("echo").path("text").asText());
        }
    }

    @Test
    void argumentsAndEveryProblemGoOverTheWire() throws Exception {
        Path path = folder.resolve("s");
        try (AdminSocket _ = AdminSocket.open(path, (command, request) -> {
            throw new AdminException("config", request.path("file").asText(), List.of("no this", "no that"));
        })) {
            AdminException error = assertThrows(
                    AdminException.class, () -> new AdminClient(path).askTree("reload", Map.of("file", "f\n\"")));
            assertEquals("config", error.code());
            assertEquals("f\n\"", error.getMessage());
            assertEquals(List.of("no this", "no that"), error.problems());
        }
    }

    @Test
    void requestsThatTakeTheirTimeHoldUpNoOther() throws Exception {
        Path path = folder.resolve("s");
        CountDownLatch release = new CountDownLatch(1);
        try (AdminSocket _ = AdminSocket.open(path, (command, request) -> {
            if (command.equals("slow")) {
                try {
                    release.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            return command;
        })) {
            List<CompletableFuture<String>> slow = new ArrayList<>();
            for (int i = 0; i < AdminSocket.MAX_CONNECTIONS - 1; i++) {
                slow.add(CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                return new AdminClient(path).ask("slow", String.class);
                            } catch (AdminException e) {
                                return e.code();
                            }
                        },
                        command -> Thread.ofVirtual().start(command)));
            }
            Thread.sleep(200);
            for (int i = 0; i < 100; i++) {
                assertEquals("fast", new AdminClient(path).ask("fast", String.class));
            }
            release.countDown();
            for (CompletableFuture<String> outcome : slow) {
                assertEquals("slow", outcome.join());
            }
        }
    }

    @Test
    void saysWhereNobodyAnswers() {
        Path path = folder.resolve("nobody");
        AdminException error = assertThrows(AdminException.class, () -> new AdminClient(path).askTree("echo"));
        assertEquals("unreachable", error.code());
        assertTrue(String.valueOf(error.getMessage()).contains(path.toString()), error.toString());
    }

    private static void send(SocketChannel channel, String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
