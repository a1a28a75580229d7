package dev.sluice.forward;

import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;

/**
 * Puts outer headers before an IP packet: IP in IP (RFC 2003, RFC 2473, RFC 4213), GUE (draft-ietf-intarea-gue, variant 0) and
 * GRE (RFC 2784), each over IPv4 or IPv6 with either inside, as ip_vs_tunnel_xmit() and ip_vs_tunnel_xmit_v6() do. The ECN field
 * is copied, as RFC 6040 section 4.1 asks in its normal mode. Owned by: worker.
 */
final class Encapsulation {
    private static final int GUE_BYTES = 4;
    private static final int GRE_BYTES = 4;
    private static final int GRE_CHECKSUM_BYTES = 4;
    private static final int GRE_CHECKSUM_PRESENT = 0x8000;
    /** RFC 6335's dynamic ports: 14 bits of entropy for whoever spreads flows by ports. */
    private static final int FIRST_SOURCE_PORT = 0xc000;

    private static final long U32 = 0xffff_ffffL;

    private final MemorySegment umem;
    private final PacketPolicy policy;

    Encapsulation(MemorySegment umem, PacketPolicy policy) {
        this.umem = umem;
        this.policy = policy;
    }

    /** How many octets the outer headers of a real server have. */
    static int overhead(TunnelTable tunnels, int realServer) {
        int outer = tunnels.inet6(realServer) ? Ipv6.HEADER_BYTES : Ipv4.MIN_HEADER_BYTES;
        return outer + innerOverhead(tunnels, realServer);
    }

    private static int innerOverhead(TunnelTable tunnels, int realServer) {
        return switch (tunnels.kind(realServer)) {
            case TunnelTable.GUE -> Transport.UDP_HEADER_BYTES + GUE_BYTES;
            case TunnelTable.GRE -> GRE_BYTES + (tunnels.hasChecksum(realServer) ? GRE_CHECKSUM_BYTES : 0);
            default -> 0;
        };
    }

    /**
     * Writes the outer headers straight before the packet's IP header.
     *
     * @param packet in the batch; its frame's beginning stays as it is
     * @param l3 absolute offset of the inner IP header, with so much headroom before it
     * @param inet6 whether the inner packet is IPv6
     * @param lengthBytes of the inner packet
     * @param ttl of the inner packet
     * @param hash the flow's
     * @param dontFragment whether the outer IPv4 header forbids fragmentation
     * @param id the outer IPv4 header's identification, if it does not
     * @return absolute offset of the outer IP header
     */
    long encapsulate(
            Batch batch,
            int packet,
            long l3,
            boolean inet6,
            int lengthBytes,
            int ttl,
            TunnelTable tunnels,
            int realServer,
            HopTable hops,
            int hop,
            long hash,
            boolean dontFragment,
            int id) {
        boolean outer6 = tunnels.inet6(realServer);
        int shim = innerOverhead(tunnels, realServer);
        long transport = l3 - shim;
        long outer = transport - (outer6 ? Ipv6.HEADER_BYTES : Ipv4.MIN_HEADER_BYTES);
        int payload = lengthBytes + shim;
        int inner = inet6 ? Transport.IPV6 : Transport.IPIP;
        int protocol = switch (tunnels.kind(realServer)) {
            case TunnelTable.GUE -> Transport.UDP;
            case TunnelTable.GRE -> Transport.GRE;
            default -> inner;
        };
        int trafficClass = inet6 ? Wire.u16(umem, l3) >>> 4 & 0xff : Wire.u8(umem, l3 + Ipv4.TYPE_OF_SERVICE);
        int outerTtl = policy.tunnelTtl() == PacketPolicy.INHERIT ? ttl : policy.tunnelTtl();
        long sourceLow = hops.tunnelSourceLow(hop, hash);
        if (outer6) {
            Wire.putI32(umem, outer, 6 << 28 | trafficClass << 20);
            Wire.putU16(umem, outer + Ipv6.PAYLOAD_LENGTH, payload);
            Wire.putU8(umem, outer + Ipv6.NEXT_HEADER, protocol);
            Wire.putU8(umem, outer + Ipv6.HOP_LIMIT, outerTtl);
            Wire.putI64(umem, outer + Ipv6.SOURCE, hops.tunnelSourceHigh(hop, hash));
            Wire.putI64(umem, outer + Ipv6.SOURCE + 8, sourceLow);
            Wire.putI64(umem, outer + Ipv6.DESTINATION, tunnels.addressHigh(realServer));
            Wire.putI64(umem, outer + Ipv6.DESTINATION + 8, tunnels.addressLow(realServer));
        } else {
            // RFC 6864 section 4.1: of a packet that nobody may fragment the identification says nothing.
            int fragment = dontFragment ? Ipv4.DONT_FRAGMENT : id << 16;
            writeIpv4(
                    outer,
                    0x4500_0000L | trafficClass << 16 | (payload + Ipv4.MIN_HEADER_BYTES),
                    fragment & U32,
                    outerTtl << 8 | protocol,
                    sourceLow & U32,
                    tunnels.addressLow(realServer) & U32);
        }
        if (protocol == Transport.UDP) {
            writeGue(batch, packet, outer, outer6, transport, l3, payload, inner, tunnels, realServer, hash);
        } else if (protocol == Transport.GRE) {
            writeGre(batch, packet, transport, l3, lengthBytes, inet6, tunnels.hasChecksum(realServer));
        }
        return outer;
    }

