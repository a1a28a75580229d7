package dev.sluice.forward;

import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;

/**
 * What an IP header says that both families can say (RFC 7915 sections 4.1 and 5.1): read from one of a family, to be written as one
 * of the other. IPv4 options and IPv6 extension headers get lost, the flow label as well. Owned by: worker.
 */
final class IpHeader {
    /** The largest IPv4 packet that routers may fragment: whoever sent it as 1280 octets of IPv6 hears of no smaller MTU. */
    private static final int MAX_WITHOUT_DF = Ipv6.MIN_MTU_BYTES - (Ipv6.HEADER_BYTES - Ipv4.MIN_HEADER_BYTES);

    private static final int END_OF_OPTIONS = 0;
    private static final int NO_OPERATION = 1;
    private static final int LOOSE_SOURCE_ROUTE = 131;
    private static final int STRICT_SOURCE_ROUTE = 137;

    private final MemorySegment umem;

    private int trafficClass;
    private int ttl;
    private int protocol;
    private int payloadBytes;
    /** Whether it is a piece of a datagram. */
    private boolean fragment;
    /** Whether it was IPv6 with a fragment header, be it that of an atomic fragment. */
    private boolean fragmentHeader;

    private int offsetBytes;
    private boolean more;
    private int id;
    private boolean translatable;

    IpHeader(MemorySegment umem) {
        this.umem = umem;
    }

    /**
     * Reads a header.
     *
     * @param l4 absolute offset of its end, as the parser has found it: its extension headers lie before that
     * @return whether it can be written in the other family: no route of its own choice (RFC 7915 sections 4.1 and 5.1), no
     *     authentication header, and no extension header within what is fragmented (section 5.1.1)
     */
    boolean read(boolean inet6, long l3, long l4) {
        fragment = false;
        fragmentHeader = false;
        offsetBytes = 0;
        more = false;
        id = 0;
        translatable = true;
        if (inet6) {
            readInet6(l3, l4);
        } else {
            readInet(l3, l4);
        }
        translatable &= protocol != Transport.AH;
        return translatable;
    }

    private void readInet(long l3, long l4) {
        trafficClass = Wire.u8(umem, l3 + Ipv4.TYPE_OF_SERVICE);
        ttl = Wire.u8(umem, l3 + Ipv4.TTL);
        int number = Wire.u8(umem, l3 + Ipv4.PROTOCOL);
        protocol = number == Transport.ICMP ? Transport.ICMPV6 : number;
        payloadBytes = Math.max(0, Wire.u16(umem, l3 + Ipv4.TOTAL_LENGTH) - (int) (l4 - l3));
        int field = Wire.u16(umem, l3 + Ipv4.FLAGS_FRAGMENT_OFFSET);
        if ((field & Ipv4.FRAGMENT_MASK) != 0) {
            fragment = true;
            offsetBytes = (field & Ipv4.OFFSET_MASK) * Ipv4.FRAGMENT_UNIT_BYTES;
            more = (field & Ipv4.MORE_FRAGMENTS) != 0;
            id = Wire.u16(umem, l3 + Ipv4.IDENTIFICATION);
        }
        readOptions(l3 + Ipv4.MIN_HEADER_BYTES, l4);
    }

    private void readOptions(long from, long end) {
        long at = from;
        while (at < end) {
            int type = Wire.u8(umem, at);
            if (type == END_OF_OPTIONS) {
                return;
            }
            int length = type == NO_OPERATION || at + 1 == end ? 1 : Wire.u8(umem, at + 1);
            if (length == 0 || at + length > end) {
                return;
            }
            // RFC 791 section 3.1: it has been followed to its end when the pointer is beyond the length.
            if ((type == LOOSE_SOURCE_ROUTE || type == STRICT_SOURCE_ROUTE)
                    && length > 2
                    && Wire.u8(umem, at + 2) <= length) {
                translatable = false;
            }
            at += length;
        }
    }

    private void readInet6(long l3, long l4) {
        trafficClass = Wire.i32(umem, l3) >>> 20 & 0xff;
        ttl = Wire.u8(umem, l3 + Ipv6.HOP_LIMIT);
        int next = Wire.u8(umem, l3 + Ipv6.NEXT_HEADER);
        long at = l3 + Ipv6.HEADER_BYTES;
        while (at < l4) {
            int following = Wire.u8(umem, at);
            if (next == Ipv6.FRAGMENT) {
                readFragment(at, following);
            } else if (next == Ipv6.AUTHENTICATION
                    || (next == Ipv6.ROUTING && Wire.u8(umem, at + Ipv6.SEGMENTS_LEFT) != 0)) {
                translatable = false;
            }
            at += Ipv6.extensionBytes(next, Wire.u8(umem, at + 1));
            next = following;
        }
        protocol = next == Transport.ICMPV6 ? Transport.ICMP : next;
        payloadBytes = Math.max(0, Ipv6.HEADER_BYTES + Wire.u16(umem, l3 + Ipv6.PAYLOAD_LENGTH) - (int) (l4 - l3));
    }

