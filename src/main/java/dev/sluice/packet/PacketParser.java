package dev.sluice.packet;

import java.lang.foreign.MemorySegment;

/**
 * Finds the headers of one frame and fills a {@link PacketView}. Never reads outside the frame, never throws, never
 * allocates; what it cannot accept it names by a code.
 *
 * <p>It checks what a router must (RFC 1812 section 5.2.2: version, header length, header checksum, total length) and
 * what a director reads: that ports, and TCP's flags, are inside the IP packet. What lies above (TCP's data offset, UDP's
 * length, SCTP's chunks, ESP and AH, payload checksums) is the real server's to judge. Frames longer than their IP packet
 * are Ethernet padding.
 *
 * <p>AH over IPv6 is an extension header and stepped over, as IPVS does (ipv6_find_hdr without IP6_FH_F_AUTH): what it
 * protects decides.
 */
public final class PacketParser {
    /** The packet is whole, or the first fragment of a datagram, and carries TCP, UDP, SCTP, ESP or AH. */
    public static final int OK = 0;
    /** Shorter than Ethernet header and VLAN tags. */
    public static final int TRUNCATED_ETHERNET = 1;
    /** Neither IPv4 nor IPv6 below at most two VLAN tags. */
    public static final int NOT_IP = 2;
    /** The frame ends inside the IP header. */
    public static final int TRUNCATED_IP = 3;
    /** The version field contradicts the EtherType. */
    public static final int BAD_IP_VERSION = 4;
    /** IPv4 header length below 20 bytes. */
    public static final int BAD_IHL = 5;
    /** The IP length is less than its header or more than the frame holds. */
    public static final int BAD_TOTAL_LENGTH = 6;
    /** The IPv4 header checksum is wrong. */
    public static final int BAD_IP_CHECKSUM = 7;
    /** An IPv6 extension header does not fit into the packet. */
    public static final int BAD_EXTENSION_HEADER = 8;
    /** More than {@link #MAX_EXTENSION_HEADERS} IPv6 extension headers. */
    public static final int TOO_MANY_EXTENSION_HEADERS = 9;
    /** A fragment of a datagram but the first (nor an atomic one, RFC 6946): its ports are elsewhere. */
    public static final int FRAGMENT = 10;
    /** Whole, but none of the protocols of {@link #OK}. */
    public static final int UNSUPPORTED_PROTOCOL = 11;
    /** The IP packet ends inside the TCP, UDP, SCTP, ESP or AH header. */
    public static final int TRUNCATED_TRANSPORT = 12;
    /** An ICMP message over IPv4 or an ICMPv6 message over IPv6, whole, with its header at the transport's place. */
    public static final int ICMP = 13;
    /** How many codes there are; all lie below. */
    public static final int CODES = 14;

    /** RFC 8200 section 4.1 lets a packet carry seven at most in the recommended order; one to spare. */
    public static final int MAX_EXTENSION_HEADERS = 8;

    private static final long U32 = 0xffff_ffffL;

    private PacketParser() {}

    /** As {@link #parse(MemorySegment, long, int, int, PacketView)}, of a packet that is whole there. */
    public static int parse(MemorySegment segment, long frame, int length, PacketView view) {
        return parse(segment, frame, length, 0, view);
    }

    /**
     * Parses the packet that begins at [{@code frame}, {@code frame + length}). Headers that do not end there are as good as
     * cut short, wherever they go on.
     *
     * @param segment the UMEM
     * @param frame absolute offset of the Ethernet header
     * @param length of the frame in bytes
     * @param beyond bytes of the packet in further frames
     * @param view filled as far as the code says
     * @return {@link #OK} or why not
     */
    public static int parse(MemorySegment segment, long frame, int length, int beyond, PacketView view) {
        if (length < Ethernet.HEADER_BYTES) {
            return TRUNCATED_ETHERNET;
        }
        int l2 = Ethernet.HEADER_BYTES;
        int type = Wire.u16(segment, frame + Ethernet.ETHERTYPE_OFFSET);
        for (int tags = 0; tags < 2 && (type == Ethernet.TYPE_VLAN || type == Ethernet.TYPE_SERVICE_VLAN); tags++) {
            if (length < l2 + Ethernet.VLAN_TAG_BYTES) {
                return TRUNCATED_ETHERNET;
            }
            type = Wire.u16(segment, frame + l2 + 2);
            l2 += Ethernet.VLAN_TAG_BYTES;
        }
        view.l2Length = l2;
        view.l3Offset = frame + l2;
        if (type == Ethernet.TYPE_IPV4) {
            return parseIpv4(segment, frame + l2, length - l2, beyond, view);
        }
        if (type == Ethernet.TYPE_IPV6) {
            return parseIpv6(segment, frame + l2, length - l2, beyond, view);
        }
        return NOT_IP;
    }

