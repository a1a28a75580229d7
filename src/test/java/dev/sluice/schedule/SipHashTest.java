package dev.sluice.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SipHashTest {
    /** Octets 0, 1, … 15 as two little-endian words. */
    private static final HashKey KEY = new HashKey(0x0706050403020100L, 0x0f0e0d0c0b0a0908L);

    @Test
    void followsThePapersVectorFor24() {
        // Appendix A: octets 00..0e under key 00..0f.
        assertEquals(
                0xa129ca6149be45e5L,
                SipHash.hash(2, 4, KEY, 1, 0x0706050403020100L, 0, 0, 0, 15L << 56 | 0x0e0d0c0b0a0908L));
    }

    @Test
    void followsTheReferenceVectorsFor24OnOtherLengths() {
        // vectors.h of the reference implementation, lengths 0, 8 and 32.
        assertEquals(0x726fdb47dd0e0e31L, SipHash.hash(2, 4, KEY, 0, 0, 0, 0, 0, 0));
        assertEquals(0x93f5f5799a932462L, SipHash.hash(2, 4, KEY, 1, 0x0706050403020100L, 0, 0, 0, 8L << 56));
        assertEquals(
                0x7127512f72f27cceL,
                SipHash.hash(
                        2,
                        4,
                        KEY,
                        4,
                        0x0706050403020100L,
                        0x0f0e0d0c0b0a0908L,
                        0x1716151413121110L,
                        0x1f1e1d1c1b1a1918L,
                        32L << 56));
    }

    @Test
    void theUnrolledOnesGiveTheSame() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 1_000; i++) {
            HashKey key = new HashKey(random.nextLong(), random.nextLong());
            long[] m = random.longs(5).toArray();
            assertEquals(SipHash.hash13(key, 1, m[0], 0, 0, 0, m[4]), SipHash.hash13(key, m[0], m[4]));
            assertEquals(
                    SipHash.hash13(key, 4, m[0], m[1], m[2], m[3], m[4]),
                    SipHash.hash13(key, m[0], m[1], m[2], m[3], m[4]));
        }
    }

    @Test
    void everyWordAndBothHalvesOfTheKeyMatter() {
        long base = SipHash.hash13(KEY, 4, 1, 2, 3, 4, 5);
        assertFalse(base == SipHash.hash13(KEY, 4, 0, 2, 3, 4, 5));
        assertFalse(base == SipHash.hash13(KEY, 4, 1, 0, 3, 4, 5));
        assertFalse(base == SipHash.hash13(KEY, 4, 1, 2, 0, 4, 5));
        assertFalse(base == SipHash.hash13(KEY, 4, 1, 2, 3, 0, 5));
        assertFalse(base == SipHash.hash13(KEY, 4, 1, 2, 3, 4, 0));
        assertFalse(base == SipHash.hash13(new HashKey(KEY.high() ^ 1, KEY.low()), 4, 1, 2, 3, 4, 5));
        assertFalse(base == SipHash.hash13(new HashKey(KEY.high(), KEY.low() ^ 1), 4, 1, 2, 3, 4, 5));
    }

    @Test
    void keysAreReadFromHexAndNotPrinted() {
        HashKey key = HashKey.parse("fedcba98765432100123456789ABCDEF");
        assertEquals(new HashKey(0xfedcba9876543210L, 0x0123456789abcdefL), key);
        assertFalse(key.toString().contains("fedc"));
        assertThrows(IllegalArgumentException.class, () -> HashKey.parse("fedcba9876543210"));
        assertThrows(IllegalArgumentException.class, () -> HashKey.parse("g".repeat(32)));
    }

    @Test
    void manyAtOnceHaveTheHashesThatTheyHaveOneByOne() {
        SplittableRandom random = new SplittableRandom(4);
        long[] words = random.longs(400).toArray();
        long[] lasts = new long[100];
        for (int i = 0; i < lasts.length; i++) {
            lasts[i] = (random.nextLong() & 0xff_ffff_ffff_ff00L) | (4 + 2 * (i % 2));
        }
        long[] hashes = new long[100];
        SipHash.hash13(KEY, words, lasts, 4, 14L << 56, hashes, 10, 90);
        SipHash.hash13By4(KEY, words, lasts, 6, 38L << 56, hashes, 10, 90);
        for (int i = 0; i < 100; i++) {
            long one = SipHash.hash13(KEY, words[i], 14L << 56 | lasts[i]);
            int at = 4 * i;
            long four =
                    SipHash.hash13(KEY, words[at], words[at + 1], words[at + 2], words[at + 3], 38L << 56 | lasts[i]);
            long expected = i % 2 == 0 ? one : four;
            assertEquals(i < 10 || i >= 90 ? 0 : expected, hashes[i], "message " + i);
        }
    }
}
