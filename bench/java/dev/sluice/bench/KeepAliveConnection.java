package dev.sluice.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP/1.1 connection of {@link KeepAliveClients}: asks one question at a time and judges the answers. The server has
 * to say who it is and what it was asked, in {@link #SERVER_HEADER} and {@link #PATH_HEADER}.
 */
final class KeepAliveConnection {
    /** Header with the real server's name. */
    static final String SERVER_HEADER = "x-real-server: ";
    /** Header with the path that was asked for. */
    static final String PATH_HEADER = "x-request-path: ";

    private static final String LENGTH_HEADER = "content-length: ";
    private static final int MAX_ANSWER_BYTES = 2048;

    /** An answer that is not the one due, or none; the message begins with one word that says which kind. */
    static final class BrokenException extends IOException {
        BrokenException(String message) {
            super(message);
        }
    }

    final SocketChannel channel;
    private final int number;
    private final ByteBuffer answer = ByteBuffer.allocate(MAX_ANSWER_BYTES);
    private int sequence;
    /** When what is waited for, a connection or an answer, was asked for. */
    private long askedMs;

    /** When the last answer came; before the first, when the connection was asked for. */
    private long answeredMs;

    private boolean isWaiting = true;
    private @Nullable String server;

    KeepAliveConnection(SocketChannel channel, int number, long nowMs) {
        this.channel = channel;
        this.number = number;
        askedMs = nowMs;
        answeredMs = nowMs;
    }

    /** The real server's name, null before the first answer. */
    @Nullable
    String server() {
        return server;
    }

    boolean isWaiting() {
        return isWaiting;
    }

    /** How long the connection or an answer has been waited for. */
    long waitedMs(long nowMs) {
        return isWaiting ? nowMs - askedMs : 0;
    }

    /** How long ago the last answer came. */
    long answerAgeMs(long nowMs) {
        return nowMs - answeredMs;
    }

    private String path() {
        return "/" + number + "/" + sequence;
    }

    /** Sends the next request. */
    void ask(long nowMs) throws IOException {
        sequence++;
        ByteBuffer request = StandardCharsets.US_ASCII.encode("GET " + path() + " HTTP/1.1\r\nHost: vip\r\n\r\n");
        askedMs = nowMs;
        isWaiting = true;
        channel.write(request);
        if (request.hasRemaining()) {
            throw new BrokenException("send: the socket takes no more");
        }
    }

    /**
     * Reads what has come.
     *
     * @return whether the answer is complete; it is right then
     * @throws IOException when the connection is broken
     */
    boolean read(long nowMs) throws IOException {
        if (channel.read(answer) < 0) {
            throw new BrokenException("eof: closed by the server");
        }
        String text = new String(answer.array(), 0, answer.position(), StandardCharsets.ISO_8859_1);
        int headerEnd = text.indexOf("\r\n\r\n");
        if (headerEnd < 0) {
            if (!answer.hasRemaining()) {
                throw new BrokenException("answer: longer than " + MAX_ANSWER_BYTES + " bytes");
            }
            return false;
        }
        String header = text.substring(0, headerEnd + 2);
        int length = headerEnd + 4 + length(header);
        if (length > MAX_ANSWER_BYTES) {
            throw new BrokenException("answer: longer than " + MAX_ANSWER_BYTES + " bytes");
        }
        if (text.length() < length) {
            return false;
        }
        if (!isWaiting || text.length() > length) {
            throw new BrokenException("answer: more than was asked for");
        }
        judge(header);
        answer.clear();
        isWaiting = false;
        answeredMs = nowMs;
        return true;
    }

    private static int length(String header) throws BrokenException {
        String value = field(header, LENGTH_HEADER);
        try {
            return Integer.parseUnsignedInt(value);
        } catch (NumberFormatException e) {
            throw new BrokenException("answer: no content length but \"" + value + "\"");
        }
    }

    private void judge(String header) throws BrokenException {
        if (!header.startsWith("HTTP/1.1 200 ")) {
            throw new BrokenException("answer: " + header.lines().findFirst().orElse(""));
        }
        String asked = field(header, PATH_HEADER);
        if (!asked.equals(path())) {
            throw new BrokenException("answer: to " + asked + ", not " + path());
        }
        String name = field(header, SERVER_HEADER);
        if (name.isEmpty()) {
            throw new BrokenException("answer: no " + SERVER_HEADER.strip());
        }
        if (server != null && !server.equals(name)) {
            throw new BrokenException("server: " + name + " in place of " + server);
        }
        server = name;
    }

    private static String field(String header, String name) {
        int at = header.toLowerCase(Locale.ROOT).indexOf("\r\n" + name);
        if (at < 0) {
            return "";
        }
        int from = at + 2 + name.length();
        return header.substring(from, header.indexOf("\r\n", from)).strip();
    }

    /** Which connection it is, for messages. */
    String describe() {
        String local;
        try {
            InetSocketAddress address = (InetSocketAddress) channel.getLocalAddress();
            local = address == null ? "unbound" : address.getAddress().getHostAddress() + " port " + address.getPort();
        } catch (IOException _) {
            local = "closed";
        }
        return "connection " + number + " (" + local + ", " + (server == null ? "no server yet" : server) + ", request "
                + sequence + ")";
    }
}
