package dev.sluice.packet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TcpTest {
    private final MemorySegment memory = Arena.ofAuto().allocate(256);

    private void options(int at, int... octets) {
        for (int i = 0; i < octets.length; i++) {
            Wire.putU8(memory, at + Tcp.OPTIONS + i, octets[i]);
        }
    }

    @Test
    void findsAnOptionBehindOthers() {
        options(3, 1, 1, Tcp.TIMESTAMPS, 10, 0, 0, 0, 0, 0, 0, 0, 0, Tcp.MSS, 4, 5, 0xb4);
        assertEquals(3 + 20 + 2, Tcp.findOption(memory, 3, 36, Tcp.TIMESTAMPS));
        assertEquals(3 + 20 + 12, Tcp.findOption(memory, 3, 36, Tcp.MSS));
        assertEquals(Tcp.NONE, Tcp.findOption(memory, 3, 36, Tcp.SACK));
        assertEquals(Tcp.NONE, Tcp.findOption(memory, 3, 36, Tcp.MSS, 6), "another length");
        assertEquals(Tcp.NONE, Tcp.findOption(memory, 3, 32, Tcp.MSS), "beyond the header");
        assertEquals(Tcp.NONE, Tcp.findOption(memory, 3, 37, 0xb4));
    }

    @Test
    void endsAtTheEndOfOptionsAndAtLengthsThatLie() {
        options(0, Tcp.END_OF_OPTIONS, Tcp.MSS, 4, 0, 0);
        assertEquals(Tcp.NONE, Tcp.findOption(memory, 0, 28, Tcp.MSS));
        options(0, 77, 1, Tcp.MSS, 4, 0, 0);
        assertEquals(Tcp.NONE, Tcp.findOption(memory, 0, 28, Tcp.MSS), "shorter than itself");
        options(0, 77, 0, Tcp.MSS, 4, 0, 0);
        assertEquals(Tcp.NONE, Tcp.findOption(memory, 0, 28, Tcp.MSS), "no end otherwise");
        options(0, 1, 1, 1, 1, Tcp.MSS, 5, 0, 0);
        assertEquals(Tcp.NONE, Tcp.findOption(memory, 0, 28, Tcp.MSS), "beyond the header");
        options(0, 1, 1, 1, 1, 1, 1, 1, Tcp.MSS);
        assertEquals(Tcp.NONE, Tcp.findOption(memory, 0, 28, Tcp.MSS), "no room for a length");
    }

    @Test
    void neverReadsOrFindsBeyondTheHeader() {
        Random random = new Random(11);
        byte[] bytes = new byte[60];
        for (int round = 0; round < 200_000; round++) {
            random.nextBytes(bytes);
            for (int i = 20; i < 60; i++) {
                bytes[i] = (byte) (random.nextInt(4) == 0 ? random.nextInt(256) : random.nextInt(12));
            }
            int header = 20 + 4 * random.nextInt(11);
            // A segment that ends where the header does: a read beyond would throw.
            MemorySegment segment = Arena.ofAuto().allocate(header);
            MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, header);
            int kind = 2 + random.nextInt(10);
            long at = Tcp.findOption(segment, 0, header, kind);
            if (at != Tcp.NONE) {
                assertEquals(kind, Wire.u8(segment, at));
                assertTrue(at + Wire.u8(segment, at + 1) <= header);
            }
        }
    }

    @Test
    void knowsADataOffsetThatLies() {
        Wire.putU8(memory, Tcp.DATA_OFFSET, 4 << 4);
        assertEquals(0, Tcp.headerBytes(memory, 0, 100));
        Wire.putU8(memory, Tcp.DATA_OFFSET, 6 << 4 | 0xf);
        assertEquals(24, Tcp.headerBytes(memory, 0, 24));
        assertEquals(0, Tcp.headerBytes(memory, 0, 23));
        assertEquals(0, Tcp.headerBytes(memory, 0, 19));
    }

    @Test
    void changesOfFieldsAtAnyPlaceKeepTheChecksum() {
        Random random = new Random(12);
        byte[] bytes = new byte[80];
        for (int round = 0; round < 100_000; round++) {
            random.nextBytes(bytes);
            MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 1, bytes.length);
            Wire.putU16(memory, 1 + Transport.TCP_CHECKSUM, 0);
            Wire.putU16(memory, 1 + Transport.TCP_CHECKSUM, Checksum.of(memory, 1, bytes.length));
            int at = 18 + random.nextInt(58);
            if (random.nextBoolean()) {
                Tcp.putI32(memory, 1, 1 + at, random.nextInt(8) == 0 ? 0 : random.nextInt());
            } else {
                Tcp.putU16(memory, 1, 1 + at, random.nextInt(8) == 0 ? 0xffff : random.nextInt(65536));
            }
            assertEquals(0, Checksum.of(memory, 1, bytes.length), "at " + at);
        }
    }
}
