package dev.sluice.bench;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.zip.CRC32C;

/**
 * Builds one Ethernet frame, header by header, with right lengths and checksums unless a field is overridden.
 *
 * <p>For tests and benchmarks: clarity before speed. A builder can be reused after {@link #build()}; the calls that
 * follow change the next frame.
 */
public final class PacketBuilder {
    public static final int ETHERTYPE_IPV4 = 0x0800;
    public static final int ETHERTYPE_ARP = 0x0806;
    public static final int ETHERTYPE_8021Q = 0x8100;
    public static final int ETHERTYPE_8021AD = 0x88a8;
    public static final int ETHERTYPE_IPV6 = 0x86dd;

    public static final int HOP_BY_HOP = 0;
    public static final int ICMP = 1;
    public static final int IPIP = 4;
    public static final int TCP = 6;
    public static final int UDP = 17;
    public static final int IPV6 = 41;
    public static final int ROUTING = 43;
    public static final int FRAGMENT = 44;
    public static final int GRE = 47;
    public static final int ESP = 50;
    public static final int AUTHENTICATION = 51;
    public static final int ICMPV6 = 58;
    public static final int NO_NEXT_HEADER = 59;
    public static final int DESTINATION_OPTIONS = 60;
    public static final int SCTP = 132;

    public static final int TCP_FIN = 0x01;
    public static final int TCP_SYN = 0x02;
    public static final int TCP_RST = 0x04;
    public static final int TCP_PSH = 0x08;
    public static final int TCP_ACK = 0x10;

    /** Locally administered station addresses that tests use unless they say otherwise. */
    public static final long DEFAULT_SOURCE_MAC = 0x02_00_00_00_00_01L;

    public static final long DEFAULT_DESTINATION_MAC = 0x02_00_00_00_00_02L;

    private record Tag(int tpid, int tci) {}

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Extension(int type, byte[] bytes) {}

    private long sourceMac = DEFAULT_SOURCE_MAC;
    private long destinationMac = DEFAULT_DESTINATION_MAC;
    private final List<Tag> tags = new ArrayList<>();
    private OptionalInt etherType = OptionalInt.empty();

    private IpAddress source = IpAddress.ofInet(0);
    private IpAddress destination = IpAddress.ofInet(0);
    private boolean ip;
    private int ttl = 64;
    private int trafficClass;
    private int flowLabel;
    private int identification;
    private int fragmentField;
    private byte[] ipOptions = {};
    private final List<Extension> extensions = new ArrayList<>();
    private OptionalInt ipVersion = OptionalInt.empty();
    private OptionalInt headerWords = OptionalInt.empty();
    private OptionalInt ipLength = OptionalInt.empty();
    private OptionalInt ipChecksum = OptionalInt.empty();
    private OptionalInt nextHeader = OptionalInt.empty();

    private int protocol = NO_NEXT_HEADER;
    private boolean transportHeader;
    private int sourcePort;
    private int destinationPort;
    private long sequence = 1;
    private long acknowledgement;
    private int tcpFlags = TCP_SYN;
    private byte[] tcpOptions = {};
    private int icmpType;
    private int icmpCode;
    private OptionalInt icmpRest = OptionalInt.empty();
    private OptionalInt tcpHeaderWords = OptionalInt.empty();
    private OptionalInt udpLength = OptionalInt.empty();
    private OptionalInt transportChecksum = OptionalInt.empty();
    private byte[] payload = {};
    private int paddingBytes;

    private PacketBuilder() {}

    /** An empty Ethernet frame between the default stations. */
    public static PacketBuilder ethernet() {
        return new PacketBuilder();
    }

    /** A TCP SYN without payload; the family is the addresses'. */
    public static PacketBuilder tcp(IpAddress source, int sourcePort, IpAddress destination, int destinationPort) {
        return ethernet().ip(source, destination).tcp(sourcePort, destinationPort);
    }

