package dev.sluice.control.doctor.probe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.doctor.probe.ProbeAnswer.Kind;
import dev.sluice.control.doctor.probe.ProbeSocket.Received;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Transport;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is sent, octet by octet where it is short, and by its checksums; and what is understood of answers. */
class FramesTest {
    private static final IpAddress DIRECTOR = IpAddress.parse("10.0.0.2");
    private static final IpAddress REAL = IpAddress.parse("10.0.0.11");
    private static final IpAddress DIRECTOR6 = IpAddress.parse("fd00:51::2");
    private static final IpAddress REAL6 = IpAddress.parse("fd00:51::11");
    private static final long MAC = 0x0251_0000_0002L;
    private static final int ECHO_ID = 0x1234;
    private static final int ETHERNET = 14;

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replaceAll("\\s", ""));
    }

    @Test
    void an_arp_request_is_as_rfc_826_has_it() {
        assertArrayEquals(hex("""
                        ffffffffffff 025100000002 0806
                        0001 0800 06 04 0001 025100000002 0a000002 000000000000 0a00000b
                        """), Frames.whoHas(MAC, DIRECTOR, REAL));
    }

    @Test
    void a_neighbour_solicitation_goes_to_the_solicited_node_address() {
        byte[] frame = Frames.whoHas(MAC, DIRECTOR6, REAL6);
        assertArrayEquals(hex("3333ff000011 025100000002 86dd"), Arrays.copyOf(frame, ETHERNET));
        byte[] packet = Arrays.copyOfRange(frame, ETHERNET, frame.length);
        assertEquals(255, packet[7] & 0xff);
        assertArrayEquals(hex("ff0200000000000000000001ff000011"), Arrays.copyOfRange(packet, 24, 40));
        assertEquals(0, transport(packet, true, Transport.ICMPV6, 40));
    }

    private static int transport(byte[] packet, boolean inet6, int protocol, int l4) {
        return Checksum.transport(MemorySegment.ofArray(packet), 0, inet6, protocol, l4, packet.length - l4);
    }

    @ParameterizedTest
    @ValueSource(ints = {28, 64, 1500, 9001})
    void echo_requests_have_their_length_and_right_checksums(int length) {
        byte[] packet = Frames.echo(DIRECTOR, REAL, ECHO_ID, 7, length, 1);
        assertEquals(length, packet.length);
        assertEquals(0, Checksum.of(MemorySegment.ofArray(packet), 0, 20));
        assertEquals(0, Checksum.of(MemorySegment.ofArray(packet), 20, length - 20));
        assertEquals(0x40, packet[6], "not to be fragmented");
        byte[] packet6 = Frames.echo(DIRECTOR6, REAL6, ECHO_ID, 7, Math.max(length, 48), 1);
        assertEquals(0, transport(packet6, true, Transport.ICMPV6, 40));
    }

    @Test
    void a_syn_has_right_checksums() {
        byte[] syn = Frames.tcp(DIRECTOR, REAL, 61_000, 80, Transport.SYN, 99, 1);
        assertEquals(0, Checksum.of(MemorySegment.ofArray(syn), 0, 20));
        assertEquals(0, transport(syn, false, Transport.TCP, 20));
        assertEquals(1, syn[8]);
        assertEquals(0, transport(Frames.tcp(DIRECTOR6, REAL6, 61_000, 80, 2, 99, 1), true, Transport.TCP, 40));
    }

    @ParameterizedTest
    @CsvSource({
        "IPIP, 0,    NONE, 10.0.0.11,   4,  20",
        "IPIP, 0,    NONE, fd00:51::11, 4,  40",
        "GUE,  6080, CSUM, 10.0.0.11,   17, 32",
        "GUE,  6080, CSUM, fd00:51::11, 17, 52",
        "GRE,  0,    NONE, 10.0.0.11,   47, 24",
        "GRE,  0,    CSUM, 10.0.0.11,   47, 28"
    })
    void tunnels_have_the_outer_headers_of_the_datapath(
            TunnelType type, int port, Tunnel.Checksum checksum, String rip, int protocol, int overhead) {
        IpAddress outer = IpAddress.parse(rip);
        boolean inet6 = rip.contains(":");
        byte[] inner = Frames.echo(DIRECTOR, REAL, ECHO_ID, 7, 64, 1);
        byte[] whole = Frames.encapsulate(inner, new Tunnel(type, port, checksum), inet6 ? DIRECTOR6 : DIRECTOR, outer);
        assertEquals(inner.length + overhead, whole.length);
        assertEquals(protocol, whole[inet6 ? 6 : 9]);
        assertArrayEquals(inner, Arrays.copyOfRange(whole, overhead, whole.length));
        int l4 = inet6 ? 40 : 20;
        if (type == TunnelType.GUE) {
            assertEquals(0, transport(whole, inet6, Transport.UDP, l4));
        }
        if (type == TunnelType.GRE && checksum == Tunnel.Checksum.CSUM) {
            assertEquals(0, Checksum.of(MemorySegment.ofArray(whole), l4, whole.length - l4));
        }
    }

    private static Optional<AnswerReader.Said> read(byte[] packet) {
        return AnswerReader.read(new Received(2, MAC, false, ByteBuffer.wrap(packet)), ECHO_ID);
    }

    private static byte[] turned(byte[] echo, int type) {
        byte[] answer = echo.clone();
        answer[20] = (byte) type;
        return answer;
    }

    @Test
    void answers_are_known_by_their_numbers() {
        byte[] arp = Frames.whoHas(MAC, DIRECTOR, REAL);
        byte[] reply = Arrays.copyOfRange(arp, ETHERNET, arp.length);
        assertTrue(
                AnswerReader.read(new Received(2, MAC, true, ByteBuffer.wrap(reply)), ECHO_ID)
                        .isEmpty(),
                "a request is no answer");
        reply[7] = 2;
        AnswerReader.Said has = AnswerReader.read(new Received(2, 1, true, ByteBuffer.wrap(reply)), ECHO_ID)
                .orElseThrow();
        assertEquals(new AnswerReader.Said(Kind.I_HAVE, 0, false, DIRECTOR, MAC, 0, 0), has);

        byte[] echo = turned(Frames.echo(REAL, DIRECTOR, ECHO_ID, 7, 64, 64), 0);
        assertEquals(
                new AnswerReader.Said(Kind.ECHO_REPLY, 7, false, REAL, MAC, 0, 0),
                read(echo).orElseThrow());
        assertTrue(read(turned(Frames.echo(REAL, DIRECTOR, 1, 7, 64, 64), 0)).isEmpty(), "another's echo");
    }

    @Test
    void a_syn_ack_tells_its_mss_and_what_it_acknowledges() {
        byte[] bare = Frames.tcp(REAL, DIRECTOR, 80, 61_001, Transport.SYN | Transport.ACK, 5, 64);
        byte[] packet = Arrays.copyOf(bare, bare.length + 8);
        packet[32] = 7 << 4;
        ByteBuffer.wrap(packet).putInt(28, 100).put(40, hex("01 01 02 04 05b4 00 00"));
        assertEquals(
                new AnswerReader.Said(Kind.SYN_ACK, 61_001, true, REAL, MAC, 1460, 100),
                read(packet).orElseThrow());
        byte[] reset = Frames.tcp(REAL, DIRECTOR, 80, 61_001, Transport.RST | Transport.ACK, 0, 64);
        assertEquals(Kind.RST, read(reset).orElseThrow().kind());
        for (int length = 0; length < packet.length; length++) {
            // Cut short anywhere it is not understood, or understood as far as it goes; never an error.
            Optional<AnswerReader.Said> ignored = read(Arrays.copyOf(packet, length));
        }
    }

    private static byte[] error(int type, byte[] about) {
        byte[] header = turned(Frames.echo(REAL, DIRECTOR, 0, 0, 28, 64), type);
        byte[] packet = Arrays.copyOf(header, header.length + about.length);
        System.arraycopy(about, 0, packet, header.length, about.length);
        return packet;
    }

    @Test
    void icmp_errors_are_known_by_what_they_quote() {
        byte[] syn = Frames.tcp(DIRECTOR, REAL, 61_002, 80, Transport.SYN, 1, 1);
        AnswerReader.Said exceeded = read(error(11, Arrays.copyOf(syn, 28))).orElseThrow();
        assertEquals(Kind.TIME_EXCEEDED, exceeded.kind());
        assertEquals(61_002, exceeded.number());
        byte[] outer = Frames.encapsulate(syn, Tunnel.IPIP, DIRECTOR, REAL);
        AnswerReader.Said refused = read(error(3, Arrays.copyOf(outer, 28))).orElseThrow();
        assertEquals(Kind.TUNNEL_UNREACHABLE, refused.kind());
        assertEquals(REAL, refused.subject());
    }
}
