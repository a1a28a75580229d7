package dev.sluice.neighbour;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.function.UnaryOperator;

/** Netlink attributes made by hand (netlink(7)), little-endian. */
final class Attributes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Attributes put(int type, int value) {
        return bytes(
                type,
                ByteBuffer.allocate(4)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(value)
                        .array());
    }

    Attributes u16(int type, int value) {
        return bytes(type, new byte[] {(byte) value, (byte) (value >> 8)});
    }

    Attributes u16Be(int type, int value) {
        return bytes(type, new byte[] {(byte) (value >> 8), (byte) value});
    }

    Attributes text(int type, String value) {
        return bytes(type, (value + '\0').getBytes(StandardCharsets.UTF_8));
    }

    Attributes nest(int type, UnaryOperator<Attributes> inner) {
        return bytes(type, inner.apply(new Attributes()).bytes());
    }

    Attributes bytes(int type, byte[] value) {
        ByteBuffer header = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
        header.putShort((short) (4 + value.length)).putShort((short) type);
        out.writeBytes(header.array());
        out.writeBytes(value);
        out.writeBytes(new byte[-value.length & 3]);
        return this;
    }

    byte[] bytes() {
        return out.toByteArray();
    }
}
