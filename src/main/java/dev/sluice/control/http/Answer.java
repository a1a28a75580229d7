package dev.sluice.control.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/** What a request is answered with. Its arrays are shared and never written to. Any thread. */
final class Answer {
    static final String JSON = "application/json";
    static final String TEXT = "text/plain; charset=utf-8";

    /** Below, a compressed body takes as many packets. */
    private static final int WORTH_COMPRESSING_BYTES = 1400;

    private final int status;
    private final String type;
    private final byte[] body;
    private final byte @Nullable [] gzipped;
    private final @Nullable String entityTag;

    private Answer(int status, String type, byte[] body, byte @Nullable [] gzipped, @Nullable String entityTag) {
        this.status = status;
        this.type = type;
        this.body = body;
        this.gzipped = gzipped;
        this.entityTag = entityTag;
    }

    /** The status code. */
    int status() {
        return status;
    }

    /** The content type. */
    String type() {
        return type;
    }

    /** The content. */
    byte[] body() {
        return body;
    }

    /** The content compressed; null when that is not worth it. */
    byte @Nullable [] gzipped() {
        return gzipped;
    }

    /** A tag by which clients ask whether it is still the same, quotes included; null without one. */
    @Nullable
    String entityTag() {
        return entityTag;
    }

    /** JSON that is small. */
    static Answer json(int status, byte[] body) {
        return new Answer(status, JSON, body, null, null);
    }

    /** A line of text. */
    static Answer text(int status, String line) {
        return new Answer(status, TEXT, (line + "\n").getBytes(StandardCharsets.UTF_8), null, null);
    }

    /** Content that is made anew again and again: compressed in haste. */
    static Answer fresh(String type, byte[] body) {
        return new Answer(200, type, body, compress(body, Deflater.BEST_SPEED), null);
    }

    /** Content that stays as it is. */
    static Answer lasting(String type, byte[] body, String entityTag) {
        return new Answer(200, type, body, compress(body, Deflater.BEST_COMPRESSION), entityTag);
    }

    private static byte @Nullable [] compress(byte[] body, int level) {
        if (body.length < WORTH_COMPRESSING_BYTES) {
            return null;
        }
        ByteArrayOutputStream compressed = new ByteArrayOutputStream(body.length / 4);
        try (GZIPOutputStream gzip = new LevelledGzip(compressed, level)) {
            gzip.write(body);
        } catch (IOException e) {
            throw new UncheckedIOException("memory does not fail", e);
        }
        return compressed.toByteArray();
    }

    private static final class LevelledGzip extends GZIPOutputStream {
        LevelledGzip(ByteArrayOutputStream out, int level) throws IOException {
            super(out);
            def.setLevel(level);
        }
    }
}
