package dev.sluice.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What other threads see of a table while its owner inserts, removes and so moves entries. */
class FlowTableReaderTest {
    private static final int FLOWS = 47;
    /** Flows that stay: a reader must find them, wherever they move. */
    private static final int LASTING = 16;

    private static final int ROUNDS_MS = 3_000;

    /** Same ports, so that all tuple words agree and only the addresses tell flows apart. */
    private static PacketView packet(int client) {
        byte[] frame = PacketBuilder.tcp(
                        IpAddress.ofInet6(0x20010db800000000L + client, client),
                        1000,
                        IpAddress.ofInet6(0x20010db800020000L, client),
                        80)
                .tcpFlags(Transport.ACK)
                .build();
        PacketView view = new PacketView();
        assertEquals(PacketParser.OK, PacketParser.parse(MemorySegment.ofArray(frame), 0, frame.length, view));
        return view;
    }

    private static PacketView[] packets() {
        PacketView[] packets = new PacketView[FLOWS];
        for (int client = 0; client < FLOWS; client++) {
            packets[client] = packet(client);
        }
        return packets;
    }

    /** Few homes, the last slot's among them: one long run that wraps around, and a removal moves much of it. */
    private static long hash(int client) {
        return client % 4 == 0 ? 63 : client % 3;
    }

    private static void insert(FlowTable table, PacketView packet, int client) {
        int slot = table.insert(packet, hash(client), client, 0, 0);
        table.touch(slot, packet, 0);
    }

    @Test
    void anotherThreadReadsWhatTheOwnerWrote() {
        FlowTable table = new FlowTable(FLOWS, FLOWS, Arena.ofAuto());
        FlowTableReader reader = table.reader();
        FlowCopy copy = new FlowCopy();
        PacketView packet = packet(7);
        assertEquals(FlowTableReader.ABSENT, reader.read(packet, 7, 0, copy));
        int slot = table.insert(packet, 7, 3, FlowTable.FLAG_SLOPPY, 0);
        assertEquals(FlowTableReader.ABSENT, reader.read(packet, 7, -5, copy), "no packet accounted yet");
        table.touch(slot, packet, 5);
        assertEquals(FlowTableReader.FOUND, reader.read(packet, 7, 6, copy));
        assertEquals(3, copy.realServer());
        assertEquals(FlowState.ESTABLISHED.code(), copy.stateCode());
        assertEquals(FlowTable.FLAG_SLOPPY, copy.flags());
        assertEquals(5, copy.lastSeenMs());
        assertEquals(FlowTableReader.ABSENT, reader.read(packet(8), 7, 6, copy));
        assertEquals(FlowTableReader.FOUND, reader.read(packet, 7, 5 + 899_999, copy));
        assertEquals(FlowTableReader.ABSENT, reader.read(packet, 7, 5 + 900_000, copy));
        table.remove(slot);
        assertEquals(FlowTableReader.ABSENT, reader.read(packet, 7, 6, copy));
    }

    @Test
    void aRemovalThatDoesNotEndIsNotWaitedFor() {
        SequenceCounter stuck = new SequenceCounter();
        FlowTable table = new FlowTable(FLOWS, FLOWS, Arena.ofAuto());
        insert(table, packet(1), 1);
        FlowTableReader reader =
                new FlowTableReader(table, new FlowEntries(Arena.ofAuto().allocate(64 * 64, 64)), stuck);
        assertEquals(FlowTableReader.ABSENT, reader.read(packet(1), 1, 0, new FlowCopy()));
        stuck.begin();
        assertEquals(FlowTableReader.BUSY, reader.read(packet(1), 1, 0, new FlowCopy()));
        stuck.end();
        assertEquals(FlowTableReader.ABSENT, reader.read(packet(1), 1, 0, new FlowCopy()));
    }

