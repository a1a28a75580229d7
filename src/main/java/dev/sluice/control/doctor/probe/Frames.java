package dev.sluice.control.doctor.probe;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Icmp;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.Transport;
import dev.sluice.service.Tunnel;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** Builds what is sent, whole and with right checksums. Any thread. */
final class Frames {
    private static final int ETHERNET = 14;
    private static final long BROADCAST = 0xffff_ffff_ffffL;
    private static final int TYPE_ARP = 0x0806;
    private static final int TYPE_IPV4 = 0x0800;
    private static final int TYPE_IPV6 = 0x86dd;
    private static final int NEIGHBOUR_SOLICITATION = 135;
    private static final int TCP_WINDOW = 1024;

    /** What hosts of IPv4 and IPv6 on a link set, and ask of one another (RFC 4861 section 7.1). */
    static final int FULL_TTL = 255;

    private Frames() {}

    static byte[] ethernet(long destination, long source, byte[] packet) {
        boolean inet6 = packet[0] >>> 4 == 6;
        return ethernet(destination, source, inet6 ? TYPE_IPV6 : TYPE_IPV4, packet);
    }

    private static byte[] ethernet(long destination, long source, int type, byte[] payload) {
        ByteBuffer frame = ByteBuffer.allocate(ETHERNET + payload.length);
        putMac(frame, destination);
        putMac(frame, source);
        return frame.putShort((short) type).put(payload).array();
    }

    private static void putMac(ByteBuffer buffer, long mac) {
        buffer.putShort((short) (mac >>> 32)).putInt((int) mac);
    }

    /** Asks all stations for the MAC address of a target, by ARP (RFC 826) or neighbour discovery (RFC 4861). */
    static byte[] whoHas(long mac, IpAddress source, IpAddress target) {
        if (target.family() == AddressFamily.INET) {
            ByteBuffer arp = ByteBuffer.allocate(28);
            arp.putShort((short) 1)
                    .putShort((short) TYPE_IPV4)
                    .put((byte) 6)
                    .put((byte) 4)
                    .putShort((short) 1);
            putMac(arp, mac);
            arp.put(source.toBytes());
            putMac(arp, 0);
            arp.put(target.toBytes());
            return ethernet(BROADCAST, mac, TYPE_ARP, arp.array());
        }
        // The solicited-node address (RFC 4291 section 2.7.1): ff02::1:ff00:0/104 and the target's last 24 bits.
        IpAddress group = IpAddress.ofInet6(0xff02_0000_0000_0000L, 0x1_ff00_0000L | (target.low() & 0xff_ffff));
        ByteBuffer body = ByteBuffer.allocate(32);
        body.put((byte) NEIGHBOUR_SOLICITATION)
                .put((byte) 0)
                .putShort((short) 0)
                .putInt(0);
        body.put(target.toBytes()).put((byte) 1).put((byte) 1);
        putMac(body, mac);
        byte[] packet = packet(source, group, Transport.ICMPV6, FULL_TTL, false, body.array());
        return ethernet(0x3333_0000_0000L | (group.low() & 0xffff_ffffL), mac, packet);
    }

    /**
     * An echo request.
     *
     * @param lengthBytes of the whole packet, at least with the headers
     */
    static byte[] echo(IpAddress source, IpAddress target, int id, int sequence, int lengthBytes, int ttl) {
        boolean inet6 = target.family() == AddressFamily.INET6;
        int header = inet6 ? Ipv6.HEADER_BYTES : Ipv4.MIN_HEADER_BYTES;
        ByteBuffer body = ByteBuffer.allocate(Math.max(lengthBytes - header, Icmp.HEADER_BYTES));
        body.put((byte) (inet6 ? Icmp.V6_ECHO_REQUEST : Icmp.ECHO_REQUEST))
                .put((byte) 0)
                .putShort((short) 0);
        body.putShort((short) id).putShort((short) sequence);
        return packet(source, target, inet6 ? Transport.ICMPV6 : Transport.ICMP, ttl, true, body.array());
    }

