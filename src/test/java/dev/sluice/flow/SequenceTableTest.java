package dev.sluice.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SequenceTableTest {
    private static final int TAG = 0x1234;
    private static final int ISN = 0xffff_fff0;
    private static final int L3 = 14;
    private static final int L4 = 34;

    private final SequenceTable table = new SequenceTable(4, Arena.ofAuto());
    private final SequenceCopy copy = new SequenceCopy();
    private final MemorySegment memory = Arena.ofAuto().allocate(2048);
    private int length;

    private int take() {
        int slot = table.take(TAG);
        assertNotEquals(SequenceTable.NONE, slot);
        return slot;
    }

    private void read(int slot) {
        assertTrue(table.read(slot, TAG, copy));
    }

    private void segment(int sequence, int acknowledgement, int flags, byte... options) {
        byte[] frame = PacketBuilder.tcp(IpAddress.parse("192.0.2.1"), 1, IpAddress.parse("192.0.2.2"), 2)
                .tcpFlags(flags)
                .tcpNumbers(sequence & 0xffff_ffffL, acknowledgement & 0xffff_ffffL)
                .tcpOptions(options)
                .payloadLength(13)
                .build();
        length = frame.length;
        MemorySegment.copy(frame, 0, memory, ValueLayout.JAVA_BYTE, 0, length);
    }

    private int sequence() {
        return Wire.i32(memory, L4 + Tcp.SEQUENCE);
    }

    private int acknowledgement() {
        return Wire.i32(memory, L4 + Tcp.ACKNOWLEDGEMENT);
    }

    private void toServer() {
        copy.shiftToServer(memory, L4, Tcp.headerBytes(memory, L4));
        assertChecksum();
    }

    private void toClient() {
        copy.shiftToClient(memory, L4, Tcp.headerBytes(memory, L4));
        assertChecksum();
    }

    private void assertChecksum() {
        assertEquals(0, Checksum.transport(memory, L3, false, Transport.TCP, L4, length - L4));
    }

    private int serverSends(int sequence) {
        segment(sequence, 7, Transport.ACK);
        toClient();
        return sequence();
    }

    private int clientAcknowledges(int acknowledgement) {
        segment(7, acknowledgement, Transport.ACK);
        toServer();
        return acknowledgement();
    }

    @Test
    void aNewEntryChangesNothing() {
        int slot = take();
        read(slot);
        segment(5, 6, Transport.ACK);
        toServer();
        assertEquals(5, sequence());
        assertEquals(6, acknowledgement());
        toClient();
        assertEquals(5, sequence());
        assertEquals(6, acknowledgement());
    }

    @Test
    void numbersBehindALongerSegmentMove() {
        int slot = take();
        assertTrue(table.resizedToClient(slot, TAG, ISN, 5));
        read(slot);
        assertEquals(ISN, serverSends(ISN), "the segment itself, sent again");
        assertEquals(ISN - 9, serverSends(ISN - 9), "before it");
        assertEquals(ISN + 55, serverSends(ISN + 50), "behind it");
        assertEquals(ISN + 50, clientAcknowledges(ISN + 55));
        assertEquals(ISN, clientAcknowledges(ISN), "nothing of it");
        assertEquals(ISN, clientAcknowledges(ISN + 3), "part of it, less than came in between");
        assertEquals(ISN - 9, clientAcknowledges(ISN - 9));
    }

    @Test
    void numbersBehindAShorterSegmentMoveBack() {
        int slot = take();
        assertTrue(table.resizedToClient(slot, TAG, ISN, -5));
        read(slot);
        assertEquals(ISN, serverSends(ISN));
        assertEquals(ISN + 45, serverSends(ISN + 50));
        assertEquals(ISN + 50, clientAcknowledges(ISN + 45));
        // IPVS compares with the number plus the new difference, and would acknowledge five octets that nobody has.
        assertEquals(ISN, clientAcknowledges(ISN));
        assertEquals(ISN - 3, clientAcknowledges(ISN - 3));
    }

    @Test
    void changesAddUpAndARetransmissionCountsOnce() {
        int slot = take();
        assertTrue(table.resizedToClient(slot, TAG, 1000, 5));
        assertTrue(table.resizedToClient(slot, TAG, 1000, 5));
        assertTrue(table.resizedToClient(slot, TAG, 900, 5));
        read(slot);
        assertEquals(2005, serverSends(2000));
        assertTrue(table.resizedToClient(slot, TAG, 2000, -2));
        read(slot);
        assertEquals(2005, serverSends(2000));
        assertEquals(2053, serverSends(2050));
        assertEquals(2050, clientAcknowledges(2053));
        assertEquals(2000, clientAcknowledges(2005));
        assertEquals(1500, clientAcknowledges(1505));
    }

    @Test
    void bothDirectionsAreApart() {
        int slot = take();
        assertTrue(table.resizedToClient(slot, TAG, 1000, 5));
        assertTrue(table.resizedToServer(slot, TAG, 500, -3));
        read(slot);
        segment(600, 2005, Transport.ACK);
        toServer();
        assertEquals(597, sequence());
        assertEquals(2000, acknowledgement());
        segment(2000, 597, Transport.ACK);
        toClient();
        assertEquals(2005, sequence());
        assertEquals(600, acknowledgement());
    }

    @Test
    void anAcknowledgementWithoutItsFlagIsNone() {
        int slot = take();
        assertTrue(table.resizedToClient(slot, TAG, -50, 5));
        read(slot);
        segment(600, 0, Transport.RST);
        toServer();
        assertEquals(0, acknowledgement());
    }

    @Test
    void sackBlocksMoveWhereverTheyStand() {
        for (int padding = 0; padding < 4; padding++) {
            int slot = take();
            assertTrue(table.resizedToClient(slot, TAG, 1000, 5));
            read(slot);
            ByteBuffer options = ByteBuffer.allocate(padding + 18);
            for (int i = 0; i < padding; i++) {
                options.put((byte) Tcp.NO_OPERATION);
            }
            options.put((byte) Tcp.SACK).put((byte) 18);
            options.putInt(1105).putInt(1205).putInt(500).putInt(600);
            segment(7, 1000, Transport.ACK, options.array());
            toServer();
            long blocks = L4 + 20L + padding + 2;
            assertEquals(1100, Wire.i32(memory, blocks));
            assertEquals(1200, Wire.i32(memory, blocks + 4));
            assertEquals(500, Wire.i32(memory, blocks + 8), "D-SACK of what came before");
            assertEquals(600, Wire.i32(memory, blocks + 12));
            assertEquals(1000, acknowledgement());
            table.free(slot);
        }
    }

    /** A stream with one segment of another length: every octet that is acknowledged was received, and all of them in the end. */
    @Test
    void acknowledgesWhatWasReceivedAndNothingElse() {
        Random random = new Random(5);
        for (int round = 0; round < 20_000; round++) {
            int slot = take();
            int start = random.nextInt();
            int before = random.nextInt(3) == 0 ? 0 : random.nextInt(100) - 50;
            if (before != 0) {
                // An earlier change, long done with.
                assertTrue(table.resizedToClient(slot, TAG, start - 5000, before));
            }
            int old = 60 + random.nextInt(20);
            int changed = Math.max(1, old + random.nextInt(41) - 20);
            assertTrue(table.resizedToClient(slot, TAG, start, changed - old));
            read(slot);
            for (int received = -200; received <= changed + 200; received++) {
                // Received counts octets behind the changed segment's beginning, as the client sees them.
                int mapped = clientAcknowledges(start + before + received) - start;
                if (received <= 0) {
                    assertEquals(received, mapped);
                } else if (received >= changed) {
                    assertEquals(received - changed + old, mapped);
                } else {
                    assertTrue(mapped >= 0 && mapped < old, "part of the segment is not the segment");
                }
                received += random.nextInt(7);
            }
            table.free(slot);
        }
    }

    @Test
    void aPrefixGoesInFrontOfTheFirstOctetUntilItIsAcknowledged() {
        int slot = take();
        assertTrue(table.prefix(slot, TAG, ISN, 28));
        read(slot);
        segment(ISN, 0, Transport.SYN);
        toServer();
        assertEquals(ISN, sequence(), "SYN");
        assertFalse(copy.isPrefixDue(ISN));
        assertTrue(copy.isPrefixDue(ISN + 1));
        assertFalse(copy.isPrefixDue(ISN + 2));
        segment(ISN + 1, 100, Transport.ACK);
        toServer();
        assertEquals(ISN + 1, sequence());
        segment(ISN + 101, 100, Transport.ACK);
        toServer();
        assertEquals(ISN + 129, sequence());
        segment(99, ISN + 1, Transport.ACK | Transport.SYN);
        toClient();
        assertEquals(ISN + 1, acknowledgement(), "SYN-ACK");
        segment(99, ISN + 11, Transport.ACK);
        toClient();
        assertEquals(ISN + 1, acknowledgement(), "part of the prefix is nothing of the client's");
        assertFalse(copy.settlesPrefix(ISN + 11));
        assertTrue(copy.settlesPrefix(ISN + 29));
        assertTrue(table.settle(slot, TAG));
        read(slot);
        assertFalse(copy.settlesPrefix(ISN + 29));
        assertFalse(copy.isPrefixDue(ISN + 1));
        segment(99, ISN + 29, Transport.ACK);
        toClient();
        assertEquals(ISN + 1, acknowledgement());
        segment(ISN + 1, 100, Transport.ACK);
        toServer();
        assertEquals(ISN + 29, sequence(), "the server has the prefix");
        assertTrue(table.resizedToServer(slot, TAG, ISN + 50, 3));
        assertTrue(table.settle(slot, TAG));
        read(slot);
        segment(ISN + 50, 100, Transport.ACK);
        toServer();
        assertEquals(ISN + 78, sequence(), "settled once only");
    }

    @Test
    void aCookieStandsForTheServersNumber() {
        int slot = take();
        assertTrue(table.awaitServer(slot, TAG, ISN, 5000, 0xfff0, 0x47));
        read(slot);
        assertTrue(copy.awaitsServer());
        assertEquals(ISN, copy.clientInitial());
        assertEquals(5000, copy.cookie());
        assertEquals(5001, copy.serverFirst());
        assertEquals(0xfff0, copy.clientWindow());
        assertEquals(0x47, copy.clientOptions());
        assertTrue(table.serverAnswered(slot, TAG, 900, 77, -3, 2));
        read(slot);
        assertFalse(copy.awaitsServer());
        byte[] stamps = {1, 1, Tcp.TIMESTAMPS, 10, 0, 0, 0, 9, 0, 0, 0, 88};
        segment(901, ISN + 1, Transport.ACK, stamps);
        Tcp.putU16(memory, L4, L4 + Tcp.WINDOW, 0x1000);
        toClient();
        assertEquals(5001, sequence());
        assertEquals(ISN + 1, acknowledgement());
        assertEquals(0x200, Wire.u16(memory, L4 + Tcp.WINDOW));
        assertEquals(9 + 77, Wire.i32(memory, L4 + 24));
        assertEquals(88, Wire.i32(memory, L4 + 28));
        segment(ISN + 1, 5001, Transport.ACK, stamps);
        Tcp.putU16(memory, L4, L4 + Tcp.WINDOW, 0x7000);
        toServer();
        assertEquals(ISN + 1, sequence());
        assertEquals(901, acknowledgement());
        assertEquals(0xffff, Wire.u16(memory, L4 + Tcp.WINDOW), "no more than the field holds");
        assertEquals(9, Wire.i32(memory, L4 + 24));
        assertEquals(88 - 77, Wire.i32(memory, L4 + 28));
    }

    @Test
    void slotsComeBackEmptyAndTheirFormerTagsAreNoneAnyMore() {
        int[] slots = new int[4];
        for (int i = 0; i < 4; i++) {
            slots[i] = table.take(i + 1);
            assertTrue(table.resizedToServer(slots[i], i + 1, 10, 3));
        }
        assertEquals(SequenceTable.NONE, table.take(9));
        assertEquals(4, table.size());
        table.free(slots[2]);
        assertFalse(table.read(slots[2], 3, copy));
        assertFalse(table.resizedToServer(slots[2], 3, 20, 3));
        assertFalse(table.settle(slots[2], 3));
        assertEquals(slots[2], table.take(9));
        assertFalse(table.read(slots[2], 3, copy));
        assertTrue(table.read(slots[2], 9, copy));
        assertEquals(0, copy.flags);
        assertEquals(0, copy.toServerDelta);
        assertTrue(table.read(slots[1], 2, copy));
        assertEquals(3, copy.toServerDelta);
    }

    /** Two threads change an entry, two read it: every copy is of one moment. */
    @Test
    void copiesAreOfOneMoment() throws InterruptedException {
        int slot = take();
        int rounds = 300_000;
        AtomicInteger torn = new AtomicInteger();
        AtomicInteger copies = new AtomicInteger();
        Runnable write = () -> {
            for (int i = 0; i < rounds; i++) {
                table.resizedToServer(slot, TAG, i + 1, 1);
            }
        };
        Runnable readAll = () -> {
            SequenceCopy mine = new SequenceCopy();
            for (int i = 0; i < rounds; i++) {
                if (table.read(slot, TAG, mine)) {
                    copies.incrementAndGet();
                    // Each change that counts adds one to the difference; two threads count each number once.
                    if (mine.flags != 0 && mine.toServerDelta - mine.toServerPrevious != 1) {
                        torn.incrementAndGet();
                    }
                }
            }
        };
        Thread[] threads = {new Thread(write), new Thread(write), new Thread(readAll), new Thread(readAll)};
        for (Thread thread : threads) {
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(0, torn.get());
        assertTrue(copies.get() > 0);
        read(slot);
        assertEquals(rounds, copy.toServerInit);
        assertTrue(copy.toServerDelta <= rounds);
    }
}