    @Test
    void everySlotIsRead() {
        FlowTable table = new FlowTable(1000, 1000, Arena.ofAuto());
        for (int client = 0; client < 400; client++) {
            Flows.open(table, Flows.packet(client, Transport.SYN), client, 1000);
        }
        FlowTableReader reader = table.reader();
        FlowCopy copy = new FlowCopy();
        Set<Integer> seen = new HashSet<>();
        for (int slot = 0; slot < reader.slots(); slot++) {
            if (reader.read(slot, 2000, copy) == FlowTableReader.FOUND) {
                int client = copy.realServer();
                PacketView packet = Flows.packet(client, Transport.SYN);
                assertTrue(seen.add(client));
                assertEquals(packet.inet6(), copy.inet6());
                assertEquals(packet.protocol(), copy.protocol());
                assertEquals(packet.sourceHigh(), copy.clientHigh());
                assertEquals(packet.sourceLow(), copy.clientLow());
                assertEquals(packet.sourcePort(), copy.clientPort());
                assertEquals(packet.destinationHigh(), copy.virtualHigh());
                assertEquals(packet.destinationLow(), copy.virtualLow());
                assertEquals(packet.destinationPort(), copy.virtualPort());
                assertEquals(client % 4 == 1 ? 299_000 : 59_000, reader.remainingMs(copy, 2000));
            }
        }
        assertEquals(400, seen.size());
        // Half-open connections are gone after their minute, datagrams are not.
        int left = 0;
        for (int slot = 0; slot < reader.slots(); slot++) {
            left += reader.read(slot, 61_000, copy) == FlowTableReader.FOUND ? 1 : 0;
        }
        assertEquals(100, left);
    }

    /** One owner, two readers: a flow's real server is its number, so any mixture of two entries shows. */
    @Test
    @Timeout(60)
    void readersNeverMeetAWrongRealServerNorMissAFlowThatStays() throws Exception {
        FlowTable table = new FlowTable(FLOWS, FLOWS, Arena.ofAuto());
        assertEquals(64, table.slots());
        PacketView[] packets = packets();
        AtomicReference<String> wrong = new AtomicReference<>();
        AtomicLong[] outcomes = {new AtomicLong(), new AtomicLong(), new AtomicLong()};
        for (int client = 0; client < LASTING; client++) {
            insert(table, packets[client], client);
        }
        long endNs = System.nanoTime() + ROUNDS_MS * 1_000_000L;
        Thread[] readers = new Thread[2];
        for (int i = 0; i < readers.length; i++) {
            Random random = new Random(i);
            FlowTableReader reader = table.reader();
            readers[i] = new Thread(() -> {
                FlowCopy copy = new FlowCopy();
                while (System.nanoTime() - endNs < 0 && wrong.get() == null) {
                    int client = random.nextInt(FLOWS);
                    int outcome = reader.read(packets[client], hash(client), 0, copy);
                    outcomes[outcome].incrementAndGet();
                    if (outcome == FlowTableReader.FOUND && copy.realServer() != client) {
                        wrong.set("flow " + client + " at " + copy.realServer());
                    }
                    if (outcome == FlowTableReader.ABSENT && client < LASTING) {
                        wrong.set("flow " + client + " missed");
                    }
                }
            });
            readers[i].start();
        }
        Random random = new Random(42);
        boolean[] present = new boolean[FLOWS];
        long changes = 0;
        while (System.nanoTime() - endNs < 0 && wrong.get() == null) {
            for (int i = 0; i < 100; i++) {
                int client = LASTING + random.nextInt(FLOWS - LASTING);
                if (present[client]) {
                    table.remove(table.find(packets[client], hash(client), 0));
                } else {
                    insert(table, packets[client], client);
                }
                present[client] = !present[client];
                changes++;
            }
            // Now and then a rest, as between two duty cycles.
            for (int i = random.nextInt(2_000); i > 0; i--) {
                Thread.onSpinWait();
            }
        }
        for (Thread reader : readers) {
            reader.join();
        }
        assertNull(wrong.get());
        // Not vacuous: many changes, and many look-ups that ended either way.
        assertTrue(changes > 10_000, changes + " changes");
        assertTrue(outcomes[FlowTableReader.FOUND].get() > 10_000, outcomes[FlowTableReader.FOUND] + " found");
        assertTrue(outcomes[FlowTableReader.ABSENT].get() > 10_000, outcomes[FlowTableReader.ABSENT] + " absent");
    }
}
