package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Sctp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.service.ClientAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.LocalPool;
import dev.sluice.service.TranslationOptions;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** FULLNAT from clients of one family to real servers of the other, through the whole pipeline; {@code inet6} is the client's. */
class FamilyNatTest extends NatFixture {
    private static final IpAddress INET = IpAddress.parse("10.0.2.1");
    private static final IpAddress INET6 = IpAddress.parse("fd00:3::1");

    @Override
    boolean realInet6(boolean inet6) {
        return !inet6;
    }

    @Override
    ForwardingMethod method() {
        return ForwardingMethod.FULLNAT;
    }

    @Override
    TranslationOptions options() {
        LocalPool pool = new LocalPool(List.of(INET, INET6), LocalPool.FIRST_PORT, LocalPool.LAST_PORT);
        return new TranslationOptions(pool, ClientAddress.NONE, false);
    }

    private byte[] open(int protocol) {
        byte[] out = toReal(0, fromClient(protocol));
        PacketView view = new PacketView();
        assertEquals(PacketParser.OK, PacketParser.parse(MemorySegment.ofArray(out), 0, out.length, view));
        local = (view.inet6() ? INET6 : INET).toString();
        localPort = view.sourcePort();
        return out;
    }

    private static boolean isInet6(String address) {
        return IpAddress.parse(address).family() == AddressFamily.INET6;
    }

    @ParameterizedTest
    @CsvSource({"false, 1", "true, 1", "false, 2", "true, 2"})
    void bothWaysWhateverQueueRepliesComeBy(boolean inet6, int number) {
        start(inet6, number);
        int other = number - 1;
        Random random = new Random(7);
        for (int protocol : new int[] {Transport.TCP, Transport.UDP}) {
            open(protocol);
            for (int bytes = 0; bytes < 20; bytes++) {
                byte[] payload = new byte[bytes * bytes];
                random.nextBytes(payload);
                byte[] out = toReal(
                        0,
                        fromClient(protocol)
                                .tcpFlags(Transport.ACK)
                                .trafficClass(bytes)
                                .padding(7)
                                .payload(payload));
                judge(out, protocol, local, localPort, real, 8080);
                byte[] expected = packet(protocol, local, localPort, real, 8080)
                        .macs(Harness.DIRECTOR_MAC, REAL_MAC)
                        .tcpFlags(Transport.ACK)
                        .trafficClass(bytes)
                        .payload(payload)
                        .ttl(63)
                        .build();
                assertArrayEquals(unnumbered(expected), unnumbered(out));
                out = toClient(other, fromReal(protocol).tcpFlags(Transport.ACK).payload(payload));
                judge(out, protocol, virtual, 80, client, 4001);
            }
        }
        assertEquals(2, workers.get(0).flows.size());
        assertEquals(40, workers.get(other).counters.get(Counter.REPLY_HIT));
        // As they came.
        assertEquals(
                19 * 20 * 39 / 6 + 20 * (inet6 ? 48 : 28) + (inet6 ? 48 : 28),
                workers.get(0).counters.serviceBytes(1));
    }