    /** Writes a header of five words of 32 bits, the checksum, which is half of the third, added up before it is in memory. */
    private void writeIpv4(long ip, long first, long second, int ttlAndProtocol, long source, long destination) {
        long sum = (first >>> 16) + (first & 0xffff) + second + ttlAndProtocol + source + destination;
        int checksum = ~Checksum.fold(sum) & 0xffff;
        Wire.putI64(umem, ip, first << 32 | second);
        Wire.putI64(umem, ip + Ipv4.TTL, ((long) ttlAndProtocol << 16 | checksum) << 32 | source);
        Wire.putI32(umem, ip + Ipv4.DESTINATION, (int) destination);
    }

    private void writeGue(
            Batch batch,
            int packet,
            long outer,
            boolean outer6,
            long udp,
            long l3,
            int payload,
            int inner,
            TunnelTable tunnels,
            int realServer,
            long hash) {
        int sourcePort = FIRST_SOURCE_PORT | ((int) (hash >>> 48) & 0x3fff);
        Wire.putI32(umem, udp, sourcePort << 16 | tunnels.port(realServer));
        // Variant 0 without options: no words behind the first, no flags.
        Wire.putI32(umem, udp + Transport.UDP_HEADER_BYTES, inner << 16);
        // Without checksum also over IPv6, as RFC 6935 allows tunnels.
        Wire.putI32(umem, udp + Transport.UDP_LENGTH, payload << 16);
        if (tunnels.hasChecksum(realServer)) {
            int headers = (int) (l3 - udp);
            long sum = outer6
                    ? Checksum.add(0, umem, outer + Ipv6.SOURCE, 32)
                    : Checksum.add(0, umem, outer + Ipv4.SOURCE, 8);
            sum = Checksum.add(sum + Transport.UDP + payload, umem, udp, headers);
            int checksum = ~Checksum.fold(Payload.sum(umem, batch, packet, l3, payload - headers, sum)) & 0xffff;
            Wire.putU16(umem, udp + Transport.UDP_CHECKSUM, checksum == 0 ? 0xffff : checksum);
        }
    }

    private void writeGre(
            Batch batch, int packet, long gre, long l3, int lengthBytes, boolean inet6, boolean hasChecksum) {
        int type = inet6 ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4;
        if (hasChecksum) {
            int first = GRE_CHECKSUM_PRESENT << 16 | type;
            Wire.putI32(umem, gre, first);
            Wire.putI32(umem, gre + GRE_BYTES, 0);
            long sum = Payload.sum(umem, batch, packet, l3, lengthBytes, first & 0xffff_ffffL);
            Wire.putU16(umem, gre + GRE_BYTES, ~Checksum.fold(sum) & 0xffff);
        } else {
            Wire.putI32(umem, gre, type);
        }
    }
}
