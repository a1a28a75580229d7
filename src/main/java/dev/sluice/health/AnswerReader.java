package dev.sluice.health;

import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Reads what a server answers, in lines or octets, and never more than it was told. Owned by the check's thread. */
final class AnswerReader {
    private static final int BUFFER_BYTES = 8192;

    private final ByteStream stream;
    private final String what;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int position;
    private int limit;
    private long left;

    /**
     * Reads from a stream.
     *
     * @param what the answer's name in words
     * @param boundBytes how much is read at most
     */
    AnswerReader(ByteStream stream, String what, long boundBytes) {
        this.stream = stream;
        this.what = what;
        left = boundBytes;
    }

    /** Whether there is more, after waiting for it. */
    private boolean fill() throws IOException {
        if (position < limit) {
            return true;
        }
        if (left <= 0) {
            throw new UnhealthyException(what + " has no end");
        }
        int count = stream.read(buffer, 0, (int) Math.min(buffer.length, left));
        position = 0;
        limit = Math.max(count, 0);
        left -= limit;
        return count > 0;
    }

    /** The next octet as a number of 0 to 255, or -1 at the end. */
    int read() throws IOException {
        return fill() ? buffer[position++] & 0xff : -1;
    }

    /** As many octets as are there, but at most so many: how many, or -1 at the end. */
    int read(byte[] to, int offset, int lengthBytes) throws IOException {
        if (!fill()) {
            return -1;
        }
        int count = Math.min(lengthBytes, limit - position);
        System.arraycopy(buffer, position, to, offset, count);
        position += count;
        return count;
    }

    /** Exactly so many octets. */
    byte[] readFully(int lengthBytes) throws IOException {
        byte[] octets = new byte[lengthBytes];
        for (int at = 0; at < lengthBytes; ) {
            int count = read(octets, at, lengthBytes - at);
            if (count < 0) {
                throw new EOFException(what);
            }
            at += count;
        }
        return octets;
    }

    /** A line without its end, which is a line feed with or without a carriage return in front. */
    String line(int maxBytes) throws IOException {
        StringBuilder line = new StringBuilder(80);
        while (true) {
            int octet = read();
            if (octet < 0) {
                throw new EOFException(what);
            }
            if (octet == '\n') {
                int end = line.length();
                return end > 0 && line.charAt(end - 1) == '\r' ? line.substring(0, end - 1) : line.toString();
            }
            if (line.length() == maxBytes) {
                throw new UnhealthyException(what + " has a line of more than " + maxBytes + " octets");
            }
            line.append((char) octet);
        }
    }

    /** Text from a server for a message: printable, and not long. */
    static String printable(String text) {
        String cut = text.length() > 100 ? text.substring(0, 100) + "..." : text;
        return cut.codePoints()
                .map(c -> c < ' ' || c == 127 || (c >= 0x80 && c < 0xa0) ? '?' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    /** The octets of ASCII text. */
    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