    private static int parseIpv4(MemorySegment segment, long ip, int available, int beyond, PacketView view) {
        if (available < Ipv4.MIN_HEADER_BYTES) {
            return TRUNCATED_IP;
        }
        // The whole header in three loads, each checked once: the fields are cut out of registers.
        long first = Wire.i64(segment, ip);
        long second = Wire.i64(segment, ip + Long.BYTES);
        long destination = Wire.u32(segment, ip + Ipv4.DESTINATION);
        int versionIhl = (int) (first >>> 56);
        if (versionIhl >>> 4 != 4) {
            return BAD_IP_VERSION;
        }
        int headerLength = (versionIhl & 0xf) << 2;
        if (headerLength < Ipv4.MIN_HEADER_BYTES) {
            return BAD_IHL;
        }
        if (headerLength > available) {
            return TRUNCATED_IP;
        }
        int totalLength = (int) (first >>> 32) & 0xffff;
        if (totalLength < headerLength || totalLength > available + beyond) {
            return BAD_TOTAL_LENGTH;
        }
        long sum = (first >>> 32) + (first & U32) + (second >>> 32) + (second & U32) + destination;
        if (headerLength > Ipv4.MIN_HEADER_BYTES) {
            sum = Checksum.add(sum, segment, ip + Ipv4.MIN_HEADER_BYTES, headerLength - Ipv4.MIN_HEADER_BYTES);
        }
        if (Checksum.fold(sum) != 0xffff) {
            return BAD_IP_CHECKSUM;
        }
        view.inet6 = false;
        view.ipLength = totalLength;
        view.ttl = (int) (second >>> 56);
        view.protocol = (int) (second >>> 48) & 0xff;
        view.sourceHigh = 0;
        view.sourceLow = second & U32;
        view.destinationHigh = 0;
        view.destinationLow = destination;
        int fragmentField = (int) first & 0xffff;
        view.dontFragment = (fragmentField & Ipv4.DONT_FRAGMENT) != 0;
        view.fragment = (fragmentField & Ipv4.FRAGMENT_MASK) != 0;
        view.laterFragment = (fragmentField & Ipv4.OFFSET_MASK) != 0;
        if (view.fragment) {
            view.fragmentId = (int) (first >>> 16) & 0xffff;
            if (view.laterFragment) {
                view.l4Offset = ip + headerLength;
                return FRAGMENT;
            }
        }
        return parseTransport(segment, ip + headerLength, Math.min(totalLength, available) - headerLength, view);
    }

    private static int parseIpv6(MemorySegment segment, long ip, int available, int beyond, PacketView view) {
        if (available < Ipv6.HEADER_BYTES) {
            return TRUNCATED_IP;
        }
        if (Wire.u8(segment, ip) >>> 4 != 6) {
            return BAD_IP_VERSION;
        }
        int totalLength = Ipv6.HEADER_BYTES + Wire.u16(segment, ip + Ipv6.PAYLOAD_LENGTH);
        if (totalLength > available + beyond) {
            return BAD_TOTAL_LENGTH;
        }
        int readable = Math.min(totalLength, available);
        view.inet6 = true;
        view.ipLength = totalLength;
        view.dontFragment = true;
        view.fragment = false;
        view.laterFragment = false;
        view.ttl = Wire.u8(segment, ip + Ipv6.HOP_LIMIT);
        view.sourceHigh = Wire.i64(segment, ip + Ipv6.SOURCE);
        view.sourceLow = Wire.i64(segment, ip + Ipv6.SOURCE + 8);
        view.destinationHigh = Wire.i64(segment, ip + Ipv6.DESTINATION);
        view.destinationLow = Wire.i64(segment, ip + Ipv6.DESTINATION + 8);
        int next = Wire.u8(segment, ip + Ipv6.NEXT_HEADER);
        int at = Ipv6.HEADER_BYTES;
        for (int headers = 0; Ipv6.isExtension(next); headers++) {
            if (headers == MAX_EXTENSION_HEADERS) {
                return TOO_MANY_EXTENSION_HEADERS;
            }
            if (readable - at < Ipv6.EXTENSION_UNIT_BYTES) {
                return BAD_EXTENSION_HEADER;
            }
            int following = Wire.u8(segment, ip + at);
            int headerLength = Ipv6.extensionBytes(next, Wire.u8(segment, ip + at + 1));
            if (headerLength > readable - at) {
                return BAD_EXTENSION_HEADER;
            }
            if (next == Ipv6.FRAGMENT && (Wire.u16(segment, ip + at + 2) & Ipv6.FRAGMENT_MASK) != 0) {
                view.fragment = true;
                view.fragmentId = Wire.i32(segment, ip + at + Ipv6.FRAGMENT_IDENTIFICATION);
                if ((Wire.u16(segment, ip + at + 2) & Ipv6.OFFSET_MASK) != 0) {
                    view.laterFragment = true;
                    view.protocol = following;
                    view.l4Offset = ip + at + headerLength;
                    return FRAGMENT;
                }
            }
            at += headerLength;
            next = following;
        }
        view.protocol = next;
        return parseTransport(segment, ip + at, readable - at, view);
    }