    /** A TCP segment without data. */
    static byte[] tcp(IpAddress source, IpAddress target, int sourcePort, int port, int flags, int sequence, int ttl) {
        ByteBuffer body = ByteBuffer.allocate(Transport.TCP_MIN_HEADER_BYTES);
        body.putShort((short) sourcePort)
                .putShort((short) port)
                .putInt(sequence)
                .putInt(0);
        body.put((byte) (5 << 4)).put((byte) flags).putShort((short) TCP_WINDOW);
        return packet(source, target, Transport.TCP, ttl, true, body.array());
    }

    /** Puts the outer headers of a real server before a packet, as the datapath does, with all checksums there are. */
    static byte[] encapsulate(byte[] inner, Tunnel tunnel, IpAddress source, IpAddress rip) {
        boolean inner6 = inner[0] >>> 4 == 6;
        int number = inner6 ? Transport.IPV6 : Transport.IPIP;
        return switch (tunnel.type()) {
            case IPIP -> packet(source, rip, number, FULL_TTL, true, inner);
            case GUE -> {
                ByteBuffer body = ByteBuffer.allocate(Transport.UDP_HEADER_BYTES + 4 + inner.length);
                body.putShort((short) 0xc000).putShort((short) tunnel.port()).putShort((short) body.capacity());
                body.putShort((short) 0)
                        .put((byte) 0)
                        .put((byte) number)
                        .putShort((short) 0)
                        .put(inner);
                yield packet(source, rip, Transport.UDP, FULL_TTL, true, body.array());
            }
            case GRE -> {
                boolean sum = tunnel.checksum() == Tunnel.Checksum.CSUM;
                ByteBuffer body = ByteBuffer.allocate((sum ? 8 : 4) + inner.length);
                body.putShort((short) (sum ? 0x8000 : 0)).putShort((short) (inner6 ? TYPE_IPV6 : TYPE_IPV4));
                if (sum) {
                    body.putInt(0);
                }
                body.put(inner);
                if (sum) {
                    body.putShort(4, (short) Checksum.of(MemorySegment.ofArray(body.array()), 0, body.capacity()));
                }
                yield packet(source, rip, Transport.GRE, FULL_TTL, true, body.array());
            }
        };
    }

    private static byte[] packet(
            IpAddress source, IpAddress target, int protocol, int ttl, boolean dontFragment, byte[] body) {
        boolean inet6 = target.family() == AddressFamily.INET6;
        int header = inet6 ? Ipv6.HEADER_BYTES : Ipv4.MIN_HEADER_BYTES;
        ByteBuffer packet = ByteBuffer.allocate(header + body.length);
        if (inet6) {
            packet.putInt(6 << 28)
                    .putShort((short) body.length)
                    .put((byte) protocol)
                    .put((byte) ttl);
        } else {
            packet.putShort((short) 0x4500).putShort((short) packet.capacity()).putShort((short) 0);
            packet.putShort((short) (dontFragment ? 0x4000 : 0)).put((byte) ttl).put((byte) protocol);
            packet.putShort((short) 0);
        }
        packet.put(source.toBytes()).put(target.toBytes()).put(body);
        byte[] bytes = packet.array();
        MemorySegment segment = MemorySegment.ofArray(bytes);
        if (!inet6) {
            packet.putShort(Ipv4.CHECKSUM, (short) Checksum.of(segment, 0, header));
        }
        int field = checksumField(protocol);
        if (field >= 0) {
            int sum = protocol == Transport.ICMP
                    ? Checksum.of(segment, header, body.length)
                    : Checksum.transport(segment, 0, inet6, protocol, header, body.length);
            packet.putShort(header + field, (short) (sum == 0 ? 0xffff : sum));
        }
        return bytes;
    }

    private static int checksumField(int protocol) {
        return switch (protocol) {
            case Transport.ICMP, Transport.ICMPV6 -> Icmp.CHECKSUM;
            case Transport.TCP -> Transport.TCP_CHECKSUM;
            case Transport.UDP -> Transport.UDP_CHECKSUM;
            default -> -1;
        };
    }
}
