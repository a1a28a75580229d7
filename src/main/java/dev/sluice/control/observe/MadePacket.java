package dev.sluice.control.observe;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.Sctp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.service.Protocol;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.ThreadLocalRandom;
import java.util.zip.CRC32C;

/** The packet with which a client would begin: a SYN (RFC 9293), a datagram of no octets, or an INIT (RFC 9260 section 3.3.2). */
final class MadePacket {
    private static final int TTL = 64;
    private static final int WINDOW = 64240;
    private static final int SCTP_HEADER_BYTES = 12;
    private static final int INIT_BYTES = 20;

    private MadePacket() {}

    /**
     * The frame.
     *
     * @param mac of the interface that is to have received it, which stands for the router as well
     */
    static byte[] of(Protocol protocol, long mac, IpAddress client, int clientPort, IpAddress vip, int vipPort) {
        boolean inet6 = vip.family() == AddressFamily.INET6;
        int header = inet6 ? Ipv6.HEADER_BYTES : Ipv4.MIN_HEADER_BYTES;
        int payload = switch (protocol) {
            case TCP -> Transport.TCP_MIN_HEADER_BYTES + 4;
            case UDP -> Transport.UDP_HEADER_BYTES;
            case SCTP -> SCTP_HEADER_BYTES + INIT_BYTES;
        };
        byte[] frame = new byte[Ethernet.HEADER_BYTES + header + payload];
        MemorySegment segment = MemorySegment.ofArray(frame);
        Ethernet.putAddresses(segment, 0, mac, mac);
        Wire.putU16(segment, Ethernet.ETHERTYPE_OFFSET, inet6 ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4);
        int l3 = Ethernet.HEADER_BYTES;
        if (inet6) {
            Wire.putI32(segment, l3, 6 << 28);
            Wire.putU16(segment, l3 + Ipv6.PAYLOAD_LENGTH, payload);
            Wire.putU8(segment, l3 + Ipv6.NEXT_HEADER, protocol.number());
            Wire.putU8(segment, l3 + Ipv6.HOP_LIMIT, TTL);
            put(frame, l3 + Ipv6.SOURCE, client);
            put(frame, l3 + Ipv6.DESTINATION, vip);
        } else {
            Wire.putU16(segment, l3, 0x4500);
            Wire.putU16(segment, l3 + Ipv4.TOTAL_LENGTH, header + payload);
            Wire.putU16(segment, l3 + Ipv4.FLAGS_FRAGMENT_OFFSET, Ipv4.DONT_FRAGMENT);
            Wire.putU8(segment, l3 + Ipv4.TTL, TTL);
            Wire.putU8(segment, l3 + Ipv4.PROTOCOL, protocol.number());
            put(frame, l3 + Ipv4.SOURCE, client);
            put(frame, l3 + Ipv4.DESTINATION, vip);
            Wire.putU16(segment, l3 + Ipv4.CHECKSUM, Checksum.of(segment, l3, header));
        }
        int l4 = l3 + header;
        Wire.putU16(segment, l4 + Transport.SOURCE_PORT, clientPort);
        Wire.putU16(segment, l4 + Transport.DESTINATION_PORT, vipPort);
        switch (protocol) {
            case TCP -> tcp(segment, l3, l4, inet6, payload);
            case UDP -> {
                Wire.putU16(segment, l4 + Transport.UDP_LENGTH, payload);
                int checksum = Checksum.transport(segment, l3, inet6, Transport.UDP, l4, payload);
                Wire.putU16(segment, l4 + Transport.UDP_CHECKSUM, checksum == 0 ? 0xffff : checksum);
            }
            case SCTP -> sctp(segment, frame, l4);
        }
        return frame;
    }

    private static void put(byte[] frame, int at, IpAddress address) {
        byte[] bytes = address.toBytes();
        System.arraycopy(bytes, 0, frame, at, bytes.length);
    }

    private static void tcp(MemorySegment segment, int l3, int l4, boolean inet6, int length) {
        Wire.putI32(segment, l4 + 4L, ThreadLocalRandom.current().nextInt());
        Wire.putU8(segment, l4 + 12L, (length / 4) << 4);
        Wire.putU8(segment, l4 + Transport.TCP_FLAGS, Transport.SYN);
        Wire.putU16(segment, l4 + 14L, WINDOW);
        // Maximum segment size, RFC 9293 section 3.7.1.
        Wire.putI32(segment, l4 + 20L, 0x0204_0000 | (inet6 ? 1440 : 1460));
        Wire.putU16(
                segment,
                l4 + Transport.TCP_CHECKSUM,
                Checksum.transport(segment, l3, inet6, Transport.TCP, l4, length));
    }

    private static void sctp(MemorySegment segment, byte[] frame, int l4) {
        int init = l4 + SCTP_HEADER_BYTES;
        Wire.putU8(segment, init, Sctp.INIT);
        Wire.putU16(segment, init + 2L, INIT_BYTES);
        Wire.putI32(segment, init + 4L, ThreadLocalRandom.current().nextInt() | 1);
        Wire.putI32(segment, init + 8L, 1 << 16);
        Wire.putI32(segment, init + 12L, 0x0001_0001);
        CRC32C crc = new CRC32C();
        crc.update(frame, l4, SCTP_HEADER_BYTES + INIT_BYTES);
        // The one field of a packet that is little-endian (RFC 9260 appendix A).
        ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN).putInt(l4 + 8, (int) crc.getValue());
    }
}