    /**
     * Reads the packet that an ICMP error quotes, as far as it says whose flow it belongs to: as a packet of the other
     * direction, from the client to the VIP, so that the flow is found. Checksums and lengths are not looked at: the packet has
     * been changed on its way, and is cut off (RFC 792, RFC 1812 section 4.3.2.3, RFC 4443 section 2.4).
     *
     * @param ip absolute offset of the quoted IP header
     * @param available octets that there are of the quoted packet
     * @param flow set to the flow, and to where the quoted headers are
     * @return whether it names one
     */
    public static boolean parseQuoted(MemorySegment segment, long ip, int available, boolean inet6, PacketView flow) {
        int headerBytes = inet6 ? Ipv6.HEADER_BYTES : Ipv4.MIN_HEADER_BYTES;
        if (available < headerBytes || Wire.u8(segment, ip) >>> 4 != (inet6 ? 6 : 4)) {
            return false;
        }
        int protocol;
        if (inet6) {
            int next = Wire.u8(segment, ip + Ipv6.NEXT_HEADER);
            for (int headers = 0; Ipv6.isExtension(next); headers++) {
                if (headers == MAX_EXTENSION_HEADERS || available - headerBytes < Ipv6.EXTENSION_UNIT_BYTES) {
                    return false;
                }
                if (next == Ipv6.FRAGMENT && (Wire.u16(segment, ip + headerBytes + 2) & Ipv6.OFFSET_MASK) != 0) {
                    return false;
                }
                int length = Ipv6.extensionBytes(next, Wire.u8(segment, ip + headerBytes + 1));
                next = Wire.u8(segment, ip + headerBytes);
                headerBytes += length;
            }
            protocol = next;
        } else {
            headerBytes = (Wire.u8(segment, ip + Ipv4.VERSION_IHL) & 0xf) << 2;
            if (headerBytes < Ipv4.MIN_HEADER_BYTES
                    || (Wire.u16(segment, ip + Ipv4.FLAGS_FRAGMENT_OFFSET) & Ipv4.OFFSET_MASK) != 0) {
                return false;
            }
            protocol = Wire.u8(segment, ip + Ipv4.PROTOCOL);
        }
        boolean ipsec = protocol == Transport.ESP || protocol == Transport.AH;
        if (!ipsec && protocol != Transport.TCP && protocol != Transport.UDP && protocol != Transport.SCTP) {
            return false;
        }
        if (!ipsec && available - headerBytes < 2 * Short.BYTES) {
            return false;
        }
        int ports = ipsec ? 0 : Wire.i32(segment, ip + headerBytes);
        flow.l3Offset = ip;
        flow.l4Offset = ip + headerBytes;
        if (inet6) {
            flow.setFlow(
                    true,
                    protocol,
                    Wire.i64(segment, ip + Ipv6.DESTINATION),
                    Wire.i64(segment, ip + Ipv6.DESTINATION + 8),
                    ports & 0xffff,
                    Wire.i64(segment, ip + Ipv6.SOURCE),
                    Wire.i64(segment, ip + Ipv6.SOURCE + 8),
                    ports >>> 16);
        } else {
            flow.setFlow(
                    false,
                    protocol,
                    0,
                    Wire.u32(segment, ip + Ipv4.DESTINATION),
                    ports & 0xffff,
                    0,
                    Wire.u32(segment, ip + Ipv4.SOURCE),
                    ports >>> 16);
        }
        return true;
    }

    private static int parseTransport(MemorySegment segment, long l4, int available, PacketView view) {
        view.l4Offset = l4;
        view.tcpFlags = 0;
        view.sctpChunk = Sctp.NO_CHUNK;
        switch (view.protocol) {
            case Transport.TCP -> {
                if (available < Transport.TCP_MIN_HEADER_BYTES) {
                    return TRUNCATED_TRANSPORT;
                }
                view.tcpFlags = Wire.u8(segment, l4 + Transport.TCP_FLAGS);
            }
            case Transport.UDP -> {
                if (available < Transport.UDP_HEADER_BYTES) {
                    return TRUNCATED_TRANSPORT;
                }
            }
            case Transport.SCTP -> {
                if (available < Sctp.COMMON_HEADER_BYTES) {
                    return TRUNCATED_TRANSPORT;
                }
                view.sctpChunk = Sctp.decidingChunk(segment, l4, available);
            }
            case Transport.ESP, Transport.AH -> {
                if (available
                        < (view.protocol == Transport.ESP
                                ? Transport.ESP_HEADER_BYTES
                                : Transport.AH_MIN_HEADER_BYTES)) {
                    return TRUNCATED_TRANSPORT;
                }
                view.sourcePort = 0;
                view.destinationPort = 0;
                return OK;
            }
            case Transport.ICMP, Transport.ICMPV6 -> {
                if (view.fragment || (view.protocol == Transport.ICMPV6) != view.inet6) {
                    return UNSUPPORTED_PROTOCOL;
                }
                return available < Icmp.HEADER_BYTES ? TRUNCATED_TRANSPORT : ICMP;
            }
            default -> {
                return UNSUPPORTED_PROTOCOL;
            }
        }
        int ports = Wire.i32(segment, l4);
        view.sourcePort = ports >>> 16;
        view.destinationPort = ports & 0xffff;
        return OK;
    }
}
