package dev.sluice.bench;

import static dev.sluice.bench.PacketBuilder.AUTHENTICATION;
import static dev.sluice.bench.PacketBuilder.DESTINATION_OPTIONS;
import static dev.sluice.bench.PacketBuilder.ESP;
import static dev.sluice.bench.PacketBuilder.ETHERTYPE_8021AD;
import static dev.sluice.bench.PacketBuilder.ETHERTYPE_8021Q;
import static dev.sluice.bench.PacketBuilder.ETHERTYPE_ARP;
import static dev.sluice.bench.PacketBuilder.ETHERTYPE_IPV4;
import static dev.sluice.bench.PacketBuilder.ETHERTYPE_IPV6;
import static dev.sluice.bench.PacketBuilder.HOP_BY_HOP;
import static dev.sluice.bench.PacketBuilder.ICMP;
import static dev.sluice.bench.PacketBuilder.NO_NEXT_HEADER;
import static dev.sluice.bench.PacketBuilder.ROUTING;
import static dev.sluice.bench.PacketBuilder.TCP;
import static dev.sluice.bench.PacketBuilder.UDP;
import static dev.sluice.bench.PacketBuilder.ethernet;
import static dev.sluice.bench.PacketBuilder.tcp;
import static dev.sluice.bench.PacketBuilder.udp;
import static dev.sluice.bpf.SteeringOutcome.PASS_MALFORMED;
import static dev.sluice.bpf.SteeringOutcome.PASS_NOT_IP;
import static dev.sluice.bpf.SteeringOutcome.PASS_NO_SERVICE;
import static dev.sluice.bpf.SteeringOutcome.PASS_PROTOCOL;
import static dev.sluice.bpf.SteeringOutcome.STEERED;
import static dev.sluice.bpf.SteeringOutcome.STEERED_FRAGMENT;

