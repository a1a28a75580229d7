package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.control.KnownIds.Place;
import dev.sluice.ffi.PageMemory;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.FlowTableImage.Recovery;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Wire;
import dev.sluice.schedule.HashKey;
import dev.sluice.service.AddressKey;
import dev.sluice.service.Protocol;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.io.TempDirFactory;

/** Ten million connections in shared memory: what they take, and that the next director has all of them. */
class LargeSharedTableIT {
    private static final int FLOWS = 10_000_000;
    private static final int SERVERS = 16;
    private static final FlowHasher HASHER = new FlowHasher(new HashKey(1, 2));
    /** 2²⁴ slots. */
    private static final long ENTRIES_BYTES = 64L << 24;

    private static final long TIMERS_BYTES = 8L << 24;
    /** What else the JVM may come to need meanwhile. */
    private static final long SLACK_BYTES = 200L << 20;

    private final byte[] frame = PacketBuilder.udp(
                    IpAddress.ofInet(0x0a000000), 1000, IpAddress.parse("203.0.113.1"), 53)
            .build();
    private final MemorySegment segment = MemorySegment.ofArray(frame);
    private final PacketView view = new PacketView();

    /** The packet of a client, in {@link #view}; its hash. */
    private long packet(int client) {
        // Ports are not under the IP header's checksum.
        Wire.putU16(segment, 34, client & 0xffff);
        Wire.putU16(segment, 36, client >>> 16);
        assertEquals(PacketParser.OK, PacketParser.parse(segment, 0, frame.length, view));
        return HASHER.hash(view);
    }

    private static long statusBytes(String line) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(text -> text.startsWith(line + ":"))
                .mapToLong(text -> Long.parseLong(text.replaceAll("\\D", "")) << 10)
                .findFirst()
                .orElseThrow();
    }

    private static long nowMs() {
        return System.nanoTime() / 1_000_000;
    }

    @Test
    @Timeout(300)
    void tenMillionConnectionsLiveThroughARestart(@TempDir(factory = SharedMemory.class) Path directory)
            throws Exception {
        AddressKey service = new AddressKey(Protocol.UDP, IpAddress.parse("203.0.113.1"), 0);
        Map<Place, Integer> ids = new HashMap<>();
        for (int id = 0; id < SERVERS; id++) {
            ids.put(new Place(service, IpAddress.ofInet(0xc0000201 + id), 0), id);
        }
        Path tables = directory.resolve("tables");
        try (SharedFlowTables shared = SharedFlowTables.open(tables);
                PageMemory timers = new PageMemory()) {
            shared.ids().save(new KnownIds(Map.of(service, 0), ids));
            long anonymous = statusBytes("RssAnon");
            FlowTable table = new FlowTable(FLOWS, SERVERS, shared.create(0, FLOWS, HASHER), timers);
            long nowMs = nowMs();
            for (int client = 0; client < FLOWS; client++) {
                long hash = packet(client);
                table.touch(table.insert(view, hash, client % SERVERS, 0, nowMs), view, nowMs);
            }
            assertTrue(table.isFull());
            assertBetween(ENTRIES_BYTES, Files.size(tables.resolve("flows-0.1")), 4096);
            assertBetween(ENTRIES_BYTES, statusBytes("RssShmem"), SLACK_BYTES);
            assertBetween(TIMERS_BYTES, statusBytes("RssAnon") - anonymous, SLACK_BYTES);
        }
        try (SharedFlowTables shared = SharedFlowTables.open(tables);
                PageMemory timers = new PageMemory()) {
            FlowTable table = new FlowTable(FLOWS, SERVERS, shared.create(0, FLOWS, HASHER), timers);
            assertEquals(new Recovery(FLOWS, 0, 0, 0, 0), shared.recover(0, 1, table, HASHER));
            Random random = new Random(1);
            for (int i = 0; i < 1_000_000; i++) {
                int client = random.nextInt(FLOWS);
                int slot = table.find(view, packet(client), nowMs());
                assertEquals(client % SERVERS, table.realServer(slot));
            }
            for (int id = 0; id < SERVERS; id++) {
                assertEquals(FLOWS / SERVERS, table.inactiveOf(id));
            }
        }
    }

    private static void assertBetween(long least, long actual, long slack) {
        assertTrue(actual >= least && actual <= least + slack, actual + " bytes, expected " + least);
    }

    /** A directory on tmpfs, as a director's is. */
    static final class SharedMemory implements TempDirFactory {
        @Override
        public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext extension)
                throws IOException {
            return Files.createTempDirectory(Path.of("/dev/shm"), "sluice-it-");
        }
    }
}
