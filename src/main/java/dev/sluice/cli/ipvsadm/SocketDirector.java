package dev.sluice.cli.ipvsadm;

import dev.sluice.control.admin.AdminException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The director that listens on an admin socket: what {@code AdminClient} is to other commands, without their start-up time.
 * Connects anew for every request.
 */
final class SocketDirector implements Director {
    private static final int PROTOCOL_VERSION = 1;

    private final Path path;

    SocketDirector(Path path) {
        this.path = path;
    }

    @Override
    public Json ask(String command, Map<String, ?> arguments) throws AdminException {
        Map<String, Object> request = new LinkedHashMap<>();
        request.put("v", PROTOCOL_VERSION);
        request.put("command", command);
        request.putAll(arguments);
        String line = exchange(Json.write(request) + "\n");
        Json answer;
        try {
            answer = Json.parse(line);
        } catch (IllegalArgumentException e) {
            throw new AdminException("bad_answer", "the director on " + path + " answers with " + e.getMessage());
        }
        if (!answer.path("ok").isTrue()) {
            Json error = answer.path("error");
            List<String> problems = new ArrayList<>();
            error.path("problems").elements().forEach(problem -> problems.add(problem.text()));
            throw new AdminException(
                    error.path("code").text(), error.path("message").text(), problems);
        }
        return answer.path("result");
    }

    private String exchange(String request) throws AdminException {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            ByteBuffer bytes = ByteBuffer.wrap(request.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            ByteArrayOutputStream answer = new ByteArrayOutputStream();
            ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
            while (channel.read(buffer) >= 0) {
                int length = buffer.position();
                answer.write(buffer.array(), 0, length);
                if (length > 0 && buffer.get(length - 1) == '\n') {
                    return answer.toString(StandardCharsets.UTF_8);
                }
                buffer.clear();
            }
        } catch (IOException e) {
            throw AdminException.unreachable("no director answers on " + path + ": " + e.getMessage());
        }
        throw AdminException.unreachable("the director on " + path + " hung up without an answer");
    }
}
