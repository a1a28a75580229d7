package dev.sluice.forward;

import dev.sluice.flow.SequenceCopy;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;

/**
 * The header of the PROXY protocol, version 2 (section 2.2 of HAProxy's proxy-protocol.txt), by which a real server behind FULLNAT learns the
 * client's address and port, and the VIP: PROXY, TCP over IPv4 or IPv6, without TLVs.
 *
 * <p>It comes before the client's first octet. Every segment that begins there gets it until the server has acknowledged it: the
 * one that completes the handshake, which has no payload, so that a server that speaks first is not kept waiting; and those
 * that follow it or are sent again, in which the server finds the same octets at the same numbers. The numbers behind it are
 * the business of {@link dev.sluice.flow.SequenceTable#prefix}.
 */
final class ProxyHeader {
    static final int INET_BYTES = 28;
    static final int INET6_BYTES = 52;

    /** {@link #insert}: the packet would be larger than the MTU. */
    static final int TOO_BIG = -1;
    /** {@link #insert}: the segment's header is not sound, or does not lie in one frame. */
    static final int BAD_HEADER = -2;

    /** \r\n\r\n\0\r\nQ */
    private static final long SIGNATURE = 0x0d0a0d0a000d0a51L;
    /** UIT\n */
    private static final int SIGNATURE_END = 0x5549540a;
    /** Version 2, command PROXY. */
    private static final int VERSION_COMMAND = 0x21;
    /** AF_INET, STREAM. */
    private static final int TCP_OVER_IPV4 = 0x11;
    /** AF_INET6, STREAM. */
    private static final int TCP_OVER_IPV6 = 0x21;
    /** Signature, version and command, family and protocol, length. */
    private static final int FIXED_BYTES = 16;

    private ProxyHeader() {}

    /** How many octets the header has, an even number. */
    static int lengthBytes(boolean clientInet6) {
        return clientInet6 ? INET6_BYTES : INET_BYTES;
    }

    /**
     * Whether a client's segment gets the header.
     *
     * @param tcpFlags the segment's
     * @param sequence as the client sent it
     */
    static boolean isDue(SequenceCopy numbers, int tcpFlags, int sequence) {
        return (tcpFlags & (Transport.SYN | Transport.RST)) == 0 && numbers.isPrefixDue(sequence);
    }

    /**
     * Inserts the header before the segment's payload. The packet's headers move into the frame's headroom.
     *
     * @param packet towards the server, its addresses translated or not; follows the change
     * @param inet6 the family of client and VIP
     * @param mtuBytes of the way to the real server, less what its headers will be longer
     * @return the header's length, or one of the negative reasons for which nothing was done: the packet must not go on then, or the
     *     server would take the client's octets for the header's
     */
    static int insert(
            MemorySegment umem,
            Batch batch,
            int index,
            PacketView packet,
            boolean inet6,
            long clientHigh,
            long clientLow,
            int clientPort,
            long virtualHigh,
            long virtualLow,
            int virtualPort,
            int mtuBytes) {
        int header = Tcp.headerBytes(umem, packet.l4Offset(), SegmentEdit.available(batch, index, packet));
        if (header == 0 || packet.isFragment()) {
            return BAD_HEADER;
        }
        int length = lengthBytes(inet6);
        if (packet.ipLengthBytes() + length > Math.min(mtuBytes, Ipv4.MAX_PACKET_BYTES)) {
            return TOO_BIG;
        }
        SegmentEdit.resize(umem, batch, index, packet, packet.l4Offset() + header, length);
        long l4 = packet.l4Offset();
        long at = l4 + header;
        writeFixed(umem, at, inet6);
        long addresses = at + FIXED_BYTES;
        long ports;
        if (inet6) {
            Wire.putI64(umem, addresses, clientHigh);
            Wire.putI64(umem, addresses + 8, clientLow);
            Wire.putI64(umem, addresses + 16, virtualHigh);
            Wire.putI64(umem, addresses + 24, virtualLow);
            ports = addresses + 32;
        } else {
            Wire.putI32(umem, addresses, (int) clientLow);
            Wire.putI32(umem, addresses + 4, (int) virtualLow);
            ports = addresses + 8;
        }
        Wire.putI32(umem, ports, clientPort << 16 | virtualPort);
        Tcp.replaced(umem, l4, at, 0, Checksum.add(0, umem, at, length));
        if ((Wire.u8(umem, l4 + Transport.TCP_FLAGS) & Tcp.URG) != 0) {
            long urgent = l4 + Tcp.URGENT_POINTER;
            Tcp.putU16(umem, l4, urgent, Math.min(Wire.u16(umem, urgent) + length, Tcp.MAX_WINDOW));
        }
        return length;
    }

    private static void writeFixed(MemorySegment umem, long at, boolean inet6) {
        Wire.putI64(umem, at, SIGNATURE);
        Wire.putI32(umem, at + 8, SIGNATURE_END);
        int family = inet6 ? TCP_OVER_IPV6 : TCP_OVER_IPV4;
        Wire.putI32(umem, at + 12, VERSION_COMMAND << 24 | family << 16 | (lengthBytes(inet6) - FIXED_BYTES));
    }
}