    /** A UDP datagram without payload; the family is the addresses'. */
    public static PacketBuilder udp(IpAddress source, int sourcePort, IpAddress destination, int destinationPort) {
        return ethernet().ip(source, destination).udp(sourcePort, destinationPort);
    }

    /** An SCTP packet without chunks: they are its payload, as {@link SctpChunk} builds them. */
    public static PacketBuilder sctp(IpAddress source, int sourcePort, IpAddress destination, int destinationPort) {
        return ethernet().ip(source, destination).sctp(sourcePort, destinationPort);
    }

    /** Station addresses, 48 bits big-endian in a {@code long}. */
    public PacketBuilder macs(long sourceMac, long destinationMac) {
        this.sourceMac = sourceMac;
        this.destinationMac = destinationMac;
        return this;
    }

    /** One more tag, outermost first; {@code tci} is priority, DEI and VLAN id. */
    public PacketBuilder tag(int tpid, int tci) {
        tags.add(new Tag(tpid, tci));
        return this;
    }

    /** The type after the tags, in place of the one that follows from the addresses. */
    public PacketBuilder etherType(int type) {
        etherType = OptionalInt.of(type);
        return this;
    }

    /** An IPv4 or IPv6 header between two addresses of one family. */
    public PacketBuilder ip(IpAddress source, IpAddress destination) {
        if (source.family() != destination.family()) {
            throw new IllegalArgumentException("families differ: " + source + " and " + destination);
        }
        ip = true;
        this.source = source;
        this.destination = destination;
        return this;
    }

    /** TTL or hop limit. */
    public PacketBuilder ttl(int ttl) {
        this.ttl = ttl;
        return this;
    }

    /** TOS or traffic class. */
    public PacketBuilder trafficClass(int trafficClass) {
        this.trafficClass = trafficClass;
        return this;
    }

    /** IPv6 flow label. */
    public PacketBuilder flowLabel(int flowLabel) {
        this.flowLabel = flowLabel;
        return this;
    }

    /** IPv4 identification. */
    public PacketBuilder identification(int identification) {
        this.identification = identification;
        return this;
    }

    /** IPv4 don't-fragment. */
    public PacketBuilder dontFragment() {
        fragmentField |= 0x4000;
        return this;
    }

    /** IPv4 fragment offset (bytes, a multiple of 8) and more-fragments. */
    public PacketBuilder fragment(int offsetBytes, boolean more) {
        fragmentField = (fragmentField & 0x4000) | (more ? 0x2000 : 0) | offsetBytes / 8;
        return this;
    }

    /** IPv4 options, padded with end-of-list to a multiple of four. */
    public PacketBuilder ipOptions(byte... options) {
        ipOptions = Arrays.copyOf(options, (options.length + 3) / 4 * 4);
        return this;
    }

    /** IPv6 extension header of whole length {@code lengthBytes} (a multiple of 8), filled with PadN or zeros. */
    public PacketBuilder extension(int type, int lengthBytes) {
        byte[] bytes = new byte[lengthBytes];
        bytes[1] = (byte) (type == AUTHENTICATION ? lengthBytes / 4 - 2 : lengthBytes / 8 - 1);
        if (type == HOP_BY_HOP || type == DESTINATION_OPTIONS) {
            // RFC 8200 section 4.2 PadN; an option holds 257 bytes at most, so long headers take several.
            for (int at = 2; at < lengthBytes; ) {
                int room = Math.min(lengthBytes - at, 257);
                if (lengthBytes - at - room == 1) {
                    room--;
                }
                bytes[at] = 1;
                bytes[at + 1] = (byte) (room - 2);
                at += room;
            }
        }
        return extension(type, bytes);
    }

    /** IPv6 extension header as given; only its first byte, the next header, is filled in. */
    public PacketBuilder extension(int type, byte[] bytes) {
        extensions.add(new Extension(type, bytes.clone()));
        return this;
    }

