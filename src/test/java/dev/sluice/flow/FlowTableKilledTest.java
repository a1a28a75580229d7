package dev.sluice.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import java.io.IOException;
import java.io.Writer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever instruction SIGKILL meets, what is left of a table leads every flow to its own real server. SIGSTOP halts a process
 * at the same places and lets it go on, so that one process dies many times.
 */
class FlowTableKilledTest {
    private static final int STOPS = 1_500;

    private final PacketView[] packets = new PacketView[FlowTableChurn.FLOWS];

    @Test
    @Timeout(120)
    void aTableOfAKilledProcessIsSound(@TempDir Path directory) throws Exception {
        for (int client = 0; client < packets.length; client++) {
            packets[client] = Flows.packet(client, Transport.ACK);
        }
        Path file = directory.resolve("table");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        FlowTableChurn.class.getName(),
                        file.toString())
                .redirectErrorStream(true)
                .start();
        // Its kill is built in, so a signal costs no process.
        Process shell = new ProcessBuilder("sh").start();
        try (FileChannel channel = openWhenReady(process, file);
                Arena arena = Arena.ofConfined();
                Writer signals = shell.outputWriter()) {
            MemorySegment shared = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            MemorySegment copy = arena.allocate(shared.byteSize(), 4096);
            Path thread = mainThread(process.pid());
            Random random = new Random(3);
            int changed = 0;
            long before = 0;
            for (int stop = 0; stop < STOPS; stop++) {
                signals.write("kill -STOP " + process.pid() + "\n");
                signals.flush();
                while (!Files.readString(thread).contains(") T ")) {
                    Thread.onSpinWait();
                }
                copy.copyFrom(shared);
                signals.write("kill -CONT " + process.pid() + "\n");
                signals.flush();
                long flows = assertSound(copy);
                changed += flows == before ? 0 : 1;
                before = flows;
                Thread.sleep(0, random.nextInt(500_000));
            }
            assertTrue(changed > STOPS / 3, "only " + changed + " different tables");
            process.destroyForcibly();
            assertTrue(process.waitFor(20, TimeUnit.SECONDS));
            assertEquals(128 + 9, process.exitValue());
            assertSound(shared);
        } finally {
            process.destroyForcibly();
            shell.destroyForcibly();
        }
    }

    private static FileChannel openWhenReady(Process process, Path file) throws IOException {
        assertEquals("running", process.inputReader().readLine());
        return FileChannel.open(file, StandardOpenOption.READ);
    }

    /** The thread that churns, as procfs shows it; the process's first thread only waits for it. */
    private static Path mainThread(long pid) throws IOException {
        try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
            return threads.filter(thread -> !thread.endsWith(Long.toString(pid)))
                    .filter(thread -> isNamed(thread, "java"))
                    .findFirst()
                    .orElseThrow()
                    .resolve("stat");
        }
    }

    private static boolean isNamed(Path thread, String name) {
        try {
            return Files.readString(thread.resolve("comm")).strip().equals(name);
        } catch (IOException e) {
            return false;
        }
    }

    /** How many flows there are, folded with which. */
    private long assertSound(MemorySegment image) {
        assertEquals(Optional.empty(), FlowTableImage.unreadable(image, Flows.BOOT));
        FlowTable table = new FlowTable(FlowTableChurn.MAX_FLOWS, 2000, Arena.ofAuto());
        FlowTableImage.Recovery recovery = FlowTableImage.recover(image, Flows.HASHER, table, id -> Flows.REAL, 0);
        // One entry is there twice, or has no packet yet.
        assertTrue(recovery.torn() <= 1, recovery.toString());
        assertEquals(0, recovery.refused() + recovery.unknown() + recovery.expired(), recovery.toString());
        long found = 0;
        for (int client = 0; client < packets.length; client++) {
            int slot = table.find(packets[client], Flows.HASHER.hash(packets[client]), 0);
            if (client < FlowTableChurn.LASTING) {
                assertNotEquals(FlowTable.NOT_FOUND, slot, "flow " + client + " is lost");
            }
            if (slot != FlowTable.NOT_FOUND) {
                assertEquals(FlowTableChurn.realServer(client), table.realServer(slot));
                found |= 1L << client;
            }
        }
        return found;
    }
}
