package dev.sluice.packet;

import java.lang.foreign.MemorySegment;

/**
 * TCP beyond what {@link Transport} names: offsets and flags (RFC 9293 section 3.1), options (RFC 9293 section 3.2, RFC 7323,
 * RFC 2018), and changes of single fields that keep the checksum right. Offsets are from the header's first octet.
 */
public final class Tcp {
    public static final int SEQUENCE = 4;
    public static final int ACKNOWLEDGEMENT = 8;
    /** The octet whose upper half is the header's length in words of four octets. */
    public static final int DATA_OFFSET = 12;

    public static final int WINDOW = 14;
    public static final int URGENT_POINTER = 18;
    /** Where options begin. */
    public static final int OPTIONS = Transport.TCP_MIN_HEADER_BYTES;

    public static final int MAX_HEADER_BYTES = 60;
    public static final int MAX_OPTIONS_BYTES = MAX_HEADER_BYTES - Transport.TCP_MIN_HEADER_BYTES;
    /** The largest window that a header without scaling can tell. */
    public static final int MAX_WINDOW = 0xffff;
    /** RFC 7323 section 2.3. */
    public static final int MAX_WINDOW_SCALE = 14;

    public static final int URG = 0x20;
    public static final int ECE = 0x40;
    public static final int CWR = 0x80;

    public static final int END_OF_OPTIONS = 0;
    public static final int NO_OPERATION = 1;
    public static final int MSS = 2;
    public static final int MSS_BYTES = 4;
    public static final int WINDOW_SCALE = 3;
    public static final int WINDOW_SCALE_BYTES = 3;
    public static final int SACK_PERMITTED = 4;
    public static final int SACK_PERMITTED_BYTES = 2;
    public static final int SACK = 5;
    /** Two sequence numbers. */
    public static final int SACK_BLOCK_BYTES = 8;

    public static final int TIMESTAMPS = 8;
    public static final int TIMESTAMPS_BYTES = 10;
    /** In the timestamps option: TSval. */
    public static final int TIMESTAMP_VALUE = 2;
    /** In the timestamps option: TSecr. */
    public static final int TIMESTAMP_ECHO = 6;

    /** There is no such option. */
    public static final long NONE = -1;

    private Tcp() {}

    /**
     * The header's length as its data offset says.
     *
     * @param availableBytes that there are of the segment from {@code l4} on
     * @return octets, or 0 when the data offset lies: less than a header, or more than there is
     */
    public static int headerBytes(MemorySegment segment, long l4, int availableBytes) {
        if (availableBytes < Transport.TCP_MIN_HEADER_BYTES) {
            return 0;
        }
        int header = headerBytes(segment, l4);
        return header < Transport.TCP_MIN_HEADER_BYTES || header > availableBytes ? 0 : header;
    }

    /** As {@link #headerBytes(MemorySegment, long, int)}, of a header that is known to be sound. */
    public static int headerBytes(MemorySegment segment, long l4) {
        return Wire.u8(segment, l4 + DATA_OFFSET) >>> 4 << 2;
    }

    /**
     * Looks for an option. What comes behind an option that goes beyond the header, or that is shorter than its own two first
     * octets, is not looked at.
     *
     * @param headerBytes as {@link #headerBytes} gave it
     * @param kind other than {@link #END_OF_OPTIONS} and {@link #NO_OPERATION}
     * @return absolute offset of its first octet, or {@link #NONE}; all its octets lie inside the header
     */
    public static long findOption(MemorySegment segment, long l4, int headerBytes, int kind) {
        long end = l4 + headerBytes;
        long at = l4 + OPTIONS;
        while (at < end) {
            int found = Wire.u8(segment, at);
            if (found == END_OF_OPTIONS) {
                return NONE;
            }
            if (found == NO_OPERATION) {
                at++;
                continue;
            }
            int length = at + 1 < end ? Wire.u8(segment, at + 1) : 0;
            if (length < 2 || at + length > end) {
                return NONE;
            }
            if (found == kind) {
                return at;
            }
            at += length;
        }
        return NONE;
    }

    /** As {@link #findOption(MemorySegment, long, int, int)}, of an option that is none with another length. */
    public static long findOption(MemorySegment segment, long l4, int headerBytes, int kind, int lengthBytes) {
        long at = findOption(segment, l4, headerBytes, kind);
        return at != NONE && Wire.u8(segment, at + 1) == lengthBytes ? at : NONE;
    }

    /**
     * Writes four octets of the segment, and corrects its checksum by the difference (RFC 1624).
     *
     * @param at absolute offset, which need not be even within the segment: options are not
     */
    public static void putI32(MemorySegment segment, long l4, long at, int value) {
        int old = Wire.i32(segment, at);
        if (old != value) {
            Wire.putI32(segment, at, value);
            replaced(segment, l4, at, (old >>> 16) + (old & 0xffff), (value >>> 16) + (value & 0xffff));
        }
    }

    /** As {@link #putI32}, of two octets. */
    public static void putU16(MemorySegment segment, long l4, long at, int value) {
        int old = Wire.u16(segment, at);
        if (old != value) {
            Wire.putU16(segment, at, value);
            replaced(segment, l4, at, old, value);
        }
    }

    /**
     * Corrects the checksum after octets of the segment were replaced by as many others, or are more or fewer now while nothing
     * behind them moved by an odd number.
     *
     * @param at absolute offset of the first
     * @param oldSum the sum of what was there, as {@link Checksum#add} gives it, from {@code at} on
     * @param newSum of what is there now
     */
    public static void replaced(MemorySegment segment, long l4, long at, long oldSum, long newSum) {
        int before = Checksum.fold(oldSum);
        int after = Checksum.fold(newSum);
        if ((at - l4 & 1) != 0) {
            // RFC 1071 section 2 (B): at an odd place high and low octets have changed parts.
            before = swapped(before);
            after = swapped(after);
        }
        int checksum = Wire.u16(segment, l4 + Transport.TCP_CHECKSUM);
        Wire.putU16(segment, l4 + Transport.TCP_CHECKSUM, Checksum.update(checksum, before, after));
    }

    private static int swapped(int word) {
        return (word & 0xff) << 8 | word >>> 8;
    }
}
