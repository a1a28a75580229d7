package dev.sluice.control.admin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Asks a running director one thing. Any thread. */
public final class AdminClient {
    /** How long a director may be busy with what others ask for; nothing has happened when it says so. */
    private static final long BUSY_PATIENCE_S = 20;

    private static final long BUSY_PAUSE_MS = 50;

    private final Path path;

    /** A client of the director that listens on this socket; connects anew for every request. */
    public AdminClient(Path path) {
        this.path = path;
    }

    /**
     * Sends a command without arguments and reads its result.
     *
     * @throws AdminException when no director answers there, or it answers with an error
     */
    public <T> T ask(String command, Class<T> resultType) throws AdminException {
        return ask(command, Map.of(), resultType);
    }

    /**
     * Sends a command and reads its result.
     *
     * @param arguments what stands beside the command in the request; anything Jackson can write
     * @throws AdminException when no director answers there, or it answers with an error
     */
    public <T> T ask(String command, Map<String, ?> arguments, Class<T> resultType) throws AdminException {
        try {
            return AdminProtocol.JSON.treeToValue(askTree(command, arguments), resultType);
        } catch (JsonProcessingException e) {
            throw new AdminException(
                    "bad_answer",
                    "the director on " + path + " answers in another version's words: " + e.getOriginalMessage());
        }
    }

    /** As {@link #ask}, leaving the result as JSON. */
    public JsonNode askTree(String command) throws AdminException {
        return askTree(command, Map.of());
    }

    /** As {@link #ask(String, Map, Class)}, leaving the result as JSON. */
    public JsonNode askTree(String command, Map<String, ?> arguments) throws AdminException {
        long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(BUSY_PATIENCE_S);
        while (true) {
            try {
                return askOnce(command, arguments);
            } catch (AdminException e) {
                if (!e.code().equals(AdminException.BUSY) || System.nanoTime() - deadlineNs > 0) {
                    throw e;
                }
            }
            try {
                Thread.sleep(BUSY_PAUSE_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AdminException(AdminException.BUSY, "interrupted while waiting for a busy director");
            }
        }
    }

    private JsonNode askOnce(String command, Map<String, ?> arguments) throws AdminException {
        ObjectNode line = AdminProtocol.request(command);
        arguments.forEach((key, value) -> line.set(key, AdminProtocol.JSON.valueToTree(value)));
        JsonNode answer;
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path));
                BufferedReader reader = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8))) {
            ByteBuffer request = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
            while (request.hasRemaining()) {
                channel.write(request);
            }
            String reply = reader.readLine();
            if (reply == null) {
                throw new AdminException(
                        AdminException.UNREACHABLE, "the director on " + path + " hung up without an answer");
            }
            answer = AdminProtocol.JSON.readTree(reply);
        } catch (IOException e) {
            throw new AdminException(
                    AdminException.UNREACHABLE, "no director answers on " + path + ": " + e.getMessage());
        }
        if (!answer.path("ok").asBoolean()) {
            JsonNode error = answer.path("error");
            List<String> problems = new ArrayList<>();
            error.path("problems").forEach(problem -> problems.add(problem.asText()));
            throw new AdminException(
                    error.path("code").asText("error"), error.path("message").asText(), problems);
        }
        return answer.path("result");
    }
}
