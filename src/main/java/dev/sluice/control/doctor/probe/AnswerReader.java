package dev.sluice.control.doctor.probe;

import dev.sluice.control.doctor.probe.ProbeSocket.Received;
import dev.sluice.packet.Icmp;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.Transport;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads packets that may be answers. What is cut short or not understood is none. Any thread. */
final class AnswerReader {
    private static final int NEIGHBOUR_ADVERTISEMENT = 136;
    private static final int ARP_BYTES = 28;
    private static final int ARP_REPLY = 2;
    private static final int OPTION_MSS = 2;

    private AnswerReader() {}

    /**
     * What a packet says.
     *
     * @param kind what it answers
     * @param number of the probe that it answers, as {@link Probe#number}
     * @param isTcp whether that is a SYN
     * @param subject of {@link ProbeAnswer.Kind#I_HAVE} the address; of {@link ProbeAnswer.Kind#TUNNEL_UNREACHABLE} whom the outer
     *     packet was for; otherwise the sender
     * @param mac of the station that has it
     * @param mss that a SYN-ACK offers
     * @param acknowledged by a SYN-ACK
     */
    record Said(
            ProbeAnswer.Kind kind, int number, boolean isTcp, IpAddress subject, long mac, int mss, int acknowledged) {}

    /**
     * Reads a packet.
     *
     * @param echoId the identifier of this process's echo requests
     */
    static Optional<Said> read(Received received, int echoId) {
        try {
            ByteBuffer bytes = received.bytes();
            return Optional.ofNullable(received.isArp() ? arp(bytes) : ip(bytes, received.mac(), echoId));
        } catch (IndexOutOfBoundsException e) {
            return Optional.empty();
        }
    }

    private static @Nullable Said arp(ByteBuffer bytes) {
        if (bytes.limit() < ARP_BYTES || bytes.getShort(6) != ARP_REPLY || bytes.get(4) != 6 || bytes.get(5) != 4) {
            return null;
        }
        long mac = Short.toUnsignedLong(bytes.getShort(8)) << 32 | Integer.toUnsignedLong(bytes.getInt(10));
        IpAddress sender = IpAddress.ofInet(bytes.getInt(14));
        return new Said(ProbeAnswer.Kind.I_HAVE, 0, false, sender, mac, 0, 0);
    }

    /** Where the parts of an IP packet are. */
    private record Layout(boolean inet6, int l4, int protocol, IpAddress source, IpAddress destination) {
        static @Nullable Layout of(ByteBuffer bytes, int at) {
            boolean inet6 = (bytes.get(at) & 0xff) >>> 4 == 6;
            if (inet6) {
                return new Layout(
                        true,
                        at + Ipv6.HEADER_BYTES,
                        bytes.get(at + Ipv6.NEXT_HEADER) & 0xff,
                        inet6(bytes, at + Ipv6.SOURCE),
                        inet6(bytes, at + Ipv6.DESTINATION));
            }
            boolean first = (bytes.getShort(at + Ipv4.FLAGS_FRAGMENT_OFFSET) & Ipv4.OFFSET_MASK) == 0;
            return first
                    ? new Layout(
                            false,
                            at + (bytes.get(at) & 0xf) * 4,
                            bytes.get(at + Ipv4.PROTOCOL) & 0xff,
                            IpAddress.ofInet(bytes.getInt(at + Ipv4.SOURCE)),
                            IpAddress.ofInet(bytes.getInt(at + Ipv4.DESTINATION)))
                    : null;
        }

        private static IpAddress inet6(ByteBuffer bytes, int at) {
            return IpAddress.ofInet6(bytes.getLong(at), bytes.getLong(at + Long.BYTES));
        }
    }

