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
 * The TCP option address (TOA), by which a real server behind FULLNAT learns the client's address and port: its kernel module takes the
 * option from the segment that completes the handshake, and getpeername() then gives the client.
 *
 * <p>Format as in the public modules. IPv4 client: kind 254, length 8, port, address (struct toa_data in src/toa.h of
 * github.com/Huawei/TCP_option_address, and of github.com/ucloud/ucloud-toa; struct ip_vs_tcpo_addr of github.com/alibaba/LVS). IPv6
 * client: length 20, port, address; the kind is 253 with alibaba's LVS (struct ip_vs_tcpo_addr_v6) and the modules that follow it,
 * but 254 with DPVS (struct toa_ip6_data in kmod/toa/toa.h of github.com/iqiyi/dpvs, written by tcp_in_add_toa() in
 * src/ipvs/ip_vs_proto_tcp.c), so it is the caller's to choose.
 */
final class Toa {
    /** Kind for IPv4 clients, and DPVS's for IPv6 ones. */
    static final int KIND = 254;
    /** Kind of alibaba's LVS for IPv6 clients. */
    static final int KIND_INET6 = 253;

    static final int INET_BYTES = 8;
    static final int INET6_BYTES = 20;

    /** {@link #insert}: the header has no room for the option. */
    static final int NO_ROOM = -1;
    /** {@link #insert}: the packet would be larger than the MTU. */
    static final int TOO_BIG = -2;
    /** {@link #insert}: the segment's header is not sound, or does not lie in one frame. */
    static final int BAD_HEADER = -3;

    private Toa() {}

    /** How many octets the option has, a multiple of four. */
    static int lengthBytes(boolean clientInet6) {
        return clientInet6 ? INET6_BYTES : INET_BYTES;
    }

    /**
     * Whether a client's segment carries the option: as in DPVS all those that acknowledge nothing of the server's but its SYN, the last
     * of the handshake among them, and no FIN or RST. Once data of the server has been acknowledged, the server has the
     * connection and has read one of them. Unlike DPVS not the SYN, from which no module takes it.
     *
     * @param tcpFlags the segment's
     * @param acknowledgement as the client sent it
     */
    static boolean isDue(SequenceCopy numbers, int tcpFlags, int acknowledgement) {
        return (tcpFlags & (Transport.SYN | Transport.RST | Transport.FIN | Transport.ACK)) == Transport.ACK
                && numbers.knowsServerFirst()
                && acknowledgement == numbers.serverFirst();
    }

    /**
     * Inserts the option in front of the segment's others, where no end-of-options hides it. The headers before it move into the
     * frame's headroom.
     *
     * @param packet in the form in which it came in; follows the change
     * @param kind of the option
     * @param mtuBytes of the way to the real server, less what its headers will be longer
     * @return the option's length, or one of the negative reasons for which nothing was done
     */
    static int insert(
            MemorySegment umem,
            Batch batch,
            int index,
            PacketView packet,
            int kind,
            boolean clientInet6,
            long clientHigh,
            long clientLow,
            int clientPort,
            int mtuBytes) {
        int header = Tcp.headerBytes(umem, packet.l4Offset(), SegmentEdit.available(batch, index, packet));
        if (header == 0 || packet.isFragment()) {
            return BAD_HEADER;
        }
        int length = lengthBytes(clientInet6);
        if (header + length > Tcp.MAX_HEADER_BYTES) {
            return NO_ROOM;
        }
        if (packet.ipLengthBytes() + length > Math.min(mtuBytes, Ipv4.MAX_PACKET_BYTES)) {
            return TOO_BIG;
        }
        SegmentEdit.resize(umem, batch, index, packet, packet.l4Offset() + Tcp.OPTIONS, length);
        long l4 = packet.l4Offset();
        long option = l4 + Tcp.OPTIONS;
        Wire.putI32(umem, option, kind << 24 | length << 16 | clientPort);
        if (clientInet6) {
            Wire.putI64(umem, option + 4, clientHigh);
            Wire.putI64(umem, option + 12, clientLow);
        } else {
            Wire.putI32(umem, option + 4, (int) clientLow);
        }
        Tcp.replaced(umem, l4, option, 0, Checksum.add(0, umem, option, length));
        // The header's length is in words of four octets, in the upper half of its octet.
        int flags = Wire.u16(umem, l4 + Tcp.DATA_OFFSET);
        Tcp.putU16(umem, l4, l4 + Tcp.DATA_OFFSET, flags + (length >> 2 << 12));
        return length;
    }
}
