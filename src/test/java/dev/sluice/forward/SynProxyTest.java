package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.SequenceCopy;
import dev.sluice.flow.SequenceTable;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.schedule.HashKey;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SynProxyTest {
    private static final HashKey KEY = new HashKey(0x0123456789abcdefL, 0x55);
    private static final long NOW_MS = 123_456_789;
    private static final int ISN = 0xffff_ffff;
    private static final int TAG = 5;
    private static final int INGRESS = 3;
    private static final IpAddress RIP4 = IpAddress.parse("10.0.0.2");
    private static final IpAddress RIP6 = IpAddress.parse("2001:db8:3::2");
    /** As Linux sends them: MSS 1400, SACK permitted, timestamps, window scale 9. */
    private static final byte[] LINUX = ByteBuffer.allocate(20)
            .putInt(0x02040578)
            .putInt(0x0402080a)
            .putInt(777)
            .putInt(0)
            .putInt(0x01030309)
            .array();

    private final SegmentHarness harness = new SegmentHarness();
    private final SynCookie cookies = new SynCookie(KEY);
    private SynProxy proxy = new SynProxy(harness.umem, cookies, SynProxyPolicy.DEFAULT);
    private final SequenceTable table = new SequenceTable(2, Arena.ofAuto());
    private final SequenceCopy numbers = new SequenceCopy();
    private final int slot = table.take(TAG);

    private static byte[] syn(boolean inet6, int flags, byte... options) {
        return SegmentHarness.segment(inet6)
                .tag(0x8100, 7)
                .tcpFlags(flags)
                .tcpNumbers(ISN & 0xffff_ffffL, 0)
                .tcpOptions(options)
                .padding(6)
                .build();
    }

    private void answer(byte[] syn) {
        harness.put(syn);
        assertTrue(proxy.answerSyn(harness.batch, 0, harness.packet, INGRESS, 8, NOW_MS));
        assertEquals(INGRESS, harness.batch.egress(0));
        harness.parse(0);
        harness.assertSound(0);
    }

    /** The client's segment behind the SYN-ACK just parsed. */
    private byte[] ack(boolean inet6, int sequence, int cookie, byte... options) {
        return SegmentHarness.segment(inet6)
                .tag(0x8100, 7)
                .tcpFlags(Transport.ACK)
                .tcpNumbers(sequence & 0xffff_ffffL, cookie + 1 & 0xffff_ffffL)
                .tcpOptions(options)
                .payloadLength(3)
                .build();
    }

    private static byte[] stamps(int value, int echo) {
        return ByteBuffer.allocate(12)
                .putInt(0x0101080a)
                .putInt(value)
                .putInt(echo)
                .array();
    }

    private long option(int kind) {
        return Tcp.findOption(harness.umem, harness.packet.l4Offset(), harness.header(), kind);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aSynIsAnsweredInPlace(boolean inet6) {
        answer(syn(inet6, Transport.SYN, LINUX));
        PacketView packet = harness.packet;
        IpAddress client = inet6 ? SegmentHarness.CLIENT6 : SegmentHarness.CLIENT4;
        assertEquals(client.low(), packet.destinationLow());
        assertEquals(client.high(), packet.destinationHigh());
        assertEquals(SegmentHarness.CPORT, packet.destinationPort());
        assertEquals(SegmentHarness.VPORT, packet.sourcePort());
        assertEquals(18, packet.l2LengthBytes());
        assertEquals(Transport.SYN | Transport.ACK, harness.flags());
        assertEquals(ISN + 1, harness.i32(Tcp.ACKNOWLEDGEMENT));
        assertEquals(0, harness.u16(Tcp.WINDOW), "the client waits for the server");
        int mss = inet6 ? 1432 : 1452;
        int stamp = SynCookie.timestamp(NOW_MS, 9 | SynCookie.SACK);
        assertArrayEquals(
                ByteBuffer.allocate(20)
                        .putInt(0x02040000 | mss)
                        .putInt(0x0402080a)
                        .putInt(stamp)
                        .putInt(777)
                        .putInt(0x01030307)
                        .array(),
                harness.options());
        byte[] before = harness.before();
        byte[] after = harness.frame(0);
        for (int i = 0; i < 6; i++) {
            assertEquals(before[i], after[6 + i], "back to the station it came from");
            assertEquals(before[6 + i], after[i]);
        }
        assertEquals(18 + (inet6 ? 40 : 20) + 40, after.length, "no padding, nothing else");
    }

    @Test
    void headersBetweenAndOptionsOfIpDoNotComeBack() {
        answer(SegmentHarness.segment(true)
                .extension(PacketBuilder.HOP_BY_HOP, 16)
                .tcpOptions(LINUX)
                .payloadLength(100)
                .build());
        assertEquals(40 + 40, harness.packet.ipLengthBytes());
        answer(SegmentHarness.segment(false)
                .ipOptions((byte) 1, (byte) 1)
                .tcpOptions(LINUX)
                .build());
        assertEquals(20 + 40, harness.packet.ipLengthBytes());
        assertTrue(harness.packet.dontFragment());
    }

    @Test
    void onlyWhatTheClientOffersIsAgreedTo() {
        answer(syn(false, Transport.SYN));
        assertArrayEquals(new byte[] {2, 4, 5, (byte) 0xac}, harness.options());
        answer(syn(false, Transport.SYN, (byte) 4, (byte) 2, (byte) 3, (byte) 3, (byte) 9, (byte) 0));
        assertEquals(4, harness.options().length, "without timestamps there is no room to remember it");
        answer(syn(false, Transport.SYN, stamps(1, 0)));
        assertEquals(Tcp.NONE, option(Tcp.SACK_PERMITTED));
        assertEquals(Tcp.NONE, option(Tcp.WINDOW_SCALE));
        answer(syn(false, Transport.SYN | Tcp.ECE | Tcp.CWR, stamps(1, 0)));
        assertEquals(Transport.SYN | Transport.ACK | Tcp.ECE, harness.flags());
        answer(syn(false, Transport.SYN | Tcp.ECE, stamps(1, 0)));
        assertEquals(Transport.SYN | Transport.ACK, harness.flags());
        proxy = new SynProxy(harness.umem, cookies, new SynProxyPolicy(1400, 1300, 7, true, false, true));
        answer(syn(false, Transport.SYN | Tcp.ECE | Tcp.CWR, LINUX));
        assertArrayEquals(new byte[] {2, 4, 5, 0x70}, harness.options());
        assertEquals(Transport.SYN | Transport.ACK, harness.flags());
        harness.put(SegmentHarness.segment(false).tcpHeaderWords(15).build());
        assertFalse(proxy.answerSyn(harness.batch, 0, harness.packet, INGRESS, 0, NOW_MS));
        assertArrayEquals(harness.before(), harness.frame(0));
    }

    @Test
    void aTimestampCarriesOptionsAndIsNotAheadOfTheClock() {
        for (long now = NOW_MS; now < NOW_MS + 200; now++) {
            for (int options = 0; options < 64; options++) {
                int stamp = SynCookie.timestamp(now, options);
                assertEquals(options, SynCookie.options(stamp));
                assertTrue(stamp <= now && stamp > now - 128);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theAcknowledgementBecomesTheClientsSynAgain(boolean inet6) {
        answer(syn(inet6, Transport.SYN | Tcp.ECE | Tcp.CWR, LINUX));
        int cookie = harness.i32(Tcp.SEQUENCE);
        int stamp = Wire.i32(harness.umem, option(Tcp.TIMESTAMPS) + 2);
        harness.put(ack(inet6, ISN + 1, cookie, stamps(800, stamp)));
        int window = harness.u16(Tcp.WINDOW);
        assertTrue(proxy.openServer(harness.batch, 0, harness.packet, ISN, NOW_MS + 59_000));
        harness.parse(0);
        harness.assertSound(0);
        assertEquals(Transport.SYN | Tcp.ECE | Tcp.CWR, harness.flags());
        assertEquals(ISN, harness.i32(Tcp.SEQUENCE));
        assertEquals(0, harness.i32(Tcp.ACKNOWLEDGEMENT));
        assertEquals(Math.min(window << 9, 0xffff), harness.u16(Tcp.WINDOW));
        assertEquals(0, harness.payload(0).length);
        assertArrayEquals(
                ByteBuffer.allocate(20)
                        .putInt(0x02040564)
                        .putInt(0x0402080a)
                        .putInt(800)
                        .putInt(0)
                        .putInt(0x01030309)
                        .array(),
                harness.options(),
                "1400 is told as 1380");
        IpAddress client = inet6 ? SegmentHarness.CLIENT6 : SegmentHarness.CLIENT4;
        assertEquals(client.low(), harness.packet.sourceLow());
        assertEquals(SegmentHarness.CPORT, harness.packet.sourcePort());
    }

    @Test
    void aCookieOfAnotherConnectionOrTimeIsNone() {
        answer(syn(false, Transport.SYN, LINUX));
        int cookie = harness.i32(Tcp.SEQUENCE);
        assertTrue(opens(ack(false, ISN + 1, cookie), ISN, NOW_MS));
        assertEquals(4, harness.options().length, "no timestamps, no options");
        assertFalse(opens(ack(false, ISN + 1, cookie + 16), ISN, NOW_MS));
        assertFalse(opens(ack(false, ISN + 9, cookie), ISN + 8, NOW_MS));
        assertTrue(opens(ack(false, ISN, cookie), ISN, NOW_MS), "a window probe, with the number from the table");
        assertFalse(opens(ack(false, ISN + 1, cookie), ISN, NOW_MS + 120_000));
        assertFalse(opens(ack(false, ISN + 1, cookie), ISN, NOW_MS - 60_000));
        proxy = new SynProxy(harness.umem, new SynCookie(new HashKey(1, 2)), SynProxyPolicy.DEFAULT);
        assertFalse(opens(ack(false, ISN + 1, cookie), ISN, NOW_MS));
    }

    private boolean opens(byte[] frame, int clientInitial, long nowMs) {
        harness.put(frame);
        boolean opened = proxy.openServer(harness.batch, 0, harness.packet, clientInitial, nowMs);
        if (opened) {
            harness.parse(0);
            harness.assertSound(0);
        } else {
            assertArrayEquals(frame, harness.frame(0));
        }
        return opened;
    }

    @Test
    void cookiesAreNotGuessedAndTellSizes() {
        Random random = new Random(9);
        harness.put(syn(false, Transport.SYN));
        PacketView packet = harness.packet;
        int minute = SynCookie.minute(NOW_MS);
        for (int i = 0; i < 2_000_000; i++) {
            assertEquals(SynCookie.INVALID, cookies.check(packet, ISN, random.nextInt(), minute));
        }
        Set<Integer> seen = new HashSet<>();
        for (int announced = 1; announced < 10_000; announced++) {
            int size = cookies.check(packet, ISN, cookies.make(packet, ISN, announced, minute), minute);
            assertEquals(SynCookie.size(announced), size);
            assertTrue(size <= announced || size == 536);
            seen.add(size);
        }
        assertEquals(8, seen.size());
        // As the minute's octet turns over.
        for (int now = 0xfe; now < 0x103; now++) {
            int cookie = cookies.make(packet, ISN, 1460, now);
            assertEquals(1460, cookies.check(packet, ISN, cookie, now));
            assertEquals(1460, cookies.check(packet, ISN, cookie, now + 1));
            assertEquals(SynCookie.INVALID, cookies.check(packet, ISN, cookie, now + 2));
        }
    }

    private byte[] synAck(boolean inet6, int serverInitial, int acknowledgement, byte... options) {
        IpAddress rip = inet6 ? RIP6 : RIP4;
        IpAddress client = inet6 ? SegmentHarness.CLIENT6 : SegmentHarness.CLIENT4;
        return PacketBuilder.tcp(rip, 80, client, SegmentHarness.CPORT)
                .tcpFlags(Transport.SYN | Transport.ACK)
                .tcpNumbers(serverInitial & 0xffff_ffffL, acknowledgement & 0xffff_ffffL)
                .tcpOptions(options)
                .build();
    }

    private int accept(byte[] synAck) {
        harness.put(synAck);
        assertTrue(table.read(slot, TAG, numbers));
        return proxy.acceptServer(harness.batch, 0, harness.packet, INGRESS, table, slot, TAG, numbers, NOW_MS + 20);
    }

    private static byte[] serverOptions(int scale) {
        return ByteBuffer.allocate(20)
                .putInt(0x020405b4)
                .putInt(0x0402080a)
                .putInt(9_000)
                .putInt(800)
                .putInt(0x01030300 | scale)
                .array();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theServersAnswerOpensBothSides(boolean inet6) {
        answer(syn(inet6, Transport.SYN, LINUX));
        int cookie = harness.i32(Tcp.SEQUENCE);
        int stamp = Wire.i32(harness.umem, option(Tcp.TIMESTAMPS) + 2);
        harness.put(ack(inet6, ISN + 1, cookie, stamps(800, stamp)));
        int kept = proxy.keptOptions(harness.packet.l4Offset(), harness.header());
        assertTrue(table.awaitServer(slot, TAG, ISN, cookie, 502, kept));

        assertEquals(-1, accept(synAck(inet6, 4000, ISN + 2, serverOptions(5))), "acknowledges something else");
        assertEquals(-1, accept(synAck(inet6, 4000, ISN + 1, serverOptions(5))), "no spare frame");
        assertTrue(table.read(slot, TAG, numbers));
        assertTrue(numbers.awaitsServer());
        harness.spare();
        int added = accept(synAck(inet6, 4000, ISN + 1, serverOptions(5)));
        assertEquals(1, added);
        assertTrue(table.read(slot, TAG, numbers));
        assertFalse(numbers.awaitsServer());

        // The one for the client, whose numbers are then translated.
        harness.parse(0);
        harness.assertSound(0);
        assertEquals(Transport.ACK, harness.flags());
        assertEquals(4001, harness.i32(Tcp.SEQUENCE));
        numbers.shiftToClient(harness.umem, harness.packet.l4Offset(), harness.header());
        harness.assertSound(0);
        assertEquals(cookie + 1, harness.i32(Tcp.SEQUENCE));
        assertEquals(ISN + 1, harness.i32(Tcp.ACKNOWLEDGEMENT));
        assertArrayEquals(stamps((int) NOW_MS + 20, 800), harness.options());
        // The server's 65535 are 2047 units of 2⁵, which are 511 of the 2⁷ that the client was told.
        int serverWindow = windowOf(synAck(inet6, 4000, ISN + 1, serverOptions(5)));
        assertEquals(serverWindow >>> 5 >>> 2, harness.u16(Tcp.WINDOW));

        // The one for the server.
        assertEquals(INGRESS, harness.batch.egress(added));
        harness.parse(added);
        harness.assertSound(added);
        assertEquals((inet6 ? RIP6 : RIP4).low(), harness.packet.destinationLow());
        assertEquals(80, harness.packet.destinationPort());
        assertEquals(SegmentHarness.CPORT, harness.packet.sourcePort());
        assertEquals(Transport.ACK, harness.flags());
        assertEquals(ISN + 1, harness.i32(Tcp.SEQUENCE));
        assertEquals(4001, harness.i32(Tcp.ACKNOWLEDGEMENT));
        assertEquals(502, harness.u16(Tcp.WINDOW));
        assertArrayEquals(stamps(800, 9000), harness.options());
    }

    private int windowOf(byte[] frame) {
        return ByteBuffer.wrap(frame).getShort(frame.length - 40 + Tcp.WINDOW) & 0xffff;
    }

    @Test
    void aServerWithoutWindowScaleIsTranslatedForBothWays() {
        assertTrue(table.awaitServer(slot, TAG, ISN, 70, 100, 3 | SynCookie.SACK | 0x40));
        harness.spare();
        assertEquals(1, accept(synAck(false, 4000, ISN + 1)));
        assertTrue(table.read(slot, TAG, numbers));
        harness.parse(1);
        harness.assertSound(1);
        assertEquals(800, harness.u16(Tcp.WINDOW), "100 units of 2³ octets");
        harness.parse(0);
        int window = harness.u16(Tcp.WINDOW);
        numbers.shiftToClient(harness.umem, harness.packet.l4Offset(), harness.header());
        harness.assertSound(0);
        assertEquals(window >>> 7, harness.u16(Tcp.WINDOW));
        assertEquals(0, harness.options().length);
    }

    @Test
    void aClientWithoutWindowScaleKeepsItsWindows() {
        assertTrue(table.awaitServer(slot, TAG, ISN, 70, 100, SynCookie.NO_WINDOW_SCALE));
        harness.spare();
        assertEquals(1, accept(synAck(false, 4000, ISN + 1, (byte) 2, (byte) 4, (byte) 5, (byte) 0xb4)));
        assertTrue(table.read(slot, TAG, numbers));
        harness.parse(0);
        int window = harness.u16(Tcp.WINDOW);
        numbers.shiftToClient(harness.umem, harness.packet.l4Offset(), harness.header());
        assertEquals(window, harness.u16(Tcp.WINDOW));
        harness.parse(1);
        assertEquals(100, harness.u16(Tcp.WINDOW));
    }

    @Test
    void aRefusalReachesTheClient() {
        assertTrue(table.awaitServer(slot, TAG, ISN, 70, 100, 0));
        assertTrue(table.read(slot, TAG, numbers));
        harness.put(PacketBuilder.tcp(RIP4, 80, SegmentHarness.CLIENT4, SegmentHarness.CPORT)
                .tcpFlags(Transport.RST | Transport.ACK)
                .tcpNumbers(0, 0)
                .build());
        proxy.passReset(harness.packet, numbers);
        harness.assertSound(0);
        assertEquals(71, harness.i32(Tcp.SEQUENCE));
    }

    @Test
    void theHandshakesAcknowledgementTakesTheAddressAndTheProxyHeader() {
        assertTrue(table.awaitServer(slot, TAG, ISN, 70, 100, 3 | 0x40));
        harness.spare();
        assertEquals(1, accept(synAck(false, 4000, ISN + 1, serverOptions(7))));
        harness.parse(1);
        IpAddress client = SegmentHarness.CLIENT4;
        assertEquals(
                8,
                Toa.insert(
                        harness.umem,
                        harness.batch,
                        1,
                        harness.packet,
                        Toa.KIND,
                        false,
                        0,
                        client.low(),
                        SegmentHarness.CPORT,
                        1500));
        assertEquals(
                28,
                ProxyHeader.insert(
                        harness.umem,
                        harness.batch,
                        1,
                        harness.packet,
                        false,
                        0,
                        client.low(),
                        SegmentHarness.CPORT,
                        0,
                        SegmentHarness.VIP4.low(),
                        SegmentHarness.VPORT,
                        1500));
        harness.assertSound(1);
        assertEquals(20 + Ipv4.MIN_HEADER_BYTES + 12 + 8 + 28, harness.packet.ipLengthBytes());
    }

    @Test
    void aPolicyThatCannotBeIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new SynProxyPolicy(1460, 1440, 15, true, true, true));
        assertThrows(IllegalArgumentException.class, () -> new SynProxyPolicy(100, 1440, 7, true, true, true));
    }
}
