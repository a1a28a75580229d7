package dev.sluice.forward;

import dev.sluice.packet.PacketView;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.SipHash;

/**
 * SYN cookies: initial sequence numbers that prove that their receiver has seen them, so that the director need not remember a SYN. In
 * the manner of Linux (net/ipv4/syncookies.c), {@code H(0) + sequence + minute·2²⁴ + (H(minute) + 2·MSS index) mod 2²⁴}, with the upper 8 bits
 * for the minute, and the options that a cookie has no room for in the lowest six bits of the timestamp that the client echoes.
 *
 * <p>Otherwise than in Linux: indices are doubled, so that the cookie of a sequence number is none of the number before, which window probes have; one key, and SipHash-1-3 in place of 2-4; eight sizes in one table for both families, not four for each; a
 * timestamp without an offset of its own for each client, of the machine's monotonic clock. The size comes out right by chance for one
 * in 2²⁷ forged acknowledgements, both numbers tried, in Linux for one in 2²⁹. Without timestamps window scale, SACK and ECN are given up, as there.
 *
 * <p>Directors that share the key and the minute accept each other's cookies. Immutable.
 */
final class SynCookie {
    /** {@link #check}: not a cookie, or one that is too old. */
    static final int INVALID = -1;
    /** Window scale in {@link #options}: the client has none. */
    static final int NO_WINDOW_SCALE = 0xf;

    /** In {@link #options}. */
    static final int WINDOW_SCALE_MASK = 0xf;
    /** In {@link #options}: the client permits SACK. */
    static final int SACK = 0x10;
    /** In {@link #options}: the client asks for ECN. */
    static final int ECN = 0x20;

    private static final int OPTIONS_MASK = 0x3f;
    private static final int COUNT_SHIFT = 24;
    private static final int DATA_MASK = (1 << COUNT_SHIFT) - 1;
    /** As MAX_SYNCOOKIE_AGE: this minute's and the last one's. */
    private static final int MAX_AGE_MINUTES = 2;
    /** Octets of the hashed message: two addresses, two ports, and three for the minute and the two uses. */
    private static final long MESSAGE_LENGTH = 39L << 56;

    /**
     * The sizes that are told apart, each for a common link: 576 and 1280 octets; tunnels; PPPoE and Ethernet over IPv6 and IPv4;
     * jumbo frames.
     */
    private static final int[] SIZES = {536, 1220, 1300, 1380, 1420, 1440, 1460, 8940};

    private final HashKey key;

    SynCookie(HashKey key) {
        this.key = key;
    }

    /** The minute of a monotonic time. */
    static int minute(long nowMs) {
        return (int) (nowMs / 60_000);
    }

    /** The largest size of the table that is not above the announced one, or the least of all. */
    static int size(int announcedBytes) {
        return SIZES[index(announcedBytes)];
    }

    private static int index(int announcedBytes) {
        int index = SIZES.length - 1;
        while (index > 0 && SIZES[index] > announcedBytes) {
            index--;
        }
        return index;
    }

    /**
     * The initial sequence number for a SYN-ACK.
     *
     * @param packet the client's SYN
     * @param sequence the SYN's
     * @param sizeBytes what the client has announced, or the default
     */
    int make(PacketView packet, int sequence, int sizeBytes, int minute) {
        int varying = (int) hash(packet, minute, 1) + 2 * index(sizeBytes);
        return (int) hash(packet, 0, 0) + sequence + (minute << COUNT_SHIFT) + (varying & DATA_MASK);
    }

    /**
     * Whether an acknowledgement proves that the client has the SYN-ACK.
     *
     * @param packet the client's segment
     * @param sequence the SYN's: in the last segment of the handshake its own less one
     * @param cookie what the segment acknowledges, less one
     * @return the client's MSS, rounded down as {@link #size} does, or {@link #INVALID}
     */
    int check(PacketView packet, int sequence, int cookie, int minute) {
        int bare = cookie - (int) hash(packet, 0, 0) - sequence;
        int age = (minute - (bare >>> COUNT_SHIFT)) & 0xff;
        if (age >= MAX_AGE_MINUTES) {
            return INVALID;
        }
        int index = bare - (int) hash(packet, minute - age, 1) & DATA_MASK;
        return index < 2 * SIZES.length && (index & 1) == 0 ? SIZES[index >> 1] : INVALID;
    }

    private long hash(PacketView packet, int minute, int use) {
        long ports = Integer.toUnsignedLong(packet.sourcePort() << 16 | packet.destinationPort());
        // The minute is told apart modulo 2²³, which is sixteen years.
        long last = MESSAGE_LENGTH | (minute & 0x7fffffL) << 33 | (long) use << 32 | ports;
        return SipHash.hash13(
                key, packet.sourceHigh(), packet.sourceLow(), packet.destinationHigh(), packet.destinationLow(), last);
    }

    /**
     * The timestamp for a SYN-ACK: the clock's, but for the lowest six bits, and not ahead of it, for segments that follow must
     * not be older.
     *
     * @param options of {@link #WINDOW_SCALE_MASK}, {@link #SACK}, {@link #ECN}
     */
    static int timestamp(long nowMs, int options) {
        long stamp = (nowMs & ~(long) OPTIONS_MASK) | options;
        return (int) (stamp > nowMs ? stamp - OPTIONS_MASK - 1 : stamp);
    }

    /** What an echoed timestamp says of the client's options. */
    static int options(int echoed) {
        return echoed & OPTIONS_MASK;
    }
}
