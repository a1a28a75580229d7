package dev.sluice.cli.observe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PcapngWriterTest {
    private static final long TIME_NS = 1_700_000_000_123_456_789L;

    @TempDir
    private Path folder = Path.of("");

    private static byte[] written() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PcapngWriter writer = new PcapngWriter(out);
        writer.begin("test", List.of("eth1", "bond0.17"), 65);
        for (int length = 14; length < 22; length++) {
            byte[] bytes = new byte[length];
            bytes[12] = (byte) 0x88;
            bytes[13] = (byte) 0xb5;
            String comment = "queue 3 " + "é".repeat(length);
            writer.packet(length % 2, TIME_NS + length, length % 2 == 1, (3L << 48) + length, 3, bytes, 1500, comment);
        }
        writer.packet(0, TIME_NS, false, 1, 0, new byte[200_000], 200_000, "");
        writer.statistics(TIME_NS, 8, 5);
        writer.flush();
        assertEquals(out.size(), writer.writtenBytes());
        return out.toByteArray();
    }

    /** Each block says its length twice, all are aligned, and nothing is left over (section 3.1). */
    @Test
    void blocks_follow_each_other() throws IOException {
        ByteBuffer file = ByteBuffer.wrap(written()).order(ByteOrder.nativeOrder());
        List<Integer> types = new ArrayList<>();
        while (file.hasRemaining()) {
            int start = file.position();
            types.add(file.getInt());
            int length = file.getInt();
            assertEquals(0, length % 4);
            assertEquals(length, file.getInt(start + length - 4));
            file.position(start + length);
        }
        assertEquals(List.of(0x0a0d0d0a, 1, 1, 6, 6, 6, 6, 6, 6, 6, 6, 6, 5), types);
    }

    @Test
    void tshark_reads_all_of_it() throws IOException, InterruptedException {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/tshark")), "tshark is not installed");
        Path file = Files.write(folder.resolve("a.pcapng"), written());
        Process tshark = new ProcessBuilder(
                        "tshark",
                        "-n",
                        "-r",
                        file.toString(),
                        "-T",
                        "fields",
                        "-e",
                        "frame.interface_name",
                        "-e",
                        "frame.time_epoch",
                        "-e",
                        "frame.cap_len",
                        "-e",
                        "frame.len",
                        "-e",
                        "frame.comment",
                        "-e",
                        "frame.packet_id",
                        "-e",
                        "frame.packet_flags_direction",
                        "-e",
                        "frame.interface_queue")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        List<String> lines = new String(tshark.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();
        assertEquals(0, tshark.waitFor());
        assertEquals(9, lines.size());
        String[] first = lines.getFirst().split("\t", -1);
        assertArrayEquals(
                new String[] {"eth1", "1700000000.123456803", "14", "1500", "queue 3 " + "é".repeat(14)},
                Arrays.copyOf(first, 5));
        assertEquals(Long.toString((3L << 48) + 14), first[5]);
        assertEquals(1, Long.decode(first[6]));
        assertEquals("3", first[7]);
        assertEquals("bond0.17", lines.get(1).split("\t", -1)[0]);
        assertEquals(2, Long.decode(lines.get(1).split("\t", -1)[6]));
    }
}
