package dev.sluice.packet;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ChecksumTest {
    @Test
    void addsUpTheExampleOfRfc1071() {
        MemorySegment words = MemorySegment.ofArray(
                new byte[] {0, 1, (byte) 0xf2, 3, (byte) 0xf4, (byte) 0xf5, (byte) 0xf6, (byte) 0xf7});
        assertEquals(0xddf2, Checksum.fold(Checksum.add(0, words, 0, 8)));
        assertEquals(~0xddf2 & 0xffff, Checksum.of(words, 0, 8));
    }

    @Test
    void padsAnOddLastOctet() {
        MemorySegment words = MemorySegment.ofArray(new byte[] {0x12, 0x34, 0x56, 0x78, (byte) 0x9a});
        assertEquals(0x1234 + 0x5678 + 0x9a00 - 0xffff, Checksum.fold(Checksum.add(0, words, 0, 5)));
        assertEquals(0x9a00, Checksum.fold(Checksum.add(0, words, 4, 1)));
    }

    @Test
    void agreesWithASimpleSumOverAnyLengthAndAlignment() {
        Random random = new Random(1);
        byte[] bytes = new byte[3000];
        random.nextBytes(bytes);
        MemorySegment segment = MemorySegment.ofArray(bytes);
        for (int round = 0; round < 2000; round++) {
            int offset = random.nextInt(64);
            int length = random.nextInt(bytes.length - offset);
            assertEquals(simple(bytes, offset, length), Checksum.of(segment, offset, length));
        }
    }

    private static int simple(byte[] bytes, int offset, int length) {
        long sum = 0;
        for (int i = 0; i < length; i++) {
            sum += (bytes[offset + i] & 0xffL) << (i % 2 == 0 ? 8 : 0);
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return (int) ~sum & 0xffff;
    }

    @Test
    void updateFollowsTheExampleOfRfc1624() {
        // Section 4: equation 2 of RFC 1141 gives the wrong zero, 0xffff, here.
        assertEquals(0x0000, Checksum.update(0xdd2f, 0x5555, 0x3285));
    }

    @Test
    void severalWordsThatChangeAtOnceGiveWhatIsComputedAnew() {
        Random random = new Random(17);
        for (int round = 0; round < 10_000; round++) {
            byte[] octets = new byte[24];
            random.nextBytes(octets);
            MemorySegment segment = MemorySegment.ofArray(octets);
            int before = Checksum.of(segment, 0, octets.length);
            long eight = random.nextInt(4) == 0 ? -1L : random.nextLong();
            int four = random.nextInt(4) == 0 ? 0 : random.nextInt();
            long change = Checksum.change(Wire.i64(segment, 0), eight) + Checksum.change(Wire.i32(segment, 12), four);
            Wire.putI64(segment, 0, eight);
            Wire.putI32(segment, 12, four);
            assertEquals(Checksum.of(segment, 0, octets.length), Checksum.update(before, change));
        }
    }

    @Test
    void loweringTheTtlKeepsEveryHeaderIntact() {
        Random random = new Random(2);
        byte[] bytes = new byte[24];
        MemorySegment header = MemorySegment.ofArray(bytes);
        for (int round = 0; round < 200_000; round++) {
            random.nextBytes(bytes);
            bytes[2 + Ipv4.TTL] |= 1;
            Wire.putU16(header, 2 + Ipv4.CHECKSUM, 0);
            Wire.putU16(header, 2 + Ipv4.CHECKSUM, Checksum.of(header, 2, 20));
            int ttl = Wire.u8(header, 2 + Ipv4.TTL);
            Checksum.decrementTtl(header, 2);
            assertEquals(ttl - 1, Wire.u8(header, 2 + Ipv4.TTL));
            int incremental = Wire.u16(header, 2 + Ipv4.CHECKSUM);
            Wire.putU16(header, 2 + Ipv4.CHECKSUM, 0);
            assertEquals(Checksum.of(header, 2, 20), incremental);
        }
    }

    @Test
    void aSumIsIntactWhenItFoldsToAllOnes() {
        Random random = new Random(5);
        long[] sums = {
            0xffff, 0x1fffe, 0xffff_0000L, 0xffff_ffffL, 0x1_ffff_fffeL, 0x1fffdL, 0x2_fffdL, 1, 0x4_ffff_fffbL
        };
        for (long sum : sums) {
            assertEquals(Checksum.fold(sum) == 0xffff, Checksum.isIntact(sum), Long.toHexString(sum));
        }
        for (int i = 0; i < 1_000_000; i++) {
            long sum = 1 + random.nextLong(5L << 32);
            assertEquals(Checksum.fold(sum) == 0xffff, Checksum.isIntact(sum), Long.toHexString(sum));
        }
    }
}
