package dev.sluice.packet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.PacketCases;
import dev.sluice.bench.PacketCases.PacketCase;
import dev.sluice.bench.SctpChunk;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PacketParserTest {
    private static final IpAddress CIP4 = IpAddress.parse("198.51.100.7");
    private static final IpAddress VIP4 = IpAddress.parse("203.0.113.1");
    private static final IpAddress CIP6 = IpAddress.parse("2001:db8:1::7");
    private static final IpAddress VIP6 = IpAddress.parse("2001:db8:2::1");

    private final PacketView view = new PacketView();

    /** The frame is a segment of its own, so a read beyond its end throws. */
    private int parse(byte[] frame) {
        return PacketParser.parse(MemorySegment.ofArray(frame), 0, frame.length, view);
    }

    @Test
    void readsEveryFieldOfTcpOverIpv4() {
        byte[] frame = PacketBuilder.tcp(CIP4, 40000, VIP4, 443)
                .ttl(61)
                .tcpFlags(Transport.SYN | Transport.ACK)
                .ipOptions((byte) 1, (byte) 1, (byte) 1, (byte) 0)
                .payloadLength(100)
                .padding(20)
                .build();
        assertEquals(PacketParser.OK, parse(frame));
        assertEquals(14, view.l2LengthBytes());
        assertEquals(14, view.l3Offset());
        assertEquals(38, view.l4Offset());
        assertFalse(view.inet6());
        assertEquals(6, view.protocol());
        assertEquals(CIP4, IpAddress.ofInet((int) view.sourceLow()));
        assertEquals(VIP4, IpAddress.ofInet((int) view.destinationLow()));
        assertEquals(0, view.sourceHigh());
        assertEquals(0, view.destinationHigh());
        assertEquals(40000, view.sourcePort());
        assertEquals(443, view.destinationPort());
        assertEquals(Transport.SYN | Transport.ACK, view.tcpFlags());
        assertEquals(61, view.ttl());
        assertEquals(24 + 20 + 100, view.ipLengthBytes());
    }

    @Test
    void readsEveryFieldOfUdpOverIpv6BehindTwoTagsAndExtensionHeaders() {
        byte[] frame = PacketBuilder.udp(CIP6, 65535, VIP6, 53)
                .tag(PacketBuilder.ETHERTYPE_8021AD, 7)
                .tag(PacketBuilder.ETHERTYPE_8021Q, 9)
                .ttl(255)
                .extension(PacketBuilder.HOP_BY_HOP, 16)
                .fragmentHeader(0, false, 99)
                .payloadLength(31)
                .build();
        view.tcpFlags = 0xff;
        assertEquals(PacketParser.OK, parse(frame));
        assertEquals(22, view.l2LengthBytes());
        assertEquals(22, view.l3Offset());
        assertEquals(22 + 40 + 16 + 8, view.l4Offset());
        assertTrue(view.inet6());
        assertEquals(17, view.protocol());
        assertEquals(CIP6, IpAddress.ofInet6(view.sourceHigh(), view.sourceLow()));
        assertEquals(VIP6, IpAddress.ofInet6(view.destinationHigh(), view.destinationLow()));
        assertEquals(65535, view.sourcePort());
        assertEquals(53, view.destinationPort());
        assertEquals(0, view.tcpFlags());
        assertEquals(255, view.ttl());
        assertEquals(40 + 16 + 8 + 8 + 31, view.ipLengthBytes());
    }

    /** Every packet of the table cut in two at every octet: nothing behind the first part is read, and no length blamed. */
    @Test
    void aPacketMayGoOnInFurtherFrames() {
        int read = 0;
        for (PacketCase packet : PacketCases.all()) {
            byte[] whole = packet.frame();
            int expected = parse(whole);
            PacketView of = new PacketView();
            for (int cut = 0; cut <= Math.min(whole.length, 200); cut++) {
                MemorySegment first = MemorySegment.ofArray(Arrays.copyOf(whole, cut));
                int code = PacketParser.parse(first, 0, cut, whole.length - cut, of);
                if (code == expected) {
                    read++;
                } else {
                    assertTrue(
                            code == PacketParser.TRUNCATED_ETHERNET
                                    || code == PacketParser.TRUNCATED_IP
                                    || code == PacketParser.BAD_EXTENSION_HEADER
                                    || code == PacketParser.TRUNCATED_TRANSPORT,
                            packet + " cut at " + cut + ": " + code);
                }
                if (code == PacketParser.OK) {
                    assertEquals(view.ipLengthBytes(), of.ipLengthBytes(), packet.name());
                    assertEquals(view.l4Offset(), of.l4Offset(), packet.name());
                    assertEquals(view.destinationPort(), of.destinationPort(), packet.name());
                }
            }
        }
        assertTrue(read > 10_000, read + " parts had all headers");
    }

    @Test
    void aPacketIsNoLongerThanAllItsFrames() {
        byte[] frame = PacketBuilder.udp(CIP4, 1, VIP4, 53).payloadLength(8972).build();
        MemorySegment first = MemorySegment.ofArray(Arrays.copyOf(frame, 1792));
        assertEquals(PacketParser.OK, PacketParser.parse(first, 0, 1792, frame.length - 1792, view));
        assertEquals(9000, view.ipLengthBytes());
        assertEquals(PacketParser.OK, PacketParser.parse(first, 0, 1792, frame.length - 1792 + 20, view));
        assertEquals(PacketParser.BAD_TOTAL_LENGTH, PacketParser.parse(first, 0, 1792, frame.length - 1792 - 1, view));
        assertEquals(PacketParser.BAD_TOTAL_LENGTH, PacketParser.parse(first, 0, 1792, view));
    }

    @Test
    void readsTheChunkThatDecidesOfSctp() {
        byte[] cookie = SctpChunk.of(Sctp.COOKIE_ECHO, 5);
        byte[] ack = SctpChunk.of(Sctp.COOKIE_ACK, 0);
        byte[] abort = SctpChunk.of(Sctp.ABORT, 0);
        byte[] data = SctpChunk.of(Sctp.DATA, 13);
        assertChunk(Sctp.INIT, SctpChunk.of(Sctp.INIT, 16));
        assertChunk(255, SctpChunk.of(255, 0));
        assertChunk(Sctp.COOKIE_ECHO, cookie);
        assertChunk(Sctp.COOKIE_ECHO, cookie, data, abort);
        assertChunk(Sctp.ABORT, cookie, abort);
        assertChunk(Sctp.ABORT, ack, abort);
        assertChunk(Sctp.SACK, SctpChunk.of(Sctp.SACK, 12), abort);
        assertChunk(Sctp.NO_CHUNK);
        assertChunk(Sctp.NO_CHUNK, new byte[] {Sctp.INIT, 0, 0});
        // Only the type and length of the second chunk are there, or not even they, or the first one's length leads
        // away.
        assertChunk(Sctp.COOKIE_ACK, ack, new byte[] {Sctp.ABORT, 0, 0});
        assertChunk(Sctp.COOKIE_ECHO, SctpChunk.withLength(Sctp.COOKIE_ECHO, 0, 3), abort);
        assertChunk(Sctp.COOKIE_ECHO, SctpChunk.withLength(Sctp.COOKIE_ECHO, 0, 65535), abort);
    }

    private void assertChunk(int expected, byte[]... chunks) {
        byte[] bundle = SctpChunk.bundle(chunks);
        for (PacketBuilder packet : new PacketBuilder[] {
            PacketBuilder.sctp(CIP4, 40000, VIP4, 9900).padding(8),
            PacketBuilder.sctp(CIP6, 40000, VIP6, 9900).extension(PacketBuilder.HOP_BY_HOP, 8)
        }) {
            view.tcpFlags = 0xff;
            assertEquals(PacketParser.OK, parse(packet.payload(bundle).build()));
            assertEquals(expected, view.sctpChunk());
            assertEquals(expected == Sctp.INIT, view.opensConnection());
            assertEquals(40000, view.sourcePort());
            assertEquals(9900, view.destinationPort());
            assertEquals(0, view.tcpFlags());
        }
        view.sctpChunk = 1;
        assertEquals(
                PacketParser.OK,
                parse(PacketBuilder.tcp(CIP4, 1, VIP4, 2).tcpFlags(0).build()));
        assertEquals(Sctp.NO_CHUNK, view.sctpChunk());
        assertFalse(view.opensConnection());
    }

    @Test
    void espAndAhHaveNoPorts() {
        for (PacketBuilder packet : new PacketBuilder[] {
            PacketBuilder.ethernet().ip(CIP4, VIP4).raw(Transport.ESP),
            PacketBuilder.ethernet().ip(CIP4, VIP4).raw(Transport.AH),
            PacketBuilder.ethernet().ip(CIP6, VIP6).raw(Transport.ESP)
        }) {
            view.sourcePort = 7;
            view.destinationPort = 7;
            view.tcpFlags = Transport.SYN;
            view.sctpChunk = Sctp.INIT;
            assertEquals(PacketParser.OK, parse(packet.payloadLength(12).build()));
            assertTrue(view.isIpsec());
            assertFalse(view.opensConnection());
            assertEquals(0, view.sourcePort());
            assertEquals(0, view.destinationPort());
        }
        assertEquals(
                PacketParser.OK, parse(PacketBuilder.udp(CIP4, 500, VIP4, 500).build()));
        assertFalse(view.isIpsec());
    }

    @Test
    void parsesAtAnAbsoluteOffset() {
        byte[] frame = PacketBuilder.tcp(CIP4, 1, VIP4, 2).build();
        byte[] umem = new byte[5000];
        System.arraycopy(frame, 0, umem, 4097, frame.length);
        assertEquals(PacketParser.OK, PacketParser.parse(MemorySegment.ofArray(umem), 4097, frame.length, view));
        assertEquals(4097 + 34, view.l4Offset());
        assertEquals(2, view.destinationPort());
    }

    static Stream<PacketCase> table() {
        return PacketCases.all().stream();
    }

    @ParameterizedTest
    @MethodSource("table")
    void namesEveryCaseOfTheTableAsItShould(PacketCase packet) {
        assertEquals(expected(packet), parse(packet.frame()), packet.name());
    }

    @Test
    void theTableReachesEveryCode() {
        Map<Integer, Integer> seen = new TreeMap<>();
        table().forEach(packet -> seen.merge(parse(packet.frame()), 1, Integer::sum));
        assertEquals(PacketParser.CODES, seen.size(), seen::toString);
    }

    /** Whatever the bytes say: no exception, so no read beyond the frame's end. */
    @Test
    void survivesDamageAndTruncation() {
        int[] seen = new int[PacketParser.CODES];
        for (byte[] frame : PacketCases.damaged(20261121, 50_000)) {
            seen[parse(frame)]++;
        }
        for (int code : new int[] {PacketParser.OK, PacketParser.NOT_IP, PacketParser.BAD_TOTAL_LENGTH}) {
            assertTrue(seen[code] > 0, "code " + code);
        }
    }

    /** Codes of the broken packets, and of those whose code the steering program's outcome does not tell. */
    private static final Map<String, Integer> BY_NAME = Map.ofEntries(
            Map.entry("ihl 0", PacketParser.BAD_IHL),
            Map.entry("ihl 1", PacketParser.BAD_IHL),
            Map.entry("ihl 2", PacketParser.BAD_IHL),
            Map.entry("ihl 3", PacketParser.BAD_IHL),
            Map.entry("ihl 4", PacketParser.BAD_IHL),
            Map.entry("ihl beyond the end of the frame", PacketParser.TRUNCATED_IP),
            Map.entry("ihl beyond the total length", PacketParser.BAD_TOTAL_LENGTH),
            Map.entry("ihl leaves no room for tcp", PacketParser.BAD_IP_CHECKSUM),
            Map.entry("ipv4 with version 0", PacketParser.BAD_IP_VERSION),
            Map.entry("ipv4 with version 5", PacketParser.BAD_IP_VERSION),
            Map.entry("ipv4 with version 6", PacketParser.BAD_IP_VERSION),
            Map.entry("ipv4 with version 15", PacketParser.BAD_IP_VERSION),
            Map.entry("total length 0", PacketParser.BAD_TOTAL_LENGTH),
            Map.entry("total length below the header", PacketParser.BAD_TOTAL_LENGTH),
            Map.entry("total length of the header alone", PacketParser.TRUNCATED_TRANSPORT),
            Map.entry("total length cuts tcp by one byte", PacketParser.TRUNCATED_TRANSPORT),
            Map.entry("total length cuts udp by one byte", PacketParser.TRUNCATED_TRANSPORT),
            Map.entry("total length one byte too large", PacketParser.BAD_TOTAL_LENGTH),
            Map.entry("total length 65535", PacketParser.BAD_TOTAL_LENGTH),
            Map.entry("bad header checksum", PacketParser.BAD_IP_CHECKSUM),
            Map.entry("ipv4 under the type of ipv6", PacketParser.BAD_IP_VERSION),
            Map.entry("ipv6 under the type of ipv4", PacketParser.BAD_IP_VERSION),
            Map.entry("one extension header too many", PacketParser.TOO_MANY_EXTENSION_HEADERS),
            Map.entry("a hundred extension headers", PacketParser.TOO_MANY_EXTENSION_HEADERS),
            Map.entry("hop-by-hop that names itself to the end", PacketParser.BAD_EXTENSION_HEADER),
            Map.entry("extension header longer than the packet", PacketParser.BAD_EXTENSION_HEADER),
            Map.entry("extension header one unit too long", PacketParser.BAD_EXTENSION_HEADER),
            Map.entry("authentication header longer than the packet", PacketParser.BAD_EXTENSION_HEADER),
            Map.entry("ipv6 with version 0", PacketParser.BAD_IP_VERSION),
            Map.entry("ipv6 with version 4", PacketParser.BAD_IP_VERSION),
            Map.entry("ipv6 with version 7", PacketParser.BAD_IP_VERSION),
            Map.entry("payload length 0", PacketParser.TRUNCATED_TRANSPORT),
            Map.entry("payload length cuts tcp by one byte", PacketParser.TRUNCATED_TRANSPORT),
            Map.entry("payload length cuts udp by one byte", PacketParser.TRUNCATED_TRANSPORT),
            Map.entry("payload length one byte too large", PacketParser.BAD_TOTAL_LENGTH),
            Map.entry("payload length 65535", PacketParser.BAD_TOTAL_LENGTH),
            Map.entry("payload length ends in an extension header", PacketParser.BAD_EXTENSION_HEADER),
            Map.entry("payload length ends behind an extension header", PacketParser.TRUNCATED_TRANSPORT),
            Map.entry("udp4 fragment, first", PacketParser.OK),
            Map.entry("udp6 fragment, first", PacketParser.OK),
            Map.entry("tiny first fragment", PacketParser.TRUNCATED_TRANSPORT),
            Map.entry("icmp echo to the VIP", PacketParser.ICMP),
            Map.entry("icmpv6 echo to the VIP", PacketParser.ICMP),
            Map.entry("icmpv6 behind hop-by-hop", PacketParser.ICMP),
            Map.entry("udp4 fragment of the wildcard VIP", PacketParser.FRAGMENT),
            Map.entry("tcp4 fragment to another address", PacketParser.FRAGMENT),
            Map.entry("icmp fragment to the VIP", PacketParser.FRAGMENT),
            Map.entry("fragment with a bad total length", PacketParser.BAD_TOTAL_LENGTH),
            Map.entry("tcp6 fragment of UDP's wildcard VIP", PacketParser.FRAGMENT),
            Map.entry("tcp6 fragment to another address", PacketParser.FRAGMENT),
            Map.entry("icmpv6 fragment to the VIP", PacketParser.FRAGMENT),
            Map.entry("fragment of an option header", PacketParser.FRAGMENT),
            Map.entry("fragment header cut short", PacketParser.BAD_EXTENSION_HEADER),
            Map.entry("sctp4 fragment of TCP's wildcard VIP", PacketParser.FRAGMENT),
            Map.entry("esp4 of seven bytes", PacketParser.TRUNCATED_TRANSPORT),
            Map.entry("esp6 of seven bytes", PacketParser.TRUNCATED_TRANSPORT),
            Map.entry("ah4 of eleven bytes", PacketParser.TRUNCATED_TRANSPORT),
            Map.entry("ah6 fragment", PacketParser.FRAGMENT),
            Map.entry("esp4 fragment to another UDP service", PacketParser.FRAGMENT));

    private static int expected(PacketCase packet) {
        Integer byName = BY_NAME.get(packet.name());
        if (byName != null) {
            return byName;
        }
        if (packet.name().contains(" cut at byte ")) {
            return expectedOfCut(packet);
        }
        return switch (packet.outcome()) {
            case STEERED, PASS_NO_SERVICE -> PacketParser.OK;
            case STEERED_FRAGMENT -> PacketParser.FRAGMENT;
            case PASS_NOT_IP -> PacketParser.NOT_IP;
            case PASS_PROTOCOL -> PacketParser.UNSUPPORTED_PROTOCOL;
            default -> fail("no code is expected for: " + packet.name());
        };
    }

    private static int expectedOfCut(PacketCase packet) {
        int[] sizes = switch (packet.name().substring(0, packet.name().indexOf(" cut at byte "))) {
            case "tcp4" -> new int[] {14, 20, 20};
            case "udp4 with options" -> new int[] {14, 32, 8};
            case "802.1ad 802.1Q udp4" -> new int[] {22, 20, 8};
            case "tcp6" -> new int[] {14, 40, 20};
            case "udp6 with extension headers" -> new int[] {14, 64, 8};
            case "802.1Q tcp6" -> new int[] {18, 40, 20};
            case "sctp4" -> new int[] {14, 20, 12};
            case "sctp6" -> new int[] {14, 40, 12};
            default -> fail("no lengths are known for: " + packet.name());
        };
        boolean inet6 = packet.name().contains("6 ");
        int ipBytes = packet.frame().length - sizes[0];
        if (ipBytes < 0) {
            return PacketParser.TRUNCATED_ETHERNET;
        }
        if (ipBytes < (inet6 ? 40 : sizes[1])) {
            return PacketParser.TRUNCATED_IP;
        }
        if (!packet.name().endsWith("length made to fit")) {
            return PacketParser.BAD_TOTAL_LENGTH;
        }
        if (!inet6) {
            // The length was changed under the checksum.
            return PacketParser.BAD_IP_CHECKSUM;
        }
        if (ipBytes < sizes[1]) {
            return PacketParser.BAD_EXTENSION_HEADER;
        }
        return ipBytes < sizes[1] + sizes[2] ? PacketParser.TRUNCATED_TRANSPORT : PacketParser.OK;
    }
}