    /** IPv6 fragment header: offset in bytes (a multiple of 8). Offset 0 without more is an atomic fragment, RFC 6946. */
    public PacketBuilder fragmentHeader(int offsetBytes, boolean more, int identification) {
        byte[] bytes = new byte[8];
        ByteBuffer.wrap(bytes)
                .putShort(2, (short) (offsetBytes | (more ? 1 : 0)))
                .putInt(4, identification);
        return extension(FRAGMENT, bytes);
    }

    /** Overrides the version nibble. */
    public PacketBuilder ipVersion(int version) {
        ipVersion = OptionalInt.of(version);
        return this;
    }

    /** Overrides IPv4 IHL, in 32-bit words. */
    public PacketBuilder headerWords(int words) {
        headerWords = OptionalInt.of(words);
        return this;
    }

    /** Overrides IPv4 total length or IPv6 payload length, in bytes. */
    public PacketBuilder ipLength(int lengthBytes) {
        ipLength = OptionalInt.of(lengthBytes);
        return this;
    }

    /** Overrides the IPv4 header checksum. */
    public PacketBuilder ipChecksum(int checksum) {
        ipChecksum = OptionalInt.of(checksum);
        return this;
    }

    /** Overrides the IPv4 protocol, or the next header in the last IPv6 header before the transport. */
    public PacketBuilder nextHeader(int protocol) {
        nextHeader = OptionalInt.of(protocol);
        return this;
    }

    /** A TCP header, SYN unless {@link #tcpFlags} says otherwise. */
    public PacketBuilder tcp(int sourcePort, int destinationPort) {
        return transport(TCP, sourcePort, destinationPort);
    }

    /** A UDP header. */
    public PacketBuilder udp(int sourcePort, int destinationPort) {
        return transport(UDP, sourcePort, destinationPort);
    }

    /** An SCTP common header. */
    public PacketBuilder sctp(int sourcePort, int destinationPort) {
        return transport(SCTP, sourcePort, destinationPort);
    }

    /** An ICMP or ICMPv6 header, as the addresses' family has it, of a type with code 0. */
    public PacketBuilder icmp(int type) {
        icmpType = type;
        return transport(source.family() == AddressFamily.INET ? ICMP : ICMPV6, 0, 0);
    }

    /** As {@link #icmp(int)}, with a code and the four octets behind the checksum: an error, whose payload is its quote. */
    public PacketBuilder icmp(int type, int code, int rest) {
        icmpCode = code;
        icmpRest = OptionalInt.of(rest);
        return icmp(type);
    }

    private PacketBuilder transport(int protocol, int sourcePort, int destinationPort) {
        this.protocol = protocol;
        transportHeader = true;
        this.sourcePort = sourcePort;
        this.destinationPort = destinationPort;
        return this;
    }

    /** No transport header: the payload follows the IP headers, as in a later fragment. */
    public PacketBuilder raw(int protocol) {
        this.protocol = protocol;
        transportHeader = false;
        return this;
    }

    /** TCP flags, an or of the constants here. */
    public PacketBuilder tcpFlags(int flags) {
        tcpFlags = flags;
        return this;
    }

    /** TCP sequence and acknowledgement numbers. */
    public PacketBuilder tcpNumbers(long sequence, long acknowledgement) {
        this.sequence = sequence;
        this.acknowledgement = acknowledgement;
        return this;
    }

    /** TCP options, padded with end-of-list to a multiple of four. */
    public PacketBuilder tcpOptions(byte... options) {
        tcpOptions = Arrays.copyOf(options, (options.length + 3) / 4 * 4);
        return this;
    }

    /** Overrides the TCP data offset, in 32-bit words. */
    public PacketBuilder tcpHeaderWords(int words) {
        tcpHeaderWords = OptionalInt.of(words);
        return this;
    }

    /** Overrides the UDP length, in bytes. */
    public PacketBuilder udpLength(int lengthBytes) {
        udpLength = OptionalInt.of(lengthBytes);
        return this;
    }

    /** Overrides the transport checksum. */
    public PacketBuilder transportChecksum(int checksum) {
        transportChecksum = OptionalInt.of(checksum);
        return this;
    }