import dev.sluice.bpf.SteeringOutcome;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.Protocol;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * The table of packets that the steering program and the parser are held against: sound ones, odd ones and broken
 * ones, each with what the steering program makes of it when exactly {@link #SERVICES} exist and the queue has an XSK.
 *
 * <p>Cases shorter than 14 bytes or longer than a page cannot be given to {@code BPF_PROG_TEST_RUN}; they are here for
 * the parser.
 */
public final class PacketCases {
    public static final IpAddress CLIENT4 = IpAddress.parse("10.0.0.1");
    public static final IpAddress CLIENT6 = IpAddress.parse("2001:db8::1");
    /** Has TCP 80 and UDP 53. */
    public static final IpAddress VIP4 = IpAddress.parse("10.0.0.100");

    public static final IpAddress VIP6 = IpAddress.parse("2001:db8::100");
    /** Has TCP on every port (IPv4) and UDP on every port (IPv6). */
    public static final IpAddress ALL_PORTS4 = IpAddress.parse("10.0.0.200");

    public static final IpAddress ALL_PORTS6 = IpAddress.parse("2001:db8::200");
    /** Has no service. */
    public static final IpAddress OTHER4 = IpAddress.parse("10.0.0.5");

    public static final IpAddress OTHER6 = IpAddress.parse("2001:db8::5");

    /** How many IPv6 extension headers are walked; one more is malformed. */
    public static final int MAX_EXTENSION_HEADERS = 8;

    /** The services that the expected outcomes take for granted. */
    public static final List<AddressKey> SERVICES = List.of(
            new AddressKey(Protocol.TCP, VIP4, 80),
            new AddressKey(Protocol.UDP, VIP4, 53),
            new AddressKey(Protocol.TCP, VIP6, 80),
            new AddressKey(Protocol.UDP, VIP6, 53),
            new AddressKey(Protocol.TCP, ALL_PORTS4, 0),
            new AddressKey(Protocol.UDP, ALL_PORTS6, 0));

    /**
     * One packet.
     *
     * @param name unique, says what is special about it
     * @param frame the bytes on the wire
     * @param outcome what the steering program counts it under
     */
    @SuppressWarnings("ArrayRecordComponent") // a row of a table, never compared
    public record PacketCase(String name, byte[] frame, SteeringOutcome outcome) {
        @Override
        public String toString() {
            return name;
        }
    }

    private final List<PacketCase> cases = new ArrayList<>();

    private PacketCases() {}

    /** The whole table, in a fixed order. */
    public static List<PacketCase> all() {
        PacketCases table = new PacketCases();
        table.sound();
        table.notIp();
        table.ipv4Headers();
        table.ipv6Headers();
        table.transportHeaders();
        table.fragments();
        table.truncations();
        return List.copyOf(table.cases);
    }

    /** Seeded noise and seeded damage to sound packets, for which only "no crash, one counter" can be expected. */
    public static List<byte[]> damaged(long seed, int count) {
        Random random = new Random(seed);
        List<PacketCase> sound =
                all().stream().filter(c -> c.frame().length >= 14).toList();
        List<byte[]> frames = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            byte[] frame = sound.get(random.nextInt(sound.size())).frame().clone();
            for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
                frame[12 + random.nextInt(Math.min(frame.length, 100) - 12)] = (byte) random.nextInt();
            }
            frames.add(frame);
        }
        return frames;
    }

    private void add(String name, PacketBuilder packet, SteeringOutcome outcome) {
        add(name, packet.build(), outcome);
    }

    private void add(String name, byte[] frame, SteeringOutcome outcome) {
        cases.add(new PacketCase(name, frame, outcome));
    }

    private static PacketBuilder tcp4() {
        return tcp(CLIENT4, 40000, VIP4, 80);
    }

    private static PacketBuilder udp4() {
        return udp(CLIENT4, 40000, VIP4, 53).payloadLength(20);
    }

    private static PacketBuilder tcp6() {
        return tcp(CLIENT6, 40000, VIP6, 80);
    }

    private static PacketBuilder udp6() {
        return udp(CLIENT6, 40000, VIP6, 53).payloadLength(20);
    }

    private void sound() {
        add("tcp4 to the service", tcp4(), STEERED);
        add("tcp4 to the service, padded to 60 bytes", tcp4().padding(6), STEERED);
        add("tcp4 with payload", tcp4().tcpFlags(PacketBuilder.TCP_ACK).payloadLength(1000), STEERED);
        add("udp4 to the service", udp4(), STEERED);
        add("tcp6 to the service", tcp6(), STEERED);
        add("udp6 to the service", udp6(), STEERED);
        add("tcp4 to another port", tcp(CLIENT4, 40000, VIP4, 81), PASS_NO_SERVICE);
        add("tcp4 to the UDP service's port", tcp(CLIENT4, 40000, VIP4, 53), PASS_NO_SERVICE);
        add("udp4 to the TCP service's port", udp(CLIENT4, 40000, VIP4, 80), PASS_NO_SERVICE);
        add("tcp4 to another address", tcp(CLIENT4, 40000, OTHER4, 80), PASS_NO_SERVICE);
        add("tcp6 to another address", tcp(CLIENT6, 40000, OTHER6, 80), PASS_NO_SERVICE);
        add("tcp4 from the VIP", tcp(VIP4, 80, CLIENT4, 40000), PASS_NO_SERVICE);
        add("tcp4 to the wildcard port", tcp(CLIENT4, 40000, ALL_PORTS4, 12345), STEERED);
        add("udp4 to TCP's wildcard port", udp(CLIENT4, 40000, ALL_PORTS4, 12345), PASS_NO_SERVICE);
        add("udp6 to the wildcard port", udp(CLIENT6, 40000, ALL_PORTS6, 12345), STEERED);
        add("tcp6 to UDP's wildcard port", tcp(CLIENT6, 40000, ALL_PORTS6, 12345), PASS_NO_SERVICE);
        add("tcp6 to the IPv4 VIP's number", tcp(CLIENT6, 1, IpAddress.ofInet6(0, VIP4.low()), 80), PASS_NO_SERVICE);
        add(
                "tcp6 to the IPv4-mapped VIP",
                tcp(CLIENT6, 1, IpAddress.ofInet6(0, 0xffff_0000_0000L | VIP4.low()), 80),
                PASS_NO_SERVICE);
        add("zero source port", tcp(CLIENT4, 0, VIP4, 80), STEERED);
        add("zero destination port", tcp(CLIENT4, 40000, VIP4, 0), PASS_NO_SERVICE);
        add("zero destination port, wildcard service", tcp(CLIENT4, 40000, ALL_PORTS4, 0), STEERED);
        add("port 65535, wildcard service", tcp(CLIENT4, 65535, ALL_PORTS4, 65535), STEERED);
        for (int ttl : new int[] {0, 1, 2, 255}) {
            add("tcp4 ttl " + ttl, tcp4().ttl(ttl), STEERED);
            add("tcp6 hop limit " + ttl, tcp6().ttl(ttl), STEERED);
        }
        add("802.1Q tcp4", tcp4().tag(ETHERTYPE_8021Q, 100), STEERED);
        add("802.1Q priority tag tcp6", tcp6().tag(ETHERTYPE_8021Q, 0xe000), STEERED);
        add("802.1ad over 802.1Q udp4", udp4().tag(ETHERTYPE_8021AD, 7).tag(ETHERTYPE_8021Q, 100), STEERED);
        add("802.1Q twice udp6", udp6().tag(ETHERTYPE_8021Q, 7).tag(ETHERTYPE_8021Q, 100), STEERED);
        add("jumbo frame of 9000 bytes", udp4().payloadLength(9000 - 28), STEERED);
    }

    private void notIp() {
        add("arp", ethernet().etherType(ETHERTYPE_ARP).payloadLength(46), PASS_NOT_IP);
        add(
                "arp in a tag",
                ethernet().tag(ETHERTYPE_8021Q, 1).etherType(ETHERTYPE_ARP).payloadLength(28),
                PASS_NOT_IP);
        add("lldp", ethernet().etherType(0x88cc).payloadLength(46), PASS_NOT_IP);
        add("802.3 length in place of a type", ethernet().etherType(46).payloadLength(46), PASS_NOT_IP);
        add("header only, no type known", ethernet().etherType(0xffff), PASS_NOT_IP);
        add(
                "three tags",
                tcp4().tag(ETHERTYPE_8021AD, 1).tag(ETHERTYPE_8021Q, 2).tag(ETHERTYPE_8021Q, 3),
                PASS_NOT_IP);
        add("icmp echo to the VIP", ethernet().ip(CLIENT4, VIP4).icmp(8).payloadLength(56), PASS_PROTOCOL);
        add("icmpv6 echo to the VIP", ethernet().ip(CLIENT6, VIP6).icmp(128).payloadLength(56), PASS_PROTOCOL);
        add("protocol 132 to the VIP", ethernet().ip(CLIENT4, VIP4).raw(132).payloadLength(40), PASS_NO_SERVICE);
        add("esp over IPv6", ethernet().ip(CLIENT6, VIP6).raw(ESP).payloadLength(40), PASS_NO_SERVICE);
        add("no next header", ethernet().ip(CLIENT6, VIP6).raw(NO_NEXT_HEADER), PASS_PROTOCOL);
    }

    private void ipv4Headers() {
        byte[] routerAlert = {(byte) 0x94, 4, 0, 0};
        add("tcp4 with router alert", tcp4().ipOptions(routerAlert), STEERED);
        add("udp4 with 40 bytes of options", udp4().ipOptions(new byte[40]), STEERED);
        add("tcp4 with options to another port", tcp(CLIENT4, 1, VIP4, 81).ipOptions(routerAlert), PASS_NO_SERVICE);
        for (int words = 0; words < 5; words++) {
            add("ihl " + words, tcp4().headerWords(words), PASS_MALFORMED);
        }
        add("ihl beyond the end of the frame", tcp4().headerWords(15), PASS_MALFORMED);
        add("ihl beyond the total length", tcp4().headerWords(12).padding(40), PASS_MALFORMED);
        add("ihl leaves no room for tcp", tcp4().headerWords(6), PASS_MALFORMED);
        for (int version : new int[] {0, 5, 6, 15}) {
            add("ipv4 with version " + version, tcp4().ipVersion(version), PASS_MALFORMED);
        }
        add("total length 0", tcp4().ipLength(0), PASS_MALFORMED);
        add("total length below the header", tcp4().ipLength(19), PASS_MALFORMED);
        add("total length of the header alone", tcp4().ipLength(20), PASS_MALFORMED);
        add("total length cuts tcp by one byte", tcp4().ipLength(39), PASS_MALFORMED);
        add("total length cuts udp by one byte", udp4().ipLength(27), PASS_MALFORMED);
        add("total length below the frame", udp4().ipLength(40), STEERED);
        add("total length one byte too large", tcp4().ipLength(41), PASS_MALFORMED);
        add("total length 65535", tcp4().ipLength(65535), PASS_MALFORMED);
        add("bad header checksum", tcp4().ipChecksum(0x1234), STEERED);
        add("reserved fragment flag", fragmentField(0x8000), STEERED);
        add("don't fragment", tcp4().dontFragment(), STEERED);
        add("ipv4 under the type of ipv6", tcp4().etherType(ETHERTYPE_IPV6), PASS_MALFORMED);
        add("ipv6 under the type of ipv4", tcp6().etherType(ETHERTYPE_IPV4), PASS_MALFORMED);
    }

    private static PacketBuilder fragmentField(int bits) {
        // The reserved bit has no call of its own in the builder: it stands above an offset of 0x40000 bytes.
        return tcp4().fragment((bits & 0x8000) * 8, false);
    }

    private void ipv6Headers() {
        add("hop-by-hop", tcp6().extension(HOP_BY_HOP, 8), STEERED);
        add("routing", tcp6().extension(ROUTING, 24), STEERED);
        add("destination options", udp6().extension(DESTINATION_OPTIONS, 16), STEERED);
        add("authentication", tcp6().extension(AUTHENTICATION, 24), STEERED);
        add(
                "authentication, length not a multiple of 8",
                tcp6().extension(AUTHENTICATION, new byte[] {0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
                STEERED);
        add(
                "all extension headers in order",
                udp6().extension(HOP_BY_HOP, 8)
                        .extension(DESTINATION_OPTIONS, 8)
                        .extension(ROUTING, 8)
                        .fragmentHeader(0, false, 1)
                        .extension(AUTHENTICATION, 16)
                        .extension(DESTINATION_OPTIONS, 8),
                STEERED);
        add("extension header of 1024 bytes", tcp6().extension(DESTINATION_OPTIONS, 1024), STEERED);
        add("extension header of 2048 bytes", tcp6().extension(DESTINATION_OPTIONS, 2048), STEERED);
        add("extension headers to another port", extended(tcp(CLIENT6, 1, VIP6, 81), 3), PASS_NO_SERVICE);
        add("as many extension headers as are walked", extended(tcp6(), MAX_EXTENSION_HEADERS), STEERED);
        add("one extension header too many", extended(tcp6(), MAX_EXTENSION_HEADERS + 1), PASS_MALFORMED);
        add("a hundred extension headers", extended(tcp6(), 100), PASS_MALFORMED);
        add("hop-by-hop that names itself to the end", extended(tcp6(), 4).nextHeader(HOP_BY_HOP), PASS_MALFORMED);
        add("extension header longer than the packet", overlong(DESTINATION_OPTIONS, 255), PASS_MALFORMED);
        add("extension header one unit too long", overlong(DESTINATION_OPTIONS, 3), PASS_MALFORMED);
        add("authentication header longer than the packet", overlong(AUTHENTICATION, 255), PASS_MALFORMED);
        add(
                "icmpv6 behind hop-by-hop",
                ethernet().ip(CLIENT6, VIP6).extension(HOP_BY_HOP, 8).icmp(143),
                PASS_PROTOCOL);
        add("mobility header", tcp6().extension(135, 8), PASS_PROTOCOL);
        add("no next header behind an option", extended(tcp6(), 1).nextHeader(NO_NEXT_HEADER), PASS_PROTOCOL);
        for (int version : new int[] {0, 4, 7}) {
            add("ipv6 with version " + version, tcp6().ipVersion(version), PASS_MALFORMED);
        }
        add("payload length 0", tcp6().ipLength(0), PASS_MALFORMED);
        add("payload length cuts tcp by one byte", tcp6().ipLength(19), PASS_MALFORMED);
        add("payload length cuts udp by one byte", udp6().ipLength(7), PASS_MALFORMED);
        add("payload length below the frame", udp6().ipLength(20), STEERED);
        add("payload length one byte too large", tcp6().ipLength(21), PASS_MALFORMED);
        add("payload length 65535", tcp6().ipLength(65535), PASS_MALFORMED);
        add("payload length ends in an extension header", extended(tcp6(), 2).ipLength(12), PASS_MALFORMED);
        add(
                "payload length ends behind an extension header",
                extended(tcp6(), 1).ipLength(8),
                PASS_MALFORMED);
    }

    private static PacketBuilder extended(PacketBuilder packet, int count) {
        for (int i = 0; i < count; i++) {
            packet.extension(DESTINATION_OPTIONS, 8);
        }
        return packet;
    }

    private static PacketBuilder overlong(int type, int lengthField) {
        return tcp6().extension(type, new byte[] {0, (byte) lengthField, 1, 4, 0, 0, 0, 0});
    }

    private void transportHeaders() {
        add("udp without checksum", udp4().transportChecksum(0), STEERED);
        add("bad tcp checksum", tcp4().transportChecksum(0x1234), STEERED);
        add("udp length below 8", udp4().udpLength(7), STEERED);
        add("udp length beyond the packet", udp4().udpLength(1000), STEERED);
        add("tcp data offset below 5", tcp4().tcpHeaderWords(4), STEERED);
        add("tcp data offset beyond the packet", tcp4().tcpHeaderWords(15), STEERED);
        add("tcp with options", tcp4().tcpOptions((byte) 2, (byte) 4, (byte) 5, (byte) 0xb4), STEERED);
        add("tcp with every flag", tcp4().tcpFlags(0xff), STEERED);
        add("tcp without any flag", tcp4().tcpFlags(0), STEERED);
    }

    private void fragments() {
        List<byte[]> parts4 = udp4().payloadLength(3000).buildFragments(1480, 77);
        List<byte[]> parts6 = udp6().payloadLength(3000).buildFragments(1448, 77);
        String[] names = {"first", "middle", "last"};
        for (int i = 0; i < 3; i++) {
            add("udp4 fragment, " + names[i], parts4.get(i), STEERED_FRAGMENT);
            add("udp6 fragment, " + names[i], parts6.get(i), STEERED_FRAGMENT);
        }
        add(
                "tagged udp4 fragment",
                udp4().tag(ETHERTYPE_8021Q, 9)
                        .payloadLength(100)
                        .buildFragments(64, 1)
                        .getLast(),
                STEERED_FRAGMENT);
        add("tcp4 fragment of the wildcard VIP", fragment4(ALL_PORTS4, TCP), STEERED_FRAGMENT);
        add("udp4 fragment of the wildcard VIP", fragment4(ALL_PORTS4, UDP), PASS_NO_SERVICE);
        add("tcp4 fragment to another address", fragment4(OTHER4, TCP), PASS_NO_SERVICE);
        add("icmp fragment to the VIP", fragment4(VIP4, ICMP), PASS_PROTOCOL);
        add(
                "tiny first fragment",
                ethernet().ip(CLIENT4, VIP4).raw(TCP).fragment(0, true).payloadLength(8),
                STEERED_FRAGMENT);
        add("fragment with options", fragment4(VIP4, TCP).ipOptions(new byte[8]), STEERED_FRAGMENT);
        add("fragment at the highest offset", fragment4(VIP4, UDP).fragment(0xfff8, false), STEERED_FRAGMENT);
        add("fragment without payload", fragment4(VIP4, UDP).payloadLength(0), STEERED_FRAGMENT);
        add("fragment with a bad total length", fragment4(VIP4, UDP).ipLength(500), PASS_MALFORMED);
        add("atomic fragment", tcp6().fragmentHeader(0, false, 5), STEERED);
        add("atomic fragment to another port", tcp(CLIENT6, 1, VIP6, 81).fragmentHeader(0, false, 5), PASS_NO_SERVICE);
        add("tcp6 fragment of UDP's wildcard VIP", fragment6(ALL_PORTS6, TCP), PASS_NO_SERVICE);
        add("tcp6 fragment to another address", fragment6(OTHER6, TCP), PASS_NO_SERVICE);
        add("icmpv6 fragment to the VIP", fragment6(VIP6, PacketBuilder.ICMPV6), PASS_PROTOCOL);
        add("fragment of an option header", fragment6(VIP6, DESTINATION_OPTIONS), PASS_PROTOCOL);
        add(
                "fragment behind hop-by-hop",
                ethernet()
                        .ip(CLIENT6, VIP6)
                        .extension(HOP_BY_HOP, 8)
                        .fragmentHeader(8, true, 5)
                        .raw(TCP)
                        .payloadLength(16),
                STEERED_FRAGMENT);
        add("fragment header cut short", tcp6().fragmentHeader(8, false, 5).ipLength(7), PASS_MALFORMED);
    }

    private static PacketBuilder fragment4(IpAddress destination, int protocol) {
        return ethernet()
                .ip(CLIENT4, destination)
                .raw(protocol)
                .fragment(1480, true)
                .payloadLength(64);
    }

    private static PacketBuilder fragment6(IpAddress destination, int protocol) {
        return ethernet()
                .ip(CLIENT6, destination)
                .fragmentHeader(1448, true, 9)
                .raw(protocol)
                .payloadLength(64);
    }

    /** Every prefix of several sound packets, with the lengths inside left alone and with them made to fit. */
    private void truncations() {
        truncate("tcp4", tcp4(), 14, 20, 20);
        truncate("udp4 with options", udp4().ipOptions(new byte[12]), 14, 32, 8);
        truncate("802.1ad 802.1Q udp4", udp4().tag(ETHERTYPE_8021AD, 7).tag(ETHERTYPE_8021Q, 1), 22, 20, 8);
        truncate("tcp6", tcp6(), 14, 40, 20);
        truncate("udp6 with extension headers", extended(udp6().extension(HOP_BY_HOP, 16), 1), 14, 64, 8);
        truncate("802.1Q tcp6", tcp6().tag(ETHERTYPE_8021Q, 1), 18, 40, 20);
    }

    private void truncate(String name, PacketBuilder packet, int linkBytes, int networkBytes, int transportBytes) {
        byte[] whole = packet.build();
        boolean inet6 = whole[linkBytes] >>> 4 == 6;
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            add(name + " cut at byte " + length, cut, PASS_MALFORMED);
            if (length >= linkBytes + (inet6 ? 40 : 20)) {
                byte[] fitted = cut.clone();
                int at = linkBytes + (inet6 ? 4 : 2);
                int ipLength = length - linkBytes - (inet6 ? 40 : 0);
                fitted[at] = (byte) (ipLength >>> 8);
                fitted[at + 1] = (byte) ipLength;
                boolean enough = length >= linkBytes + networkBytes + transportBytes;
                add(
                        name + " cut at byte " + length + ", length made to fit",
                        fitted,
                        enough ? STEERED : PASS_MALFORMED);
            }
        }
    }
}
