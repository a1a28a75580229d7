package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.SequenceCopy;
import dev.sluice.flow.SequenceTable;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is put into segments on the way: the TOA option, the PROXY header, a lower MSS. */
class SegmentEditTest {
    private static final byte[] STAMPS = {1, 1, Tcp.TIMESTAMPS, 10, 0, 0, 0, 9, 0, 0, 0, 88};

    private final SegmentHarness harness = new SegmentHarness();

    private static byte[] concat(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    private static PacketBuilder data(boolean inet6) {
        return SegmentHarness.segment(inet6)
                .tcpFlags(Transport.ACK)
                .tcpNumbers(1000, 2000)
                .tcpOptions(STAMPS)
                .payloadLength(33);
    }

    private int toa(boolean client6, int mtu) {
        var client = client6 ? SegmentHarness.CLIENT6 : SegmentHarness.CLIENT4;
        return Toa.insert(
                harness.umem,
                harness.batch,
                0,
                harness.packet,
                client6 ? Toa.KIND_INET6 : Toa.KIND,
                client6,
                client.high(),
                client.low(),
                SegmentHarness.CPORT,
                mtu);
    }

    private static byte[] option(boolean client6) {
        byte[] address = (client6 ? SegmentHarness.CLIENT6 : SegmentHarness.CLIENT4).toBytes();
        return ByteBuffer.allocate(4 + address.length)
                .put((byte) (client6 ? 253 : 254))
                .put((byte) (4 + address.length))
                .putShort((short) SegmentHarness.CPORT)
                .put(address)
                .array();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void theAddressOptionStandsBeforeTheOthers(int families) {
        boolean inet6 = (families & 1) != 0;
        boolean client6 = (families & 2) != 0;
        harness.put(data(inet6).tag(0x8100, 5).build());
        byte[] payload = harness.payload(0);
        assertEquals(client6 ? 20 : 8, toa(client6, SegmentHarness.MTU));
        harness.assertSound(0);
        assertArrayEquals(concat(option(client6), STAMPS), harness.options());
        assertArrayEquals(payload, harness.payload(0));
        assertArrayEquals(
                Arrays.copyOf(harness.before(), 18),
                Arrays.copyOf(harness.frame(0), 18),
                "the link header moved along");
    }

    @Test
    void theAddressOptionGoesIntoASegmentWithTailsAndExtensionHeaders() {
        byte[] frame = data(true)
                .extension(PacketBuilder.HOP_BY_HOP, 16)
                .payloadLength(1200)
                .build();
        harness.put(frame, 200);
        byte[] payload = harness.payload(0);
        assertEquals(20, toa(true, SegmentHarness.MTU));
        harness.assertSound(0);
        assertArrayEquals(payload, harness.payload(0));
        harness.put(frame, 100);
        assertEquals(Toa.BAD_HEADER, toa(true, SegmentHarness.MTU), "the header is in two frames");
        assertArrayEquals(frame, harness.frame(0));
    }

    @Test
    void theAddressOptionIsRefusedWhereItDoesNotFit() {
        byte[] many = new byte[28];
        Arrays.fill(many, (byte) Tcp.NO_OPERATION);
        harness.put(data(false).tcpOptions(many).build());
        assertEquals(Toa.NO_ROOM, toa(true, SegmentHarness.MTU));
        assertArrayEquals(harness.before(), harness.frame(0));
        assertEquals(8, toa(false, SegmentHarness.MTU));
        harness.put(data(false).tcpOptions(Arrays.copyOf(many, 20)).build());
        assertEquals(20, toa(true, SegmentHarness.MTU), "forty octets of options");
        harness.assertSound(0);
        harness.put(data(false).payloadLength(1500 - 20 - 32 - 7).build());
        assertEquals(Toa.TOO_BIG, toa(false, SegmentHarness.MTU));
        assertArrayEquals(harness.before(), harness.frame(0));
        harness.put(data(false).payloadLength(1500 - 20 - 32 - 8).build());
        assertEquals(8, toa(false, SegmentHarness.MTU));
        harness.assertSound(0);
        harness.put(data(false).tcpHeaderWords(4).build());
        assertEquals(Toa.BAD_HEADER, toa(false, SegmentHarness.MTU));
        harness.put(data(false).fragment(0, true).build());
        assertEquals(Toa.BAD_HEADER, toa(false, SegmentHarness.MTU));
    }

    @Test
    void aWrongChecksumStaysWrong() {
        harness.put(data(false).transportChecksum(0x1234).build());
        int wrong = wrongness();
        toa(false, SegmentHarness.MTU);
        assertEquals(wrong, wrongness());
    }

    private int wrongness() {
        var packet = harness.packet;
        int length = (int) (packet.l3Offset() + packet.ipLengthBytes() - packet.l4Offset());
        return dev.sluice.packet.Checksum.transport(
                harness.umem, packet.l3Offset(), false, Transport.TCP, packet.l4Offset(), length);
    }

    @Test
    void segmentsCarryTheAddressUntilDataIsAcknowledged() {
        SequenceTable table = new SequenceTable(1, Arena.ofAuto());
        SequenceCopy numbers = new SequenceCopy();
        int slot = table.take(1);
        assertTrue(table.read(slot, 1, numbers));
        assertFalse(Toa.isDue(numbers, Transport.ACK, 0), "the server has not answered");
        assertTrue(table.setServerFirst(slot, 1, 5001));
        assertTrue(table.read(slot, 1, numbers));
        assertTrue(Toa.isDue(numbers, Transport.ACK, 5001), "the handshake's last, and the first data");
        assertTrue(Toa.isDue(numbers, Transport.ACK | 0x08, 5001));
        assertFalse(Toa.isDue(numbers, Transport.ACK, 5002), "an octet of the server's was acknowledged");
        assertFalse(Toa.isDue(numbers, Transport.SYN, 5001));
        assertFalse(Toa.isDue(numbers, Transport.ACK | Transport.FIN, 5001));
        assertFalse(Toa.isDue(numbers, Transport.ACK | Transport.RST, 5001));
    }

    private int proxy(boolean inet6, int mtu) {
        var client = inet6 ? SegmentHarness.CLIENT6 : SegmentHarness.CLIENT4;
        var virtual = inet6 ? SegmentHarness.VIP6 : SegmentHarness.VIP4;
        return ProxyHeader.insert(
                harness.umem,
                harness.batch,
                0,
                harness.packet,
                inet6,
                client.high(),
                client.low(),
                SegmentHarness.CPORT,
                virtual.high(),
                virtual.low(),
                SegmentHarness.VPORT,
                mtu);
    }

    private static byte[] proxyHeader(boolean inet6) {
        byte[] client = (inet6 ? SegmentHarness.CLIENT6 : SegmentHarness.CLIENT4).toBytes();
        byte[] virtual = (inet6 ? SegmentHarness.VIP6 : SegmentHarness.VIP4).toBytes();
        return ByteBuffer.allocate(20 + 2 * client.length)
                .put(SegmentHarness.ascii("\r\n\r\n\0\r\nQUIT\n"))
                .put((byte) 0x21)
                .put((byte) (inet6 ? 0x21 : 0x11))
                .putShort((short) (4 + 2 * client.length))
                .put(client)
                .put(virtual)
                .putShort((short) SegmentHarness.CPORT)
                .putShort((short) SegmentHarness.VPORT)
                .array();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theProxyHeaderStandsBeforeThePayload(boolean inet6) {
        harness.put(data(inet6).build());
        byte[] payload = harness.payload(0);
        assertEquals(inet6 ? 52 : 28, proxy(inet6, SegmentHarness.MTU));
        harness.assertSound(0);
        assertArrayEquals(STAMPS, harness.options());
        assertArrayEquals(concat(proxyHeader(inet6), payload), harness.payload(0));
        assertEquals(1000, harness.i32(Tcp.SEQUENCE));
        harness.put(data(inet6).payload().build());
        proxy(inet6, SegmentHarness.MTU);
        harness.assertSound(0);
        assertArrayEquals(proxyHeader(inet6), harness.payload(0), "the handshake's last segment carries it alone");
    }

    @Test
    void theProxyHeaderMovesTheUrgentPointerAndKeepsToTheMtu() {
        byte[] frame = data(false).tcpFlags(Transport.ACK | Tcp.URG).build();
        harness.put(frame);
        Tcp.putU16(harness.umem, harness.packet.l4Offset(), harness.packet.l4Offset() + Tcp.URGENT_POINTER, 5);
        proxy(false, SegmentHarness.MTU);
        harness.assertSound(0);
        assertEquals(33, harness.u16(Tcp.URGENT_POINTER));
        harness.put(data(false).payloadLength(1500 - 52 - 27).build());
        assertEquals(ProxyHeader.TOO_BIG, proxy(false, SegmentHarness.MTU));
        assertArrayEquals(harness.before(), harness.frame(0));
    }

    @Test
    void theProxyHeaderGoesWithWhateverBeginsAtTheFirstOctet() {
        SequenceTable table = new SequenceTable(1, Arena.ofAuto());
        SequenceCopy numbers = new SequenceCopy();
        int slot = table.take(1);
        assertTrue(table.prefix(slot, 1, 999, ProxyHeader.INET_BYTES));
        assertTrue(table.read(slot, 1, numbers));
        assertFalse(ProxyHeader.isDue(numbers, Transport.SYN, 999));
        assertTrue(ProxyHeader.isDue(numbers, Transport.ACK, 1000));
        assertTrue(ProxyHeader.isDue(numbers, Transport.ACK | Transport.FIN, 1000));
        assertFalse(ProxyHeader.isDue(numbers, Transport.RST, 1000));
        assertFalse(ProxyHeader.isDue(numbers, Transport.ACK, 1001));
        assertTrue(table.settle(slot, 1));
        assertTrue(table.read(slot, 1, numbers));
        assertFalse(ProxyHeader.isDue(numbers, Transport.ACK, 1000));
    }

    private void syn(int mss, int padding) {
        byte[] options = new byte[padding + 4];
        Arrays.fill(options, (byte) Tcp.NO_OPERATION);
        options[padding] = Tcp.MSS;
        options[padding + 1] = Tcp.MSS_BYTES;
        options[padding + 2] = (byte) (mss >> 8);
        options[padding + 3] = (byte) mss;
        harness.put(SegmentHarness.segment(false).tcpOptions(options).build());
    }

    private int mss() {
        harness.assertSound(0);
        return Mss.announced(harness.umem, harness.packet.l4Offset(), harness.header());
    }

    @Test
    void theMssIsLoweredWhereverItStands() {
        for (int padding = 0; padding < 4; padding++) {
            syn(1460, padding);
            Mss.lower(harness.umem, harness.packet.l4Offset(), harness.header(), 8);
            assertEquals(1452, mss());
            Mss.clamp(harness.umem, harness.packet.l4Offset(), harness.header(), 1452);
            assertEquals(1452, mss());
            Mss.clamp(harness.umem, harness.packet.l4Offset(), harness.header(), 1300);
            assertEquals(1300, mss());
        }
        syn(30, 0);
        Mss.lower(harness.umem, harness.packet.l4Offset(), harness.header(), 8);
        assertEquals(28, mss(), "something must be left");
        syn(10, 0);
        Mss.lower(harness.umem, harness.packet.l4Offset(), harness.header(), 8);
        assertEquals(10, mss(), "never raised");
        harness.put(SegmentHarness.segment(false).build());
        Mss.lower(harness.umem, harness.packet.l4Offset(), harness.header(), 8);
        assertArrayEquals(harness.before(), harness.frame(0), "no option, no change");
    }
}