    /** The bytes after the last header. */
    public PacketBuilder payload(byte... payload) {
        this.payload = payload.clone();
        return this;
    }

    /** A payload of counting bytes. */
    public PacketBuilder payloadLength(int lengthBytes) {
        payload = new byte[lengthBytes];
        for (int i = 0; i < lengthBytes; i++) {
            payload[i] = (byte) i;
        }
        return this;
    }

    /** Zero bytes behind the datagram that no IP length covers, as Ethernet's minimum frame brings them. */
    public PacketBuilder padding(int lengthBytes) {
        paddingBytes = lengthBytes;
        return this;
    }

    /** The IP packet alone, to be quoted or encapsulated. */
    public byte[] buildPacket() {
        return datagram();
    }

    /** The frame, without frame check sequence. */
    public byte[] build() {
        byte[] datagram = ip ? datagram() : payload;
        ByteBuffer frame = ByteBuffer.allocate(14 + 4 * tags.size() + datagram.length + paddingBytes);
        putMac(frame, destinationMac);
        putMac(frame, sourceMac);
        for (Tag tag : tags) {
            frame.putShort((short) tag.tpid()).putShort((short) tag.tci());
        }
        int ipType = source.family() == AddressFamily.INET ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
        frame.putShort((short) etherType.orElse(ipType));
        frame.put(datagram);
        return frame.array();
    }

    /**
     * The frame's datagram cut into fragments that carry at most {@code maxBytes} (a multiple of 8) of it each, with a
     * checksum that is right once they are put together. IPv6 gets a fragment header behind the extension headers.
     */
    public List<byte[]> buildFragments(int maxBytes, int identification) {
        byte[] transport = transport();
        List<byte[]> frames = new ArrayList<>();
        for (int at = 0; at < transport.length; at += maxBytes) {
            int end = Math.min(at + maxBytes, transport.length);
            boolean more = end < transport.length;
            PacketBuilder part = ethernet().macs(sourceMac, destinationMac).ip(source, destination);
            part.tags.addAll(tags);
            part.extensions.addAll(extensions);
            part.ttl(ttl).trafficClass(trafficClass).flowLabel(flowLabel).ipOptions(ipOptions);
            if (source.family() == AddressFamily.INET) {
                part.identification(identification).fragment(at, more);
            } else {
                part.fragmentHeader(at, more, identification);
            }
            frames.add(part.raw(protocol)
                    .payload(Arrays.copyOfRange(transport, at, end))
                    .build());
        }
        return frames;
    }

    private byte[] datagram() {
        byte[] transport = transport();
        return source.family() == AddressFamily.INET ? ipv4(transport) : ipv6(transport);
    }

    private byte[] ipv4(byte[] transport) {
        int headerBytes = 20 + ipOptions.length;
        int totalLength = headerBytes + transport.length;
        ByteBuffer packet = ByteBuffer.allocate(totalLength);
        packet.put((byte) (ipVersion.orElse(4) << 4 | headerWords.orElse(headerBytes / 4)));
        packet.put((byte) trafficClass);
        packet.putShort((short) ipLength.orElse(totalLength));
        packet.putShort((short) identification);
        packet.putShort((short) fragmentField);
        packet.put((byte) ttl);
        packet.put((byte) nextHeader.orElse(protocol));
        packet.putShort((short) 0);
        packet.put(source.toBytes()).put(destination.toBytes());
        packet.put(ipOptions).put(transport);
        int checksum = ~fold(sum(packet.array(), 0, headerBytes)) & 0xffff;
        packet.putShort(10, (short) ipChecksum.orElse(checksum));
        return packet.array();
    }

