package dev.sluice.neighbour;

import dev.sluice.packet.IpAddress;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * A router's word that a packet was larger than the next link takes: fragmentation needed (RFC 792, RFC 1191) or packet too big
 * (RFC 4443), with what it quotes of the packet. Immutable; any thread.
 *
 * @param source where the quoted packet came from
 * @param destination where it was to go
 * @param protocol its IP protocol, behind a fragment header if there is one
 * @param destinationPort its destination port if it is UDP, 0 otherwise
 * @param mtuBytes the MTU of the next link, always less than the quoted packet's length
 */
public record TooBig(IpAddress source, IpAddress destination, int protocol, int destinationPort, int mtuBytes) {
    static final int DESTINATION_UNREACHABLE = 3;
    static final int PACKET_TOO_BIG = 2;

    private static final int FRAGMENTATION_NEEDED = 4;
    private static final int ICMP_BYTES = 8;
    private static final int INET_BYTES = 20;
    private static final int INET6_BYTES = 40;
    private static final int FRAGMENT_BYTES = 8;
    private static final int FRAGMENT = 44;
    private static final int UDP = 17;
    /** Of a UDP header, as much as holds both ports. */
    private static final int PORTS_BYTES = 4;

    /** Common MTUs of links (RFC 1191 section 7), for routers that name none. */
    private static final int[] PLATEAUS = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};

    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    /** Reads what a raw socket of IPv4 gives: an IP header, then ICMP. Null when it is something else, damaged or senseless. */
    static @Nullable TooBig ofInet(MemorySegment packet) {
        int icmp = inetHeaderBytes(packet, 0);
        if (icmp < 0
                || packet.byteSize() < icmp + ICMP_BYTES
                || u8(packet, icmp) != DESTINATION_UNREACHABLE
                || u8(packet, icmp + 1) != FRAGMENTATION_NEEDED
                || sum(packet, icmp) != 0xffff) {
            return null;
        }
        int quoted = icmp + ICMP_BYTES;
        int headerBytes = inetHeaderBytes(packet, quoted);
        if (headerBytes < 0) {
            return null;
        }
        int lengthBytes = u16(packet, quoted + 2);
        int named = u16(packet, icmp + 6);
        int mtuBytes = named == 0 ? plateauBelow(lengthBytes) : named;
        int protocol = u8(packet, quoted + 9);
        return mtuBytes >= lengthBytes
                ? null
                : new TooBig(
                        inet(packet, quoted + 12),
                        inet(packet, quoted + 16),
                        protocol,
                        protocol == UDP ? destinationPort(packet, quoted + headerBytes) : 0,
                        mtuBytes);
    }

    /** Reads what a raw socket of IPv6 gives: ICMPv6, whose checksum the kernel has seen to. Null when it is something else. */
    static @Nullable TooBig ofInet6(MemorySegment message) {
        int quoted = ICMP_BYTES;
        if (message.byteSize() < quoted + INET6_BYTES
                || u8(message, 0) != PACKET_TOO_BIG
                || u8(message, quoted) >> 4 != 6) {
            return null;
        }
        int lengthBytes = INET6_BYTES + u16(message, quoted + 4);
        long named = Integer.toUnsignedLong(message.get(U32, 4));
        int protocol = u8(message, quoted + 6);
        int payload = quoted + INET6_BYTES;
        if (protocol == FRAGMENT && message.byteSize() >= payload + FRAGMENT_BYTES) {
            protocol = u8(message, payload);
            payload += FRAGMENT_BYTES;
        }
        return named >= lengthBytes
                ? null
                : new TooBig(
                        inet6(message, quoted + 8),
                        inet6(message, quoted + 24),
                        protocol,
                        protocol == UDP ? destinationPort(message, payload) : 0,
                        (int) named);
    }

    /** The length of an IPv4 header, -1 when there is none whole. */
    private static int inetHeaderBytes(MemorySegment packet, int offset) {
        if (packet.byteSize() < offset + INET_BYTES || u8(packet, offset) >> 4 != 4) {
            return -1;
        }
        int lengthBytes = (u8(packet, offset) & 15) * 4;
        return lengthBytes < INET_BYTES || packet.byteSize() < offset + lengthBytes ? -1 : lengthBytes;
    }

    private static int plateauBelow(int lengthBytes) {
        for (int plateau : PLATEAUS) {
            if (plateau < lengthBytes) {
                return plateau;
            }
        }
        return lengthBytes;
    }

    private static int destinationPort(MemorySegment packet, int udp) {
        return packet.byteSize() < udp + PORTS_BYTES ? 0 : u16(packet, udp + 2);
    }

    /** The one's complement sum up to the end (RFC 1071): all ones over a message with its checksum. */
    private static int sum(MemorySegment packet, int offset) {
        long sum = 0;
        for (int at = offset; at < packet.byteSize(); at += 2) {
            sum += at + 1 < packet.byteSize() ? u16(packet, at) : u8(packet, at) << 8;
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return (int) sum;
    }

    private static IpAddress inet(MemorySegment packet, int offset) {
        return IpAddress.ofInet(packet.get(U32, offset));
    }

    private static IpAddress inet6(MemorySegment packet, int offset) {
        return IpAddress.ofBytes(packet.asSlice(offset, 16).toArray(ValueLayout.JAVA_BYTE));
    }

    private static int u8(MemorySegment packet, int offset) {
        return Byte.toUnsignedInt(packet.get(ValueLayout.JAVA_BYTE, offset));
    }

    private static int u16(MemorySegment packet, int offset) {
        return Short.toUnsignedInt(packet.get(U16, offset));
    }
}
