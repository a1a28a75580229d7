package dev.sluice.health;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the answer to a GET (RFC 9112), from servers that may wish one ill: lines, header fields and body are bounded. Owned by
 * the check's thread.
 */
final class HttpResponse {
    /** A body is read so far and no farther. */
    static final int MAX_BODY_BYTES = 1 << 20;

    private static final int MAX_LINE_BYTES = 8192;
    private static final int MAX_FIELDS = 200;
    /** Framing of chunks included, which may be as small as a server likes. */
    private static final long MAX_ANSWER_BYTES = 8L * MAX_BODY_BYTES;

    private static final Pattern STATUS_LINE = Pattern.compile("HTTP/1\\.[0-9] ([1-5][0-9]{2})( .*)?");
    private static final int CONTINUE = 100;
    private static final int SWITCHING_PROTOCOLS = 101;
    private static final int SUCCESS = 200;
    private static final int NO_CONTENT = 204;
    private static final int NOT_MODIFIED = 304;
    /** Eight hex digits are more than any body that is read. */
    private static final Pattern CHUNK_SIZE = Pattern.compile("0*([0-9a-fA-F]{1,8})[ \t]*(;.*)?");

    private final AnswerReader reader;
    private final ByteArrayOutputStream body = new ByteArrayOutputStream();
    private int status;
    /** -1 for what ends with the connection. */
    private long lengthBytes = -1;

    private boolean chunked;
    private boolean cutOff;

    HttpResponse(ByteStream stream) {
        reader = new AnswerReader(stream, "HTTP answer", MAX_ANSWER_BYTES);
    }

    /** Reads the status line and the header, past interim answers: the status code. */
    int readHead() throws IOException {
        do {
            String line = reader.line(MAX_LINE_BYTES);
            Matcher matcher = STATUS_LINE.matcher(line);
            if (!matcher.matches()) {
                throw new UnhealthyException(
                        "answer is not of HTTP/1, it begins with \"" + AnswerReader.printable(line) + "\"");
            }
            status = Integer.parseInt(matcher.group(1));
            readFields();
        } while (status >= CONTINUE && status < SUCCESS && status != SWITCHING_PROTOCOLS);
        return status;
    }

    private void readFields() throws IOException {
        lengthBytes = -1;
        chunked = false;
        for (int i = 0; ; i++) {
            String line = reader.line(MAX_LINE_BYTES);
            if (line.isEmpty()) {
                return;
            }
            if (i == MAX_FIELDS) {
                throw new UnhealthyException("HTTP answer has more than " + MAX_FIELDS + " header fields");
            }
            int colon = line.indexOf(':');
            String name = colon < 0 ? "" : line.substring(0, colon).toLowerCase(Locale.ROOT);
            String value = line.substring(colon + 1).strip();
            if (name.equals("content-length")) {
                if (!value.matches("[0-9]{1,18}")) {
                    throw new UnhealthyException(
                            "HTTP answer has the length \"" + AnswerReader.printable(value) + "\"");
                }
                lengthBytes = Long.parseLong(value);
            } else if (name.equals("transfer-encoding")) {
                chunked = value.toLowerCase(Locale.ROOT).endsWith("chunked");
            }
        }
    }

    /** Reads the body, or its first {@link #MAX_BODY_BYTES}. */
    byte[] readBody() throws IOException {
        if (status == NO_CONTENT || status == NOT_MODIFIED || status < SUCCESS) {
            return new byte[0];
        }
        if (chunked) {
            readChunks();
        } else {
            readPart(lengthBytes < 0 ? Long.MAX_VALUE : lengthBytes, lengthBytes < 0);
        }
        return body.toByteArray();
    }

    /** Whether the body went on behind what was read. */
    boolean isCutOff() {
        return cutOff;
    }

    /** RFC 9112 section 7.1. The trailer is not read: nothing in it matters here. */
    private void readChunks() throws IOException {
        while (!cutOff) {
            String line = reader.line(MAX_LINE_BYTES);
            Matcher matcher = CHUNK_SIZE.matcher(line);
            if (!matcher.matches()) {
                throw new UnhealthyException("HTTP answer has the chunk size \"" + AnswerReader.printable(line) + "\"");
            }
            long size = Long.parseLong(matcher.group(1), 16);
            if (size == 0) {
                return;
            }
            readPart(size, false);
            if (!cutOff && !reader.line(MAX_LINE_BYTES).isEmpty()) {
                throw new UnhealthyException("HTTP answer has a chunk that is longer than its size");
            }
        }
    }

    private void readPart(long partBytes, boolean endsWithConnection) throws IOException {
        byte[] buffer = new byte[4096];
        for (long rest = partBytes; rest > 0; ) {
            int room = MAX_BODY_BYTES - body.size();
            if (room == 0) {
                cutOff = !endsWithConnection || reader.read() >= 0;
                return;
            }
            int count = reader.read(buffer, 0, (int) Math.min(Math.min(buffer.length, room), rest));
            if (count < 0) {
                if (endsWithConnection) {
                    return;
                }
                throw new EOFException("end of the HTTP answer");
            }
            body.write(buffer, 0, count);
            rest -= count;
        }
    }
}