    private byte[] ipv6(byte[] transport) {
        int extensionBytes = extensions.stream().mapToInt(e -> e.bytes().length).sum();
        int payloadLength = extensionBytes + transport.length;
        int last = nextHeader.orElse(protocol);
        ByteBuffer packet = ByteBuffer.allocate(40 + payloadLength);
        packet.putInt(ipVersion.orElse(6) << 28 | trafficClass << 20 | flowLabel);
        packet.putShort((short) ipLength.orElse(payloadLength));
        packet.put((byte) (extensions.isEmpty() ? last : extensions.getFirst().type()));
        packet.put((byte) ttl);
        packet.put(source.toBytes()).put(destination.toBytes());
        for (int i = 0; i < extensions.size(); i++) {
            int at = packet.position();
            packet.put(extensions.get(i).bytes());
            packet.put(at, (byte)
                    (i + 1 < extensions.size() ? extensions.get(i + 1).type() : last));
        }
        packet.put(transport);
        return packet.array();
    }

    private byte[] transport() {
        if (!transportHeader) {
            return payload;
        }
        if (protocol == SCTP) {
            return sctpPacket();
        }
        ByteBuffer segment = switch (protocol) {
            case TCP -> tcpSegment();
            case UDP ->
                ByteBuffer.allocate(8 + payload.length)
                        .putShort((short) sourcePort)
                        .putShort((short) destinationPort)
                        .putShort((short) udpLength.orElse(8 + payload.length))
                        .putShort((short) 0);
            default ->
                ByteBuffer.allocate(8 + payload.length)
                        .put((byte) icmpType)
                        .put((byte) icmpCode)
                        .putShort((short) 0)
                        .putInt(icmpRest.orElse(identification << 16 | 1));
        };
        segment.put(payload);
        int at = switch (protocol) {
            case TCP -> 16;
            case UDP -> 6;
            default -> 2;
        };
        long sum = sum(segment.array(), 0, segment.capacity());
        if (protocol != ICMP) {
            byte[] from = source.toBytes();
            byte[] to = destination.toBytes();
            sum += sum(from, 0, from.length) + sum(to, 0, to.length) + protocol + segment.capacity();
        }
        int checksum = ~fold(sum) & 0xffff;
        if (protocol == UDP && checksum == 0) {
            // RFC 768: zero says "no checksum", so a computed zero goes out as its other representation.
            checksum = 0xffff;
        }
        segment.putShort(at, (short) transportChecksum.orElse(checksum));
        return segment.array();
    }

    private byte[] sctpPacket() {
        ByteBuffer packet = ByteBuffer.allocate(12 + payload.length)
                .putShort((short) sourcePort)
                .putShort((short) destinationPort)
                .putInt((int) sequence)
                .putInt(0)
                .put(payload);
        CRC32C checksum = new CRC32C();
        checksum.update(packet.array());
        // RFC 9260 appendix A: least significant octet first.
        return packet.putInt(8, Integer.reverseBytes((int) checksum.getValue())).array();
    }

    private ByteBuffer tcpSegment() {
        int headerBytes = 20 + tcpOptions.length;
        return ByteBuffer.allocate(headerBytes + payload.length)
                .putShort((short) sourcePort)
                .putShort((short) destinationPort)
                .putInt((int) sequence)
                .putInt((int) acknowledgement)
                .put((byte) (tcpHeaderWords.orElse(headerBytes / 4) << 4))
                .put((byte) tcpFlags)
                .putShort((short) 0xffff)
                .putInt(0)
                .put(tcpOptions);
    }

    private static void putMac(ByteBuffer frame, long mac) {
        frame.putShort((short) (mac >>> 32)).putInt((int) mac);
    }

    /** The unfolded sum of RFC 1071 over bytes in network order. */
    static long sum(byte[] bytes, int from, int to) {
        long sum = 0;
        for (int i = from; i < to; i++) {
            sum += (bytes[i] & 255L) << (((i - from) & 1) == 0 ? 8 : 0);
        }
        return sum;
    }

    /** Folds carries into 16 bits. */
    static int fold(long sum) {
        long folded = sum;
        while (folded >>> 16 != 0) {
            folded = (folded & 0xffff) + (folded >>> 16);
        }
        return (int) folded;
    }
}