    private static @Nullable Said ip(ByteBuffer bytes, long mac, int echoId) {
        Layout packet = Layout.of(bytes, 0);
        if (packet == null) {
            return null;
        }
        if (packet.protocol == Transport.TCP) {
            return tcp(bytes, packet, mac);
        }
        int type = bytes.get(packet.l4 + Icmp.TYPE) & 0xff;
        if (type == (packet.inet6 ? Icmp.V6_ECHO_REPLY : Icmp.ECHO_REPLY)) {
            return Short.toUnsignedInt(bytes.getShort(packet.l4 + 4)) == echoId
                    ? new Said(
                            ProbeAnswer.Kind.ECHO_REPLY,
                            Short.toUnsignedInt(bytes.getShort(packet.l4 + 6)),
                            false,
                            packet.source,
                            mac,
                            0,
                            0)
                    : null;
        }
        if (packet.inet6 && type == NEIGHBOUR_ADVERTISEMENT) {
            IpAddress target = Layout.inet6(bytes, packet.l4 + Icmp.HEADER_BYTES);
            return new Said(ProbeAnswer.Kind.I_HAVE, 0, false, target, mac, 0, 0);
        }
        boolean exceeded = type == (packet.inet6 ? Icmp.V6_TIME_EXCEEDED : Icmp.TIME_EXCEEDED);
        boolean unreachable = type == (packet.inet6 ? Icmp.V6_DESTINATION_UNREACHABLE : Icmp.DESTINATION_UNREACHABLE);
        return exceeded || unreachable
                ? error(
                        bytes,
                        packet,
                        exceeded ? ProbeAnswer.Kind.TIME_EXCEEDED : ProbeAnswer.Kind.UNREACHABLE,
                        mac,
                        echoId)
                : null;
    }

    private static Said tcp(ByteBuffer bytes, Layout packet, long mac) {
        int flags = bytes.get(packet.l4 + Transport.TCP_FLAGS) & 0xff;
        int port = Short.toUnsignedInt(bytes.getShort(packet.l4 + Transport.DESTINATION_PORT));
        boolean reset = (flags & Transport.RST) != 0;
        return new Said(
                reset ? ProbeAnswer.Kind.RST : ProbeAnswer.Kind.SYN_ACK,
                port,
                true,
                packet.source,
                mac,
                reset ? 0 : mss(bytes, packet.l4),
                bytes.getInt(packet.l4 + 8));
    }

    private static int mss(ByteBuffer bytes, int l4) {
        int end = l4 + ((bytes.get(l4 + 12) & 0xf0) >>> 2);
        int at = l4 + Transport.TCP_MIN_HEADER_BYTES;
        while (at < end) {
            int kind = bytes.get(at);
            if (kind == 0) {
                return 0;
            }
            if (kind == 1) {
                at++;
                continue;
            }
            if (kind == OPTION_MSS) {
                return Short.toUnsignedInt(bytes.getShort(at + 2));
            }
            at += Math.max(2, bytes.get(at + 1) & 0xff);
        }
        return 0;
    }

    /** What an ICMP error is about stands in its quotation. */
    private static @Nullable Said error(ByteBuffer bytes, Layout packet, ProbeAnswer.Kind kind, long mac, int echoId) {
        Layout quoted = Layout.of(bytes, packet.l4 + Icmp.HEADER_BYTES);
        if (quoted == null) {
            return null;
        }
        return switch (quoted.protocol) {
            case Transport.TCP ->
                new Said(
                        kind,
                        Short.toUnsignedInt(bytes.getShort(quoted.l4 + Transport.SOURCE_PORT)),
                        true,
                        packet.source,
                        mac,
                        0,
                        0);
            case Transport.ICMP, Transport.ICMPV6 ->
                Short.toUnsignedInt(bytes.getShort(quoted.l4 + 4)) == echoId
                        ? new Said(
                                kind,
                                Short.toUnsignedInt(bytes.getShort(quoted.l4 + 6)),
                                false,
                                packet.source,
                                mac,
                                0,
                                0)
                        : null;
            default -> new Said(ProbeAnswer.Kind.TUNNEL_UNREACHABLE, 0, false, quoted.destination, mac, 0, 0);
        };
    }
}
