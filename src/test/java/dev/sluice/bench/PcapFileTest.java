package dev.sluice.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PcapFileTest {
    @TempDir
    Path folder;

    private static ByteBuffer header(int magic, ByteOrder order, int linkType) {
        return ByteBuffer.allocate(200)
                .order(order)
                .putInt(magic)
                .putShort((short) 2)
                .putShort((short) 4)
                .putLong(0)
                .putInt(65535)
                .putInt(linkType);
    }

    private List<byte[]> read(ByteBuffer bytes) throws IOException {
        Path file = folder.resolve("capture");
        Files.write(file, content(bytes));
        return PcapFile.read(file);
    }

    private static byte[] content(ByteBuffer written) {
        byte[] content = new byte[written.position()];
        written.duplicate().flip().get(content);
        return content;
    }

    private void assertRefused(String reason, ByteBuffer bytes) {
        String message = String.valueOf(
                assertThrows(IOException.class, () -> read(bytes)).getMessage());
        assertTrue(message.contains(reason), message);
        assertTrue(message.startsWith(folder.toString()), message);
    }

    @Test
    void either_byte_order_and_either_unit_of_time() throws IOException {
        for (ByteOrder order : List.of(ByteOrder.BIG_ENDIAN, ByteOrder.LITTLE_ENDIAN)) {
            for (int magic : new int[] {0xa1b2c3d4, 0xa1b23c4d}) {
                ByteBuffer bytes =
                        header(magic, order, 1).putLong(0).putInt(3).putInt(3).put(new byte[] {1, 2, 3});
                List<byte[]> frames = read(bytes);
                assertEquals(1, frames.size());
                assertArrayEquals(new byte[] {1, 2, 3}, frames.getFirst());
            }
        }
    }

    @Test
    void what_is_no_whole_capture_is_refused() {
        assertRefused("neither a pcap nor", ByteBuffer.allocate(60).putInt(7).position(60));
        assertRefused("has no frame", header(0xa1b2c3d4, ByteOrder.BIG_ENDIAN, 1));
        assertRefused("link type 113", header(0xa1b2c3d4, ByteOrder.BIG_ENDIAN, 113));
        assertRefused(
                "captured in part",
                header(0xa1b2c3d4, ByteOrder.BIG_ENDIAN, 1)
                        .putLong(0)
                        .putInt(2)
                        .putInt(9)
                        .putShort((short) 0));
        assertRefused(
                "breaks off",
                header(0xa1b2c3d4, ByteOrder.BIG_ENDIAN, 1)
                        .putLong(0)
                        .putInt(9)
                        .putInt(9)
                        .putShort((short) 0));
        assertRefused("is no whole capture", ByteBuffer.allocate(60).putShort((short) 7));
    }
}
