package dev.sluice.forward;

import dev.sluice.packet.Ethernet;
import dev.sluice.packet.Wire;
import dev.sluice.service.RealServer;
import java.lang.foreign.MemorySegment;

/** Writes the Ethernet header and VLAN tags in front of an IP packet. */
final class LinkHeader {
    /** The most bytes it has: two tags. */
    static final int MAX_BYTES = Ethernet.HEADER_BYTES + 2 * Ethernet.VLAN_TAG_BYTES;

    /** The three bits of priority and the one of drop eligibility in a tag's control information. */
    private static final int PRIORITY_MASK = 0xf000;

    private LinkHeader() {}

    /**
     * The tags of a frame, which outer headers may be about to overwrite: the outermost in the upper half, the inner one in the
     * lower.
     *
     * @param lengthBytes of the frame's link header, tags included
     */
    static long tags(MemorySegment umem, long frame, int lengthBytes) {
        long at = frame + Ethernet.ETHERTYPE_OFFSET;
        return switch (lengthBytes) {
            case Ethernet.HEADER_BYTES -> 0;
            case MAX_BYTES -> Wire.i64(umem, at);
            default -> (long) Wire.i32(umem, at) << 32;
        };
    }

    /**
     * Writes the header straight before the IP packet.
     *
     * @param tags that the packet came with, as {@link #tags} read them
     * @param oldLength of the link header that it came with
     * @param l3 absolute offset of the IP header
     * @param macHead both MAC addresses' first eight octets, as {@link Ethernet#addressesHead} gives them
     * @param macTail the source's last four
     * @param vlan {@link RealServer#VLAN_KEEP} for the tags that were there, {@link RealServer#VLAN_NONE}, or the one tag
     *     that there shall be, with the priority of the outermost that was there
     * @return absolute offset of the new header
     */
    static long write(
            MemorySegment umem, long tags, int oldLength, long l3, int etherType, long macHead, int macTail, int vlan) {
        long frame = l3 - Ethernet.HEADER_BYTES;
        if (vlan > RealServer.VLAN_NONE) {
            int priority = (int) (tags >>> 32) & PRIORITY_MASK;
            frame -= Ethernet.VLAN_TAG_BYTES;
            Wire.putI32(umem, frame + Ethernet.ETHERTYPE_OFFSET, Ethernet.TYPE_VLAN << 16 | priority | vlan);
        } else if (vlan == RealServer.VLAN_KEEP && oldLength > Ethernet.HEADER_BYTES) {
            frame = l3 - oldLength;
            Wire.putI32(umem, frame + Ethernet.ETHERTYPE_OFFSET, (int) (tags >>> 32));
            if (oldLength == MAX_BYTES) {
                Wire.putI32(umem, frame + Ethernet.HEADER_BYTES + 2, (int) tags);
            }
        }
        Ethernet.putAddresses(umem, frame, macHead, macTail);
        Wire.putU16(umem, l3 - 2, etherType);
        return frame;
    }
}
