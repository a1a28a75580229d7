package dev.sluice.health;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * One request and its answer with trailers on an HTTP/2 connection of its own (RFC 9113), which is begun with prior knowledge
 * (section 3.3). Nothing else that HTTP/2 can do. Owned by the check's thread.
 */
final class Http2Call {
    private static final int FRAME_HEADER_BYTES = 9;
    /** SETTINGS_MAX_FRAME_SIZE as it is unless changed, and it is not. */
    private static final int MAX_FRAME_BYTES = 16_384;

    private static final int MAX_HEADER_BYTES = 65_536;
    /** Below the window that a stream has from the start, so that none needs to be opened. */
    private static final int MAX_BODY_BYTES = 65_535;

    private static final long MAX_ANSWER_BYTES = 1 << 20;

    private static final int DATA = 0;
    private static final int HEADERS = 1;
    private static final int RST_STREAM = 3;
    private static final int SETTINGS = 4;
    private static final int PING = 6;
    private static final int GOAWAY = 7;
    private static final int CONTINUATION = 9;

    private static final int FLAG_ACK = 0x1;
    private static final int FLAG_END_STREAM = 0x1;
    private static final int FLAG_END_HEADERS = 0x4;
    private static final int FLAG_PADDED = 0x8;
    private static final int FLAG_PRIORITY = 0x20;
    private static final int PRIORITY_BYTES = 5;
    private static final int STREAM = 1;

    private static final byte[] PREFACE = AnswerReader.ascii("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    /** No dynamic table for the server's headers, no pushes. */
    private static final byte[] OUR_SETTINGS = {0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0};

    private static final int INDEX_AUTHORITY = 1;
    private static final int INDEX_METHOD_POST = 3;
    private static final int INDEX_PATH = 4;
    private static final int INDEX_SCHEME_HTTP = 6;
    private static final int INDEX_SCHEME_HTTPS = 7;
    private static final int INDEXED = 0x80;

    private static final String[] ERRORS = {
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED"
    };

    private final ByteStream stream;
    private final AnswerReader reader;
    private final Map<String, String> fields = new HashMap<>();
    private final ByteArrayOutputStream body = new ByteArrayOutputStream();
    private final ByteArrayOutputStream headerBlock = new ByteArrayOutputStream();
    /** Whether the header that is being read is all that comes. */
    private boolean endsAfterHeaders;

    Http2Call(ByteStream stream) {
        this.stream = stream;
        reader = new AnswerReader(stream, "HTTP/2 answer", MAX_ANSWER_BYTES);
    }

    /** Header and trailer fields of the answer, those of the trailer before those of the header. */
    Map<String, String> fields() {
        return fields;
    }

    /** The answer's body. */
    byte[] body() {
        return body.toByteArray();
    }

    /**
     * Sends a POST, and reads until the answer has ended.
     *
     * @param headers beside the four that every request has
     */
    void post(boolean https, String authority, String path, Map<String, String> headers, byte[] content)
            throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(PREFACE);
        out.writeBytes(frame(SETTINGS, 0, 0, OUR_SETTINGS));
        ByteArrayOutputStream block = new ByteArrayOutputStream();
        block.write(INDEXED | INDEX_METHOD_POST);
        block.write(INDEXED | (https ? INDEX_SCHEME_HTTPS : INDEX_SCHEME_HTTP));
        block.write(INDEX_AUTHORITY);
        writeString(block, authority);
        block.write(INDEX_PATH);
        writeString(block, path);
        headers.forEach((name, value) -> {
            block.write(0);
            writeString(block, name);
            writeString(block, value);
        });
        out.writeBytes(frame(HEADERS, FLAG_END_HEADERS, STREAM, block.toByteArray()));
        out.writeBytes(frame(DATA, FLAG_END_STREAM, STREAM, content));
        stream.write(out.toByteArray());
        expectHttp2();
        boolean ended = false;
        while (!ended) {
            ended = readFrame();
        }
    }

    /** The server's first frame must be SETTINGS (section 3.4); another protocol's answer is told by its first octets. */
    private void expectHttp2() throws IOException {
        byte[] header = reader.readFully(FRAME_HEADER_BYTES);
        if (header[3] != SETTINGS) {
            throw new UnhealthyException("answer is not of HTTP/2, it begins with \""
                    + AnswerReader.printable(new String(header, StandardCharsets.ISO_8859_1)) + "\"");
        }
        take(header);
    }

    private boolean readFrame() throws IOException {
        return take(reader.readFully(FRAME_HEADER_BYTES));
    }