    /** Without the identification, which is the director's to choose. */
    private static byte[] unnumbered(byte[] frame) {
        byte[] copy = frame.clone();
        if (copy[12] == 8) {
            Arrays.fill(copy, 14 + 4, 14 + 6, (byte) 0);
            Arrays.fill(copy, 14 + 10, 14 + 12, (byte) 0);
        }
        return copy;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void checksumsOfSctp(boolean inet6) {
        start(inet6, 1);
        byte[] chunk = new byte[100];
        new Random(9).nextBytes(chunk);
        chunk[0] = Sctp.INIT;
        byte[] out = sent(
                0, withCrc(fromClient(Transport.SCTP).payload(chunk).build(), inet6), CLIENT_PORT_ID, REAL_PORT_ID);
        local = (inet6 ? INET : INET6).toString();
        localPort = Wire.u16(MemorySegment.ofArray(out), 14 + (inet6 ? 20 : 40));
        judge(out, Transport.SCTP, local, localPort, real, 8080);
        chunk[0] = Sctp.INIT_ACK;
        byte[] in = withCrc(fromReal(Transport.SCTP).payload(chunk).build(), !inet6);
        judge(sent(0, in, REAL_PORT_ID, CLIENT_PORT_ID), Transport.SCTP, virtual, 80, client, 4001);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 17, 100})
    void aDatagramWithoutChecksumGetsOneBothWays(int bytes) {
        byte[] payload = new byte[bytes];
        new Random(bytes).nextBytes(payload);
        start(false, 1);
        open(Transport.UDP);
        PacketBuilder packet = fromClient(Transport.UDP).payload(payload).transportChecksum(0);
        judge(toReal(0, packet), Transport.UDP, local, localPort, real, 8080);
        workers.clear();
        start(true, 1);
        open(Transport.UDP);
        packet = fromReal(Transport.UDP).payload(payload).transportChecksum(0);
        judge(toClient(0, packet), Transport.UDP, virtual, 80, client, 4001);
    }

    @ParameterizedTest
    @CsvSource({"false, 1", "true, 1", "false, 2", "true, 2"})
    void fragmentsOfBothWaysComeTogether(boolean inet6, int number) {
        start(inet6, number);
        byte[] payload = new byte[2000];
        new Random(5).nextBytes(payload);
        open(Transport.UDP);
        for (boolean reply : new boolean[] {false, true}) {
            List<byte[]> pieces = (reply ? fromReal(Transport.UDP) : fromClient(Transport.UDP))
                    .payload(payload)
                    .buildFragments(600, 0x12345);
            byte[] whole = (reply
                            ? packet(Transport.UDP, virtual, 80, client, 4001)
                            : packet(Transport.UDP, local, localPort, real, 8080))
                    .payload(payload)
                    .ttl(63)
                    .build();
            Pieces together = new Pieces();
            for (int i = 0; i < pieces.size(); i++) {
                // The later ones by another queue than the first.
                byte[] out = sent(
                        i == 0 ? 0 : number - 1,
                        pieces.get(i),
                        reply ? REAL_PORT_ID : CLIENT_PORT_ID,
                        reply ? CLIENT_PORT_ID : REAL_PORT_ID);
                together.add(out);
            }
            assertEquals(0x2345, together.id & 0xffff);
            byte[] out = together.whole();
            System.arraycopy(out, 0, whole, 0, 12);
            assertArrayEquals(unnumbered(whole), unnumbered(out));
        }
    }

    /** Puts the pieces of a datagram together again. */
    private static final class Pieces {
        private final byte[] payload = new byte[65536];
        private byte[] first = {};
        private int end;
        private int covered;
        private int id;

        void add(byte[] frame) {
            MemorySegment segment = MemorySegment.ofArray(frame);
            boolean inet6 = frame[12] != 8;
            int header = inet6 ? 48 : 20;
            int field = Wire.u16(segment, inet6 ? 14 + 40 + 2 : 14 + 6);
            int offset = inet6 ? field & 0xfff8 : (field & 0x1fff) * 8;
            boolean more = (inet6 ? field & 1 : field & 0x2000) != 0;
            int length = (inet6 ? Wire.u16(segment, 14 + 4) + 40 : Wire.u16(segment, 14 + 2)) - header;
            assertEquals(14 + header + length, frame.length);
            id = inet6 ? Wire.i32(segment, 14 + 44) : Wire.u16(segment, 14 + 4);
            System.arraycopy(frame, 14 + header, payload, offset, length);
            if (!inet6) {
                assertEquals(0, Checksum.of(segment, 14, 20));
            }
            covered += length;
            end = more ? end : offset + length;
            first = offset == 0 ? frame : first;
        }