    private void readFragment(long at, int following) {
        int field = Wire.u16(umem, at + 2);
        fragmentHeader = true;
        fragment = (field & Ipv6.FRAGMENT_MASK) != 0;
        offsetBytes = field & Ipv6.OFFSET_MASK;
        more = (field & Ipv6.MORE_FRAGMENTS) != 0;
        id = Wire.i32(umem, at + Ipv6.FRAGMENT_IDENTIFICATION);
        if (fragment && Ipv6.isExtension(following)) {
            translatable = false;
        }
    }

    /** How long the header is in a family. */
    int lengthBytes(boolean inet6) {
        return lengthBytes(inet6, fragment);
    }

    /** How long the header of a packet, or of a fragment, is in a family. */
    static int lengthBytes(boolean inet6, boolean fragment) {
        return !inet6
                ? Ipv4.MIN_HEADER_BYTES
                : fragment ? Ipv6.HEADER_BYTES + Ipv6.EXTENSION_UNIT_BYTES : Ipv6.HEADER_BYTES;
    }

    /** Whether the packet is a piece of a datagram. */
    boolean isFragment() {
        return fragment;
    }

    /** How much comes behind the header. */
    int payloadBytes() {
        return payloadBytes;
    }

    /** Says that there comes as much as that behind the header. */
    void setPayloadBytes(int bytes) {
        payloadBytes = bytes;
    }

    /** Whether nobody may fragment the packet, once it is one of a family. */
    boolean dontFragment(boolean inet6) {
        return inet6 || (!fragmentHeader && Ipv4.MIN_HEADER_BYTES + payloadBytes > MAX_WITHOUT_DF);
    }

    /**
     * Writes the header in the other family than it was read in.
     *
     * @param l3 absolute offset, {@link #lengthBytes} before what it carries
     * @param addresses that it gets
     * @param newId for an IPv4 packet that came without identification
     */
    void write(boolean inet6, long l3, AddressRewriter addresses, int newId) {
        if (inet6) {
            writeInet6(l3, addresses);
        } else {
            writeInet(l3, addresses, newId);
        }
    }

    private void writeInet6(long l3, AddressRewriter addresses) {
        int length = payloadBytes + (fragment ? Ipv6.EXTENSION_UNIT_BYTES : 0);
        int next = fragment ? Ipv6.FRAGMENT : protocol;
        Wire.putI32(umem, l3, 6 << 28 | trafficClass << 20);
        Wire.putI32(umem, l3 + Ipv6.PAYLOAD_LENGTH, length << 16 | next << 8 | ttl);
        addresses.writeAddresses(l3, true);
        if (fragment) {
            long at = l3 + Ipv6.HEADER_BYTES;
            Wire.putI32(umem, at, protocol << 24 | offsetBytes | (more ? Ipv6.MORE_FRAGMENTS : 0));
            Wire.putI32(umem, at + Ipv6.FRAGMENT_IDENTIFICATION, id);
        }
    }

    private void writeInet(long l3, AddressRewriter addresses, int newId) {
        int length = Math.min(Ipv4.MIN_HEADER_BYTES + payloadBytes, Ipv4.MAX_PACKET_BYTES);
        int flags = dontFragment(false) ? Ipv4.DONT_FRAGMENT : 0;
        if (fragment) {
            flags = offsetBytes / Ipv4.FRAGMENT_UNIT_BYTES | (more ? Ipv4.MORE_FRAGMENTS : 0);
        }
        Wire.putI32(umem, l3, 0x45 << 24 | trafficClass << 16 | length);
        // Of 32 bits of identification there is room for the lower 16.
        Wire.putI32(umem, l3 + Ipv4.IDENTIFICATION, (fragmentHeader ? id : newId) << 16 | flags);
        Wire.putI32(umem, l3 + Ipv4.TTL, ttl << 24 | protocol << 16);
        addresses.writeAddresses(l3, false);
        Wire.putU16(umem, l3 + Ipv4.CHECKSUM, Checksum.of(umem, l3, Ipv4.MIN_HEADER_BYTES));
    }
}
