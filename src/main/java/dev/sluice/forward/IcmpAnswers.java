package dev.sluice.forward;

import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.Icmp;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.service.RealServer;
import java.lang.foreign.MemorySegment;

/**
 * Turns packets into answers to their senders: ICMP errors (RFC 792, RFC 1812 section 4.3, RFC 4443) and echo replies. An answer
 * comes from the VIP, leaves by the port and to the station that the packet came from, tags included, and lies in the packet's
 * own first frame. Owned by: worker.
 */
final class IcmpAnswers {
    private static final int TTL = 64;
    /** Precedence "internetwork control" (RFC 1812 section 4.3.2.5). */
    private static final int ERROR_TYPE_OF_SERVICE = 0xc0;
    /** Of the errors allowed in a second, the part that may be sent at once, as Linux's icmp_msgs_burst. */
    private static final int BURST_PART = 20;

    private final MemorySegment umem;
    private final Counters counters;
    private final Identifications ids;
    private final int perSecond;
    private final long burstMicros;

    /** Errors that may be sent now, in millionths. */
    private long credit;

    private long creditedMs;

    /**
     * @param perSecond the most errors in a second
     */
    IcmpAnswers(MemorySegment umem, Counters counters, Identifications ids, int perSecond) {
        this.umem = umem;
        this.counters = counters;
        this.ids = ids;
        this.perSecond = perSecond;
        this.burstMicros = 1_000_000L * Math.max(perSecond / BURST_PART, Math.min(perSecond, 1));
        this.credit = burstMicros;
    }

    /** Answers that the packet would not fit through a link. */
    void tooBig(Batch batch, int index, PacketView packet, int ingressPort, int mtuBytes, long nowMs) {
        if (packet.inet6()) {
            error(batch, index, packet, ingressPort, Icmp.V6_PACKET_TOO_BIG, 0, mtuBytes, nowMs);
        } else {
            error(
                    batch,
                    index,
                    packet,
                    ingressPort,
                    Icmp.DESTINATION_UNREACHABLE,
                    Icmp.FRAGMENTATION_NEEDED,
                    mtuBytes,
                    nowMs);
        }
    }

    /** Answers that the packet's TTL has run out. */
    void timeExceeded(Batch batch, int index, PacketView packet, int ingressPort, long nowMs) {
        int type = packet.inet6() ? Icmp.V6_TIME_EXCEEDED : Icmp.TIME_EXCEEDED;
        error(batch, index, packet, ingressPort, type, 0, 0, nowMs);
    }

    private void error(
            Batch batch, int index, PacketView packet, int ingressPort, int type, int code, int rest, long nowMs) {
        if (!mayAnswer(packet)) {
            return;
        }
        if (!hasCredit(nowMs)) {
            counters.increment(Counter.ICMP_RATE_LIMITED);
            return;
        }
        // The new headers go where the link header is now.
        long old = batch.address(index);
        long station = Ethernet.source(umem, old);
        long self = Ethernet.destination(umem, old);
        long tags = LinkHeader.tags(umem, old, packet.l2LengthBytes());
        long quoted = packet.l3Offset();
        int held = (int) (old + batch.length(index) - quoted);
        int header = packet.inet6() ? Ipv6.HEADER_BYTES : Ipv4.MIN_HEADER_BYTES;
        int limit = (packet.inet6() ? Ipv6.MIN_MTU_BYTES : Ipv4.MIN_REASSEMBLY_BYTES) - header - Icmp.HEADER_BYTES;
        int message = Icmp.HEADER_BYTES + Math.min(Math.min(packet.ipLengthBytes(), held), limit);
        long icmp = quoted - Icmp.HEADER_BYTES;
        Wire.putI32(umem, icmp, type << 24 | code << 16);
        Wire.putI32(umem, icmp + Icmp.REST, rest);
        long l3 = icmp - header;
        if (packet.inet6()) {
            writeIpv6(l3, packet, message);
        } else {
            writeIpv4(l3, packet, message);
        }
        putChecksum(icmp, l3, packet.inet6(), message);
        long frame = LinkHeader.write(
                umem,
                tags,
                packet.l2LengthBytes(),
                l3,
                packet.inet6() ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4,
                Ethernet.addressesHead(station, self),
                (int) self,
                RealServer.VLAN_KEEP);
        batch.move(index, frame, (int) (icmp - frame) + message);
        batch.cutTails(index);
        batch.setEgress(index, ingressPort);
        counters.increment(Counter.ICMP_ERROR_SENT);
    }

