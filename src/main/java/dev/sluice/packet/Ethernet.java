package dev.sluice.packet;

import java.lang.foreign.MemorySegment;

/**
 * The Ethernet header and its 802.1Q / 802.1ad tags. MAC addresses are numbers: 48 bits, the first octet most
 * significant.
 */
public final class Ethernet {
    /** Two MAC addresses and the EtherType. */
    public static final int HEADER_BYTES = 14;
    /** One VLAN tag: TCI and the EtherType that follows. */
    public static final int VLAN_TAG_BYTES = 4;
    /** Where the (outermost) EtherType stands. */
    public static final int ETHERTYPE_OFFSET = 12;

    public static final int TYPE_IPV4 = 0x0800;
    public static final int TYPE_IPV6 = 0x86dd;
    /** Customer tag, IEEE 802.1Q. */
    public static final int TYPE_VLAN = 0x8100;
    /** Service tag, IEEE 802.1ad. */
    public static final int TYPE_SERVICE_VLAN = 0x88a8;

    private Ethernet() {}

    /** Reads a MAC address's six octets. */
    public static long mac(MemorySegment segment, long offset) {
        return (long) Wire.u16(segment, offset) << 32 | Wire.u32(segment, offset + 2);
    }

    /** The destination MAC address of the frame at {@code frame}. */
    public static long destination(MemorySegment segment, long frame) {
        return mac(segment, frame);
    }

    /** The source MAC address of the frame at {@code frame}. */
    public static long source(MemorySegment segment, long frame) {
        return mac(segment, frame + 6);
    }

    /** Replaces both MAC addresses; what follows them (tags, EtherType) stays. */
    public static void putAddresses(MemorySegment segment, long frame, long destinationMac, long sourceMac) {
        putAddresses(segment, frame, addressesHead(destinationMac, sourceMac), (int) sourceMac);
    }

    /** As {@link #putAddresses(MemorySegment, long, long, long)}, of addresses put together before. */
    public static void putAddresses(MemorySegment segment, long frame, long head, int tail) {
        Wire.putI64(segment, frame, head);
        Wire.putI32(segment, frame + 8, tail);
    }

    /** The first eight octets of a frame: destination and the beginning of the source, whose last four are its low 32 bits. */
    public static long addressesHead(long destinationMac, long sourceMac) {
        return destinationMac << 16 | sourceMac >>> 32;
    }
}