    /** Takes the frame behind a frame header: whether it ended the answer. */
    private boolean take(byte[] header) throws IOException {
        int length = (header[0] & 0xff) << 16 | (header[1] & 0xff) << 8 | (header[2] & 0xff);
        int type = header[3];
        int flags = header[4] & 0xff;
        int streamId = ByteBuffer.wrap(header).getInt(5) & Integer.MAX_VALUE;
        if (length > MAX_FRAME_BYTES) {
            throw new UnhealthyException("HTTP/2 answer has a frame of " + length + " octets");
        }
        byte[] payload = reader.readFully(length);
        switch (type) {
            case SETTINGS -> {
                if ((flags & FLAG_ACK) == 0) {
                    stream.write(frame(SETTINGS, FLAG_ACK, 0, new byte[0]));
                }
            }
            case PING -> {
                if ((flags & FLAG_ACK) == 0) {
                    stream.write(frame(PING, FLAG_ACK, 0, payload));
                }
            }
            case GOAWAY -> checkGoAway(payload);
            case RST_STREAM -> throw new UnhealthyException("HTTP/2 request was reset: " + error(payload, 0));
            case HEADERS, CONTINUATION, DATA -> {
                if (streamId != STREAM) {
                    throw new UnhealthyException("HTTP/2 answer is of stream " + streamId + ", which was not asked");
                }
                return takeOfAnswer(type, flags, payload);
            }
            // PRIORITY, PUSH_PROMISE (which was forbidden), WINDOW_UPDATE and what is unknown (section 4.1).
            default -> {}
        }
        return false;
    }

    private boolean takeOfAnswer(int type, int flags, byte[] payload) throws IOException {
        if (type == DATA) {
            byte[] data = withoutPadding(payload, flags, false);
            if (body.size() + data.length > MAX_BODY_BYTES) {
                throw new UnhealthyException("HTTP/2 answer has more than " + MAX_BODY_BYTES + " octets");
            }
            body.writeBytes(data);
            return (flags & FLAG_END_STREAM) != 0;
        }
        if (type == HEADERS) {
            endsAfterHeaders = (flags & FLAG_END_STREAM) != 0;
            headerBlock.writeBytes(withoutPadding(payload, flags, true));
        } else {
            headerBlock.writeBytes(payload);
        }
        if (headerBlock.size() > MAX_HEADER_BYTES) {
            throw new UnhealthyException("HTTP/2 answer has a header of more than " + MAX_HEADER_BYTES + " octets");
        }
        if ((flags & FLAG_END_HEADERS) == 0) {
            return false;
        }
        fields.putAll(HeaderBlock.decode(headerBlock.toByteArray()));
        headerBlock.reset();
        return endsAfterHeaders;
    }

    private static byte[] withoutPadding(byte[] payload, int flags, boolean mayHavePriority) throws UnhealthyException {
        int start = 0;
        int end = payload.length;
        if ((flags & FLAG_PADDED) != 0) {
            start = 1;
            end -= payload.length == 0 ? 1 : payload[0] & 0xff;
        }
        if (mayHavePriority && (flags & FLAG_PRIORITY) != 0) {
            start += PRIORITY_BYTES;
        }
        if (start > end) {
            throw new UnhealthyException("HTTP/2 answer has a frame with more padding than it has room");
        }
        return Arrays.copyOfRange(payload, start, end);
    }

    /** A server that shuts down may still answer what it has accepted. */
    private static void checkGoAway(byte[] payload) throws UnhealthyException {
        int lastStream = payload.length < 8 ? 0 : ByteBuffer.wrap(payload).getInt() & Integer.MAX_VALUE;
        String error = error(payload, 4);
        if (lastStream < STREAM || !error.equals(ERRORS[0])) {
            throw new UnhealthyException("HTTP/2 server ends the connection: " + error);
        }
    }

    private static String error(byte[] payload, int at) {
        int code = payload.length < at + 4 ? -1 : ByteBuffer.wrap(payload).getInt(at);
        return code >= 0 && code < ERRORS.length ? ERRORS[code] : "error " + code;
    }

    private static byte[] frame(int type, int flags, int streamId, byte[] payload) {
        return ByteBuffer.allocate(FRAME_HEADER_BYTES + payload.length)
                .put((byte) (payload.length >> 16))
                .putShort((short) payload.length)
                .put((byte) type)
                .put((byte) flags)
                .putInt(streamId)
                .put(payload)
                .array();
    }

    /** A literal string that is not Huffman-coded, RFC 7541 section 5.2. */
    private static void writeString(ByteArrayOutputStream out, String text) {
        byte[] octets = text.getBytes(StandardCharsets.UTF_8);
        if (octets.length < 127) {
            out.write(octets.length);
        } else {
            out.write(127);
            writeBase128(out, octets.length - 127);
        }
        out.writeBytes(octets);
    }

    /** Seven bits an octet, the lowest first, all octets but the last with the eighth bit set: HPACK's way and protobuf's. */
    static void writeBase128(ByteArrayOutputStream out, int number) {
        int rest = number;
        for (; rest >= 128; rest >>= 7) {
            out.write((rest & 0x7f) | 0x80);
        }
        out.write(rest);
    }
}