    /** Makes an echo request its reply. */
    void echo(Batch batch, int index, PacketView packet, int ingressPort) {
        long l3 = packet.l3Offset();
        long icmp = packet.l4Offset();
        int oldWord = Wire.u16(umem, icmp);
        int newWord = (packet.inet6() ? Icmp.V6_ECHO_REPLY : Icmp.ECHO_REPLY) << 8 | (oldWord & 0xff);
        Wire.putU16(umem, icmp, newWord);
        int checksum = Wire.u16(umem, icmp + Icmp.CHECKSUM);
        // The pseudo header of ICMPv6 holds both addresses, in whatever order.
        Wire.putU16(umem, icmp + Icmp.CHECKSUM, Checksum.update(checksum, oldWord, newWord));
        if (packet.inet6()) {
            putAddresses6(l3, packet);
            Wire.putU8(umem, l3 + Ipv6.HOP_LIMIT, TTL);
        } else {
            int header = (Wire.u8(umem, l3) & 0xf) << 2;
            Wire.putI32(umem, l3 + Ipv4.SOURCE, (int) packet.destinationLow());
            Wire.putI32(umem, l3 + Ipv4.DESTINATION, (int) packet.sourceLow());
            Wire.putU8(umem, l3 + Ipv4.TTL, TTL);
            Wire.putU16(umem, l3 + Ipv4.CHECKSUM, 0);
            Wire.putU16(umem, l3 + Ipv4.CHECKSUM, Checksum.of(umem, l3, header));
        }
        long frame = batch.address(index);
        long station = Ethernet.source(umem, frame);
        long self = Ethernet.destination(umem, frame);
        Ethernet.putAddresses(umem, frame, station, self);
        batch.setEgress(index, ingressPort);
        counters.increment(Counter.ECHO_ANSWERED);
    }

    /** RFC 1122 section 3.2.2 and RFC 4443 section 2.4 (e): not to senders that are none, nor for later fragments. */
    private static boolean mayAnswer(PacketView packet) {
        if (packet.protocol() == Transport.ICMP || packet.protocol() == Transport.ICMPV6) {
            return false;
        }
        if (packet.inet6()) {
            boolean multicast = packet.sourceHigh() >>> 56 == 0xff;
            boolean unspecifiedOrLoopback = packet.sourceHigh() == 0 && (packet.sourceLow() >>> 1) == 0;
            return !multicast && !unspecifiedOrLoopback;
        }
        int first = (int) (packet.sourceLow() >>> 24);
        return first != 0 && first != 127 && first < 224;
    }

    private boolean hasCredit(long nowMs) {
        // More than a second's worth would be cut off anyway.
        long elapsedMs = Math.min(nowMs - creditedMs, 1000);
        credit = Math.min(burstMicros, credit + elapsedMs * perSecond * 1000);
        creditedMs = nowMs;
        if (credit < 1_000_000) {
            return false;
        }
        credit -= 1_000_000;
        return true;
    }

    private void writeIpv4(long l3, PacketView packet, int payload) {
        Wire.putU16(umem, l3, 0x4500 | ERROR_TYPE_OF_SERVICE);
        Wire.putU16(umem, l3 + Ipv4.TOTAL_LENGTH, Ipv4.MIN_HEADER_BYTES + payload);
        Wire.putU16(umem, l3 + Ipv4.IDENTIFICATION, ids.next());
        Wire.putU16(umem, l3 + Ipv4.FLAGS_FRAGMENT_OFFSET, 0);
        Wire.putU16(umem, l3 + Ipv4.TTL, TTL << 8 | Transport.ICMP);
        Wire.putU16(umem, l3 + Ipv4.CHECKSUM, 0);
        Wire.putI32(umem, l3 + Ipv4.SOURCE, (int) packet.destinationLow());
        Wire.putI32(umem, l3 + Ipv4.DESTINATION, (int) packet.sourceLow());
        Wire.putU16(umem, l3 + Ipv4.CHECKSUM, Checksum.of(umem, l3, Ipv4.MIN_HEADER_BYTES));
    }

    private void writeIpv6(long l3, PacketView packet, int payload) {
        Wire.putI32(umem, l3, 6 << 28);
        Wire.putI32(umem, l3 + Ipv6.PAYLOAD_LENGTH, payload << 16 | Transport.ICMPV6 << 8 | TTL);
        putAddresses6(l3, packet);
    }

    private void putAddresses6(long l3, PacketView packet) {
        Wire.putI64(umem, l3 + Ipv6.SOURCE, packet.destinationHigh());
        Wire.putI64(umem, l3 + Ipv6.SOURCE + 8, packet.destinationLow());
        Wire.putI64(umem, l3 + Ipv6.DESTINATION, packet.sourceHigh());
        Wire.putI64(umem, l3 + Ipv6.DESTINATION + 8, packet.sourceLow());
    }

    private void putChecksum(long icmp, long l3, boolean inet6, int lengthBytes) {
        int checksum = inet6
                ? Checksum.transport(umem, l3, true, Transport.ICMPV6, icmp, lengthBytes)
                : Checksum.of(umem, icmp, lengthBytes);
        Wire.putU16(umem, icmp + Icmp.CHECKSUM, checksum);
    }
}
