package dev.sluice.packet;

import java.lang.foreign.MemorySegment;

/**
 * The Internet checksum: whole (RFC 1071) for tests, generators and headers that are built new, incremental (RFC 1624
 * equation 3) for fields that change in a packet that passes through.
 *
 * <p>Checksums are 16-bit numbers as they stand in network byte order. Running sums are unfolded {@code long}s.
 */
public final class Checksum {
    private Checksum() {}

    /**
     * Adds up octets as 16-bit words, an odd last octet padded with zero, on top of {@code sum}.
     *
     * @return the unfolded one's complement sum
     */
    public static long add(long sum, MemorySegment segment, long offset, int lengthBytes) {
        long end = offset + lengthBytes;
        long at = offset;
        // One's complement addition is associative, so 32-bit words may be summed and folded once at the end.
        for (; at + 4 <= end; at += 4) {
            sum += Wire.u32(segment, at);
        }
        if (at + 2 <= end) {
            sum += Wire.u16(segment, at);
            at += 2;
        }
        if (at < end) {
            sum += (long) Wire.u8(segment, at) << 8;
        }
        return sum;
    }

    /** Folds carries of a running sum until sixteen bits are left. */
    public static int fold(long sum) {
        long folded = (sum & 0xffff_ffffL) + (sum >>> 32);
        folded = (folded & 0xffff) + (folded >>> 16);
        folded = (folded & 0xffff) + (folded >>> 16);
        folded = (folded & 0xffff) + (folded >>> 16);
        return (int) folded;
    }

    /** Whether a running sum, below 2⁴⁸ and not 0, is that of octets with their right checksum among them. */
    public static boolean isIntact(long sum) {
        long words = (sum & 0xffff_ffffL) + (sum >>> 32);
        long folded = (words & 0xffff) + (words >>> 16);
        // Folded once more both are 0xffff, and nothing else is.
        return folded == 0xffff || folded == 0x1fffe;
    }

    /** The checksum that belongs into a header whose checksum field is zero now; 0 over one that is intact. */
    public static int of(MemorySegment segment, long offset, int lengthBytes) {
        return ~fold(add(0, segment, offset, lengthBytes)) & 0xffff;
    }

    /**
     * TCP's or UDP's checksum with the pseudo header (RFC 9293 section 3.1, RFC 8200 section 8.1); 0 over a segment that
     * is intact.
     *
     * @param l3Offset of the IP header
     * @param inet6 whether that is an IPv6 header
     * @param protocol {@link Transport#TCP} or {@link Transport#UDP}
     * @param l4Offset of the transport header
     * @param l4LengthBytes transport header and payload
     */
    public static int transport(
            MemorySegment segment, long l3Offset, boolean inet6, int protocol, long l4Offset, int l4LengthBytes) {
        // Source and destination stand side by side in both headers.
        long sum = inet6 ? add(0, segment, l3Offset + Ipv6.SOURCE, 32) : add(0, segment, l3Offset + Ipv4.SOURCE, 8);
        sum += protocol;
        sum += l4LengthBytes;
        return ~fold(add(sum, segment, l4Offset, l4LengthBytes)) & 0xffff;
    }

    /**
     * The checksum after one aligned 16-bit word under it changed: RFC 1624 equation 3, {@code HC' = ~(~HC + ~m + m')}.
     * Unlike equation 4 it never turns a sum to the wrong zero.
     */
    public static int update(int checksum, int oldWord, int newWord) {
        int sum = (~checksum & 0xffff) + (~oldWord & 0xffff) + (newWord & 0xffff);
        sum = (sum & 0xffff) + (sum >>> 16);
        sum = (sum & 0xffff) + (sum >>> 16);
        return ~sum & 0xffff;
    }

    /** By how much a sum changes when four octets under it do: a running sum, which those of other words may be added to. */
    public static long change(int old, int now) {
        return (~old & 0xffff_ffffL) + (now & 0xffff_ffffL);
    }

    /** As {@link #change(int, int)}, of eight octets. */
    public static long change(long old, long now) {
        return (~old >>> 32) + (~old & 0xffff_ffffL) + (now >>> 32) + (now & 0xffff_ffffL);
    }

    /** The checksum after the words under it changed by as much as {@link #change} says, all together: equation 3 again. */
    public static int update(int checksum, long change) {
        return ~fold((~checksum & 0xffff) + change) & 0xffff;
    }

    /** Lowers an IPv4 header's TTL by one, and its checksum with it. The TTL must not be 0. */
    public static void decrementTtl(MemorySegment segment, long l3Offset) {
        // TTL, protocol and checksum in one load and one store.
        Wire.putI32(segment, l3Offset + Ipv4.TTL, withLowerTtl(Wire.i32(segment, l3Offset + Ipv4.TTL)));
    }

    /** The third word of an IPv4 header, TTL, protocol and checksum, with the TTL lowered by one. The TTL must not be 0. */
    public static int withLowerTtl(int word) {
        // Equation 3 with m' = m - 0x100: ~m + m' is 0xfeff, whatever m is.
        int sum = (~word & 0xffff) + 0xfeff;
        return (word - 0x100_0000 & 0xffff_0000) | (~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
    }
}
