package dev.sluice.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whatever instruction SIGKILL meets, what is left of a table leads every flow to its own real server. */
class FlowTableKilledTest {
    @RepeatedTest(5)
    @Timeout(60)
    void aTableOfAKilledProcessIsSound(RepetitionInfo round, @TempDir Path directory) throws Exception {
        Path file = directory.resolve("table");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        FlowTableChurn.class.getName(),
                        file.toString())
                .redirectErrorStream(true)
                .start();
        try {
            assertEquals("running", process.inputReader().readLine());
            Thread.sleep(100 + new Random(round.getCurrentRepetition()).nextInt(400));
        } finally {
            process.destroyForcibly();
        }
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        assertEquals(128 + 9, process.exitValue());

        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
                Arena arena = Arena.ofConfined()) {
            MemorySegment image = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            assertEquals(Optional.empty(), FlowTableImage.unreadable(image, Flows.BOOT));
            FlowTable table = new FlowTable(FlowTableChurn.MAX_FLOWS, 2000, Arena.ofAuto());
            FlowTableImage.Recovery recovery = FlowTableImage.recover(image, Flows.HASHER, table, id -> true, 0);
            assertTrue(recovery.torn() <= 1, recovery.toString());
            assertEquals(0, recovery.refused() + recovery.unknown() + recovery.expired(), recovery.toString());
            for (int client = 0; client < FlowTableChurn.FLOWS; client++) {
                PacketView packet = Flows.packet(client, Transport.ACK);
                int slot = table.find(packet, Flows.HASHER.hash(packet), 0);
                if (client < FlowTableChurn.LASTING) {
                    assertNotEquals(FlowTable.NOT_FOUND, slot, "flow " + client + " is lost");
                }
                if (slot != FlowTable.NOT_FOUND) {
                    assertEquals(FlowTableChurn.realServer(client), table.realServer(slot));
                }
            }
        }
    }
}