        byte[] whole() {
            assertEquals(end, covered);
            boolean inet6 = first[12] != 8;
            byte[] frame = Arrays.copyOf(first, 14 + (inet6 ? 40 : 20) + end);
            MemorySegment segment = MemorySegment.ofArray(frame);
            if (inet6) {
                frame[14 + 6] = first[14 + 40];
                Wire.putU16(segment, 14 + 4, end);
            } else {
                Wire.putU16(segment, 14 + 2, 20 + end);
                Wire.putU16(segment, 14 + 6, 0);
                Wire.putU16(segment, 14 + 10, 0);
                Wire.putU16(segment, 14 + 10, Checksum.of(segment, 14, 20));
            }
            System.arraycopy(payload, 0, frame, 14 + (inet6 ? 40 : 20), end);
            return frame;
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void errorsAreTranslatedBothWays(boolean inet6) {
        start(inet6, 1);
        open(Transport.TCP);
        // A router before the real server, about what the director sent there.
        byte[] quoted = packet(Transport.TCP, local, localPort, real, 8080).build();
        byte[] out = sent(0, error(inet6 ? "192.0.2.254" : "fd00:2::fe", local, quoted), REAL_PORT_ID, CLIENT_PORT_ID);
        byte[] asSent = packet(Transport.TCP, client, 4001, virtual, 80).build();
        judgeError(out, virtual, client, asSent, inet6 ? 1420 : 1380);
        // A router before the client, about what the director sent there.
        quoted = packet(Transport.TCP, virtual, 80, client, 4001).build();
        out = sent(0, error(inet6 ? "2001:db8:8::fe" : "10.8.0.254", virtual, quoted), CLIENT_PORT_ID, REAL_PORT_ID);
        asSent = packet(Transport.TCP, real, 8080, local, localPort).build();
        judgeError(out, local, real, asSent, inet6 ? 1380 : 1420);
        assertEquals(2, workers.get(0).counters.get(Counter.ICMP_RELAYED));
    }

    private static byte[] error(String from, String to, byte[] quotedFrame) {
        boolean inet6 = isInet6(to);
        return PacketBuilder.ethernet()
                .ip(IpAddress.parse(from), IpAddress.parse(to))
                .icmp(inet6 ? 2 : 3, inet6 ? 0 : 4, 1400)
                .payload(Arrays.copyOfRange(quotedFrame, 14, quotedFrame.length))
                .build();
    }

    private static void judgeError(byte[] out, String from, String to, byte[] quotedFrame, int mtu) {
        boolean inet6 = isInet6(to);
        byte[] expected = PacketBuilder.ethernet()
                .ip(IpAddress.parse(from), IpAddress.parse(to))
                .icmp(inet6 ? 2 : 3, inet6 ? 0 : 4, mtu)
                .payload(Arrays.copyOfRange(quotedFrame, 14, quotedFrame.length))
                .ttl(63)
                .build();
        System.arraycopy(out, 0, expected, 0, 12);
        assertArrayEquals(unnumbered(expected), unnumbered(out));
    }

    /** What does not fit by how much it grows, or that it shrinks. */
    @ParameterizedTest
    @CsvSource({"false, 1480, 0", "false, 1481, 1480", "true, 1520, 0", "true, 1521, 1520"})
    void theSenderIsToldInItsFamily(boolean inet6, int length, int told) {
        start(inet6, 1);
        open(Transport.TCP);
        int payload = length - (inet6 ? 60 : 40);
        PacketBuilder builder =
                fromClient(Transport.TCP).tcpFlags(Transport.ACK).payloadLength(payload);
        byte[] packet = (inet6 ? builder : builder.dontFragment()).build();
        if (told == 0) {
            byte[] out = sent(0, packet, CLIENT_PORT_ID, REAL_PORT_ID);
            assertEquals(1514, out.length);
            judge(out, Transport.TCP, local, localPort, real, 8080);
        } else {
            judgeTooBig(sent(0, packet, CLIENT_PORT_ID, CLIENT_PORT_ID), inet6, told, client);
        }
        // Replies, by a way to the client that takes less.
        snapshot = snapshot(1300, method());
        payload = 1300 + (inet6 ? -60 : -40) + 1;
        builder = fromReal(Transport.TCP).tcpFlags(Transport.ACK).payloadLength(payload);
        packet = (inet6 ? builder.dontFragment() : builder).build();
        judgeTooBig(sent(0, packet, REAL_PORT_ID, REAL_PORT_ID), !inet6, inet6 ? 1280 : 1320, real);
        judge(
                toClient(0, fromReal(Transport.TCP).tcpFlags(Transport.ACK).payloadLength(payload - 1)),
                Transport.TCP,
                virtual,
                80,
                client,
                4001);
    }

    private static void judgeTooBig(byte[] answer, boolean inet6, int mtu, String to) {
        MemorySegment segment = MemorySegment.ofArray(answer);
        long icmp = 14L + (inet6 ? 40 : 20);
        assertEquals(inet6 ? 0x0200 : 0x0304, Wire.u16(segment, icmp));
        assertEquals(mtu, Wire.i32(segment, icmp + 4));
        assertEquals(inet6 ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4, Wire.u16(segment, 12));
        // It quotes what was sent.
        assertEquals(
                IpAddress.parse(to).low(), inet6 ? Wire.i64(segment, icmp + 16 + 8) : Wire.u32(segment, icmp + 20));
    }

    @ParameterizedTest
    @CsvSource({"1473, 2, true", "1473, 2, false", "4000, 3, true", "3000, 3, false"})
    void whatMayBeFragmentedIs(int bytes, int pieces, boolean summed) {
        start(false, 1);
        open(Transport.UDP);
        Harness harness = workers.get(0);
        byte[] payload = new byte[bytes];
        new Random(bytes).nextBytes(payload);
        PacketBuilder packet = fromClient(Transport.UDP)
                .payload(payload)
                .identification(0xbeef)
                .tag(PacketBuilder.ETHERTYPE_8021Q, 5);
        harness.put(0, (summed ? packet : packet.transportChecksum(0)).build());
        harness.process(snapshot, 1, CLIENT_PORT_ID, nowMs);
        assertEquals(pieces, harness.batch.count());
        Pieces together = new Pieces();
        for (int i = 0; i < pieces; i++) {
            assertEquals(REAL_PORT_ID, harness.egress[i]);
            byte[] piece = harness.get(i);
            assertEquals(true, piece.length <= 1514, "too large");
            together.add(piece);
        }
        assertEquals(0xbeef, together.id);
        judge(together.whole(), Transport.UDP, local, localPort, real, 8080);
        assertEquals(pieces - 1, harness.counters.get(Counter.FRAGMENT_MADE));
        assertEquals(1, harness.counters.get(Counter.FRAGMENTED));
        assertEquals(28 + 28 + bytes, harness.counters.serviceBytes(1));
    }

    @Test
    void aPacketWithTailsIsTranslatedAndFragmented() {
        start(false, 1);
        open(Transport.UDP);
        Harness harness = workers.get(0);
        byte[] payload = new byte[3001];
        new Random(3).nextBytes(payload);
        byte[] frame =
                fromClient(Transport.UDP).payload(payload).transportChecksum(0).build();
        putInThree(harness, frame);
        harness.pipeline.process(snapshot, harness.batch, CLIENT_PORT_ID, nowMs);
        assertEquals(Batch.DROPPED, harness.egress[0]);
        Pieces together = new Pieces();
        for (int i = 1; i < harness.batch.count(); i++) {
            assertEquals(REAL_PORT_ID, harness.egress[i]);
            together.add(harness.get(i));
        }
        judge(together.whole(), Transport.UDP, local, localPort, real, 8080);
        assertEquals(2, harness.counters.get(Counter.FRAGMENT_MADE));

        frame = Arrays.copyOf(fromReal(Transport.UDP).payload(payload).build(), 14 + 48 + 3001);
        snapshot = snapshot(9000, method());
        putInThree(harness, frame);
        harness.pipeline.process(snapshot, harness.batch, REAL_PORT_ID, nowMs);
        assertEquals(CLIENT_PORT_ID, harness.egress[0]);
        byte[] out = new byte[frame.length - 20];
        byte[] head = harness.get(0);
        System.arraycopy(frame, 20, out, 0, out.length);
        System.arraycopy(head, 0, out, 0, head.length);
        judge(out, Transport.UDP, virtual, 80, client, 4001);
    }

    private static void putInThree(Harness harness, byte[] frame) {
        // Cut at odd places.
        int[] cuts = {0, 301, 1602, frame.length};
        harness.batch.clear();
        for (int i = 0; i < 3; i++) {
            byte[] part = Arrays.copyOfRange(frame, cuts[i], cuts[i + 1]);
            long at = Harness.slot(i) + 256;
            MemorySegment.copy(part, 0, harness.umem, ValueLayout.JAVA_BYTE, at, part.length);
            if (i == 0) {
                harness.batch.add(at, part.length);
            } else {
                harness.batch.addTail(at, part.length);
            }
        }
        while (harness.batch.spares() < 16) {
            harness.batch.putSpare(Harness.slot(10 + harness.batch.spares()) + 256);
        }
    }

    /** 1280 octets of IPv6 always go through. */
    @Test
    void smallInet6PacketsAreFragmentedAsInet() {
        start(true, 1);
        open(Transport.UDP);
        snapshot = snapshot(1500, method());
        byte[] payload = new byte[1280 - 48];
        new Random(1).nextBytes(payload);
        Harness harness = workers.get(0);
        ForwardingSnapshot narrow = realMtu(600);
        harness.put(0, fromClient(Transport.UDP).payload(payload).build());
        harness.process(narrow, 1, CLIENT_PORT_ID, nowMs);
        assertEquals(3, harness.batch.count());
        Pieces together = new Pieces();
        for (int i = 0; i < 3; i++) {
            assertEquals(REAL_PORT_ID, harness.egress[i]);
            together.add(harness.get(i));
        }
        judge(together.whole(), Transport.UDP, local, localPort, real, 8080);
        byte[] large = fromClient(Transport.UDP).payloadLength(1280 - 47).build();
        harness.put(0, large);
        harness.process(narrow, 1, CLIENT_PORT_ID, nowMs);
        assertEquals(CLIENT_PORT_ID, harness.egress[0]);
        judgeTooBig(harness.get(0), true, 1280, client);
    }

    private ForwardingSnapshot realMtu(int mtuBytes) {
        realMtu = mtuBytes;
        return snapshot(1500, method());
    }

    private void dropped(Counter reason, byte[] frame, int ingress) {
        Harness harness = workers.get(0);
        long before = harness.counters.get(reason);
        harness.put(0, frame);
        harness.process(snapshot, 1, ingress, nowMs);
        assertEquals(Batch.DROPPED, harness.egress[0]);
        assertEquals(before + 1, harness.counters.get(reason));
    }

    @Test
    void whatHasNoCounterpartIsDroppedByReason() {
        start(false, 1);
        open(Transport.UDP);
        byte[] route = {(byte) 131, 7, 4, 10, 0, 0, 1, 0};
        dropped(
                Counter.FAMILY_HEADER,
                fromClient(Transport.UDP).ipOptions(route).build(),
                CLIENT_PORT_ID);
        byte[] done = route.clone();
        done[2] = 8;
        judge(toReal(0, fromClient(Transport.UDP).ipOptions(done)), Transport.UDP, local, localPort, real, 8080);
        List<byte[]> pieces = fromClient(Transport.UDP)
                .payloadLength(1000)
                .transportChecksum(0)
                .buildFragments(504, 9);
        dropped(Counter.FAMILY_UDP_FRAGMENT, pieces.get(0), CLIENT_PORT_ID);
        byte[] quoted = packet(Transport.UDP, virtual, 80, client, 4001).buildPacket();
        PacketBuilder precedence = PacketBuilder.ethernet()
                .ip(IpAddress.parse("10.8.0.254"), IpAddress.parse(virtual))
                .icmp(3, 14, 0)
                .payload(quoted);
        dropped(Counter.FAMILY_ICMP, precedence.build(), CLIENT_PORT_ID);

        byte[] routing = new byte[24];
        routing[1] = 2;
        routing[3] = 1;
        dropped(
                Counter.FAMILY_HEADER,
                fromReal(Transport.UDP)
                        .extension(PacketBuilder.ROUTING, routing)
                        .build(),
                REAL_PORT_ID);
        dropped(
                Counter.FAMILY_HEADER,
                fromReal(Transport.UDP)
                        .extension(PacketBuilder.AUTHENTICATION, 16)
                        .build(),
                REAL_PORT_ID);
        dropped(
                Counter.FAMILY_HEADER,
                fromReal(Transport.UDP)
                        .fragmentHeader(0, true, 5)
                        .extension(PacketBuilder.DESTINATION_OPTIONS, 8)
                        .payloadLength(8)
                        .build(),
                REAL_PORT_ID);
        routing[3] = 0;
        judge(
                toClient(
                        0,
                        fromReal(Transport.UDP)
                                .extension(PacketBuilder.HOP_BY_HOP, 16)
                                .extension(PacketBuilder.ROUTING, routing)
                                .fragmentHeader(0, false, 5)),
                Transport.UDP,
                virtual,
                80,
                client,
                4001);
    }

    @Test
    void piecesOfSctpAreDropped() {
        start(true, 1);
        byte[] chunk = new byte[600];
        chunk[0] = Sctp.INIT;
        dropped(
                Counter.NAT_SCTP_FRAGMENT,
                fromClient(Transport.SCTP).payload(chunk).buildFragments(304, 9).get(0),
                CLIENT_PORT_ID);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void ttlsRunOutInTheSendersFamily(boolean inet6) {
        start(inet6, 1);
        open(Transport.TCP);
        byte[] answer = sent(0, fromClient(Transport.TCP).ttl(1).build(), CLIENT_PORT_ID, CLIENT_PORT_ID);
        assertEquals(inet6 ? 3 : 11, answer[14 + (inet6 ? 40 : 20)]);
        answer = sent(0, fromReal(Transport.TCP).ttl(1).build(), REAL_PORT_ID, REAL_PORT_ID);
        assertEquals(inet6 ? 11 : 3, answer[14 + (inet6 ? 20 : 40)]);
    }

    /** RFC 2428: the reply to EPSV names a port and no address. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void passiveFtp(boolean inet6) {
        virtualPort = 21;
        start(inet6, 1);
        open(Transport.TCP);
        byte[] reply = "229 Entering Extended Passive Mode (|||50000|)\r\n".getBytes(StandardCharsets.US_ASCII);
        byte[] out = toClient(
                0,
                fromReal(Transport.TCP)
                        .tcpFlags(Transport.ACK)
                        .tcpNumbers(100, 2)
                        .payload(reply));
        judge(out, Transport.TCP, virtual, 21, client, 4001);
        assertArrayEquals(reply, Arrays.copyOfRange(out, out.length - reply.length, out.length));
        byte[] data = packet(Transport.TCP, client, 4002, virtual, 50_000).build();
        out = sent(0, data, CLIENT_PORT_ID, REAL_PORT_ID);
        int ip = inet6 ? 20 : 40;
        int dataPort = Wire.u16(MemorySegment.ofArray(out), 14 + ip);
        judge(out, Transport.TCP, local, dataPort, real, 50_000);
        data = packet(Transport.TCP, real, 50_000, local, dataPort)
                .tcpFlags(Transport.SYN | Transport.ACK)
                .build();
        judge(sent(0, data, REAL_PORT_ID, CLIENT_PORT_ID), Transport.TCP, virtual, 50_000, client, 4002);
    }
}
