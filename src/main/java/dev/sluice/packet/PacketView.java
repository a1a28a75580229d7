package dev.sluice.packet;

/**
 * What the parser read from one frame. Owned by: worker; made once and filled again for every packet.
 *
 * <p>After {@link PacketParser#OK} everything is set. After {@link PacketParser#FRAGMENT}, {@link PacketParser#ICMP} and
 * {@link PacketParser#UNSUPPORTED_PROTOCOL} the network header's part is; after other codes nothing may be read.
 */
public final class PacketView {
    int l2Length;
    long l3Offset;
    long l4Offset;
    boolean inet6;
    int protocol;
    long sourceHigh;
    long sourceLow;
    long destinationHigh;
    long destinationLow;
    int sourcePort;
    int destinationPort;
    int tcpFlags;
    int sctpChunk;
    int ttl;
    int ipLength;
    boolean dontFragment;
    boolean fragment;
    boolean laterFragment;
    int fragmentId;

    /** Bytes before the IP header: Ethernet and up to two VLAN tags. */
    public int l2LengthBytes() {
        return l2Length;
    }

    /** Absolute offset of the IP header in the segment. */
    public long l3Offset() {
        return l3Offset;
    }

    /** Absolute offset of the transport header in the segment; in a later fragment, of what it carries. */
    public long l4Offset() {
        return l4Offset;
    }

    /** IPv6 if true, IPv4 if false. */
    public boolean inet6() {
        return inet6;
    }

    /**
     * The transport protocol's number: when the packet is OK, that of TCP, UDP, SCTP, ESP or AH, as {@link Transport} names
     * them.
     */
    public int protocol() {
        return protocol;
    }

    /** The CIP's first eight octets, 0 for IPv4, as in {@link IpAddress#high()}. */
    public long sourceHigh() {
        return sourceHigh;
    }

    /** The CIP's last eight octets, or the whole IPv4 address, as in {@link IpAddress#low()}. */
    public long sourceLow() {
        return sourceLow;
    }

    /** The VIP's first eight octets, 0 for IPv4. */
    public long destinationHigh() {
        return destinationHigh;
    }

    /** The VIP's last eight octets, or the whole IPv4 address. */
    public long destinationLow() {
        return destinationLow;
    }

    /** CPORT, 0–65535; 0 for ESP and AH, as is VPORT. */
    public int sourcePort() {
        return sourcePort;
    }

    /** VPORT, 0–65535. */
    public int destinationPort() {
        return destinationPort;
    }

    /** The octet of TCP's flags ({@link Transport#SYN} and so on); 0 for other protocols. */
    public int tcpFlags() {
        return tcpFlags;
    }

    /**
     * The type of the SCTP chunk that says what becomes of the association ({@link Sctp#INIT} and so on), or
     * {@link Sctp#NO_CHUNK}, which it is for other protocols too.
     */
    public int sctpChunk() {
        return sctpChunk;
    }

    /** Whether it asks for a new connection: TCP with SYN, SCTP with INIT (is_new_conn in ip_vs_core.c). */
    public boolean opensConnection() {
        return (tcpFlags & Transport.SYN) != 0 || sctpChunk == Sctp.INIT;
    }

    /** Whether it is ESP or AH, which have no ports and follow the flow of their IKE peer. */
    public boolean isIpsec() {
        return protocol == Transport.ESP || protocol == Transport.AH;
    }

    /**
     * Makes this a view of another flow between the same addresses, to look it up. Of the packet nothing but the
     * addresses is taken over.
     *
     * @param protocol of that flow
     * @param port its CPORT and VPORT
     */
    public void setFlow(PacketView packet, int protocol, int port) {
        inet6 = packet.inet6;
        sourceHigh = packet.sourceHigh;
        sourceLow = packet.sourceLow;
        destinationHigh = packet.destinationHigh;
        destinationLow = packet.destinationLow;
        this.protocol = protocol;
        sourcePort = port;
        destinationPort = port;
    }

    /**
     * Makes this a view of the flow that a packet of another family-wide protocol quotes, or of its addresses alone.
     *
     * @param protocol of the flow
     */
    public void setFlow(
            boolean inet6,
            int protocol,
            long sourceHigh,
            long sourceLow,
            int sourcePort,
            long destinationHigh,
            long destinationLow,
            int destinationPort) {
        this.inet6 = inet6;
        this.protocol = protocol;
        this.sourceHigh = sourceHigh;
        this.sourceLow = sourceLow;
        this.sourcePort = sourcePort;
        this.destinationHigh = destinationHigh;
        this.destinationLow = destinationLow;
        this.destinationPort = destinationPort;
        tcpFlags = 0;
        sctpChunk = Sctp.NO_CHUNK;
    }

    /**
     * Says that the packet has become longer somewhere behind its transport header's beginning, and that what is in front of the
     * place has moved towards the beginning of the frame.
     *
     * @param bytes by how many octets; negative when it is shorter, and what is in front has moved towards the end
     */
    public void grown(int bytes) {
        l3Offset -= bytes;
        l4Offset -= bytes;
        ipLength += bytes;
    }

    /**
     * Says that the packet has got the header of the other family, straight before what its old one carried. Addresses, ports and
     * what it says of fragments stay those of before.
     *
     * @param toInet6 the family it is of now
     * @param l3 absolute offset of the new IP header
     * @param l4 absolute offset of what it carries
     * @param ipLengthBytes the IP packet's new length
     * @param mayNotBeFragmented what {@link #dontFragment} is to say
     */
    public void translated(boolean toInet6, long l3, long l4, int ipLengthBytes, boolean mayNotBeFragmented) {
        inet6 = toInet6;
        l3Offset = l3;
        l4Offset = l4;
        ipLength = ipLengthBytes;
        dontFragment = mayNotBeFragmented;
        if (protocol == Transport.ICMP || protocol == Transport.ICMPV6) {
            protocol = toInet6 ? Transport.ICMPV6 : Transport.ICMP;
        }
    }

    /**
     * Makes this a view of what is known of a connection by another number than its ports, to look it up as a datagram in
     * fragments is looked up. Of the packet nothing but the addresses is taken over.
     *
     * @param number what tells it from others between the same addresses
     */
    public void setNumbered(PacketView packet, int protocol, int number) {
        setFlow(packet, protocol, 0);
        fragmentId = number;
    }

    /** Whether nobody may fragment it: IPv4 with DF, and IPv6. */
    public boolean dontFragment() {
        return dontFragment;
    }

    /** Whether it is a fragment; when the packet is OK, the first of its datagram, which has the ports. */
    public boolean isFragment() {
        return fragment;
    }

    /** Whether it is a fragment but the first, and has no ports. */
    public boolean isLaterFragment() {
        return laterFragment;
    }

    /** Of a fragment: what tells its datagram from others between the same addresses. 16 or 32 bits. */
    public int fragmentId() {
        return fragmentId;
    }

    /** TTL or hop limit, 0–255. */
    public int ttl() {
        return ttl;
    }

    /** The IP packet's length as its header says, without link layer and padding. */
    public int ipLengthBytes() {
        return ipLength;
    }
}
