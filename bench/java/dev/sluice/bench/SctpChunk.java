package dev.sluice.bench;

import java.nio.ByteBuffer;

/** Builds SCTP chunks (RFC 9260 section 3.2), the payload of {@link PacketBuilder#sctp}. */
public final class SctpChunk {
    private SctpChunk() {}

    /** A chunk with a value of so many zeros, padded to a multiple of four octets. */
    public static byte[] of(int type, int valueBytes) {
        return withLength(type, valueBytes, 4 + valueBytes);
    }

    /** A chunk that gives its length as another than it has. */
    public static byte[] withLength(int type, int valueBytes, int lengthField) {
        return ByteBuffer.allocate(4 + (valueBytes + 3) / 4 * 4)
                .put((byte) type)
                .put((byte) 0)
                .putShort((short) lengthField)
                .array();
    }

    /** Chunks in one packet. */
    public static byte[] bundle(byte[]... chunks) {
        int length = 0;
        for (byte[] chunk : chunks) {
            length += chunk.length;
        }
        ByteBuffer all = ByteBuffer.allocate(length);
        for (byte[] chunk : chunks) {
            all.put(chunk);
        }
        return all.array();
    }
}
