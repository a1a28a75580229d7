package dev.sluice.packet;

/**
 * What becomes of SCTP's checksum (CRC32c, RFC 9260 appendix A) when the ports change, without a look at the rest of the
 * packet: CRCs are linear over GF(2), so that the new one is the old one with the CRC of the difference added, and the difference
 * is four octets and then zeros. A checksum that was wrong stays wrong, as it would not if it were computed anew.
 */
public final class Crc32c {
    /** Castagnoli's polynomial, bits reversed. */
    private static final int POLYNOMIAL = 0x82f6_3b78;

    private static final int[] TABLE = table();

    /** By power of two: 32 columns of the matrix that takes a register over so many octets of zero. */
    private static final int[] ZEROS = zeros();

    private static final int POWERS = 16;

    private Crc32c() {}

    /**
     * The change of a checksum, to be combined by exclusive or with it as it stands in the packet.
     *
     * @param difference of the ports' word, old exclusive or new, most significant octet first
     * @param lengthBytes of the SCTP packet, at least 4 and below 65536
     */
    public static int change(int difference, int lengthBytes) {
        int register = 0;
        for (int shift = 24; shift >= 0; shift -= 8) {
            register = register >>> 8 ^ TABLE[(register ^ difference >>> shift) & 0xff];
        }
        int zeros = lengthBytes - Integer.BYTES;
        for (int power = 0; power < POWERS && zeros >>> power != 0; power++) {
            if ((zeros >>> power & 1) != 0) {
                register = times(power, register);
            }
        }
        // SCTP sends the register's lowest octet first.
        return Integer.reverseBytes(register);
    }

    private static int times(int power, int register) {
        int result = 0;
        for (int left = register, at = power * Integer.SIZE; left != 0; left >>>= 1, at++) {
            if ((left & 1) != 0) {
                result ^= ZEROS[at];
            }
        }
        return result;
    }

    private static int[] table() {
        int[] table = new int[256];
        for (int i = 0; i < table.length; i++) {
            int register = i;
            for (int bit = 0; bit < Byte.SIZE; bit++) {
                register = (register & 1) != 0 ? register >>> 1 ^ POLYNOMIAL : register >>> 1;
            }
            table[i] = register;
        }
        return table;
    }

    private static int[] zeros() {
        int[] zeros = new int[16 * Integer.SIZE];
        for (int bit = 0; bit < Integer.SIZE; bit++) {
            int register = 1 << bit;
            zeros[bit] = register >>> 8 ^ TABLE[register & 0xff];
        }
        for (int power = 1; power < 16; power++) {
            for (int bit = 0; bit < Integer.SIZE; bit++) {
                int half = zeros[(power - 1) * Integer.SIZE + bit];
                int result = 0;
                for (int left = half, at = (power - 1) * Integer.SIZE; left != 0; left >>>= 1, at++) {
                    if ((left & 1) != 0) {
                        result ^= zeros[at];
                    }
                }
                zeros[power * Integer.SIZE + bit] = result;
            }
        }
        return zeros;
    }
}
