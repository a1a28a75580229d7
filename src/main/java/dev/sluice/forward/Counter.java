package dev.sluice.forward;

import java.util.Locale;

/**
 * What a worker counts. For every worker, {@link #PACKETS_IN} and all counters of {@link Kind#MADE} together equal {@link
 * #FORWARDED} plus all counters of {@link Kind#DROP} plus the fragments held at the moment: no packet is dropped uncounted.
 */
public enum Counter {
    /** See {@link #help}, as for all others. */
    PACKETS_IN(Kind.INPUT, "packets that the steering program handed to the worker"),
    FORWARDED(Kind.FORWARDED, "packets put into a TX ring: to real servers, and answers to clients"),
    FRAGMENT_MADE(Kind.MADE, "fragments made of packets too large for their way, beyond the first of each"),
    SYN_PROXY_ACK_SENT(Kind.MADE, "ACKs that completed handshakes with real servers behind the SYN proxy"),
    ICMP_ERROR_SENT(Kind.MADE, "ICMP errors made in answer to packets dropped"),
    TRACE_SENT(Kind.MADE, "packets made by sluice trace --inject --send"),

    FLOW_HIT(Kind.EVENT, "packets that belong to a known flow"),
    FLOW_NEW(Kind.EVENT, "flows opened: by a SYN, an INIT, or a first datagram"),
    CHECKSUM_WRONG(
            Kind.EVENT,
            "SYNs with a wrong TCP checksum, of those that are looked at, one in 16; they are forwarded all the same"),
    FLOW_NEW_SLOPPY(Kind.EVENT, "flows opened by a TCP or SCTP packet from the middle of a connection"),
    FLOW_REUSED(Kind.EVENT, "flows scheduled anew because a SYN or INIT used their ports again (conn_reuse_mode)"),
    FLOW_NODEST_EXPIRED(Kind.EVENT, "flows forgotten because their real server was removed (expire_nodest_conn)"),
    FRAGMENTED(Kind.EVENT, "packets sent on in fragments, because they were too large for their way"),
    FRAGMENT_HELD(Kind.EVENT, "fragments kept for a moment because they came before the first of their datagram"),
    ICMP_RELAYED(Kind.EVENT, "ICMP errors passed on to the real server of the flow that they are about"),
    ICMP_RATE_LIMITED(Kind.EVENT, "ICMP errors not sent because there were too many (icmp_rate_limit)"),
    ECHO_ANSWERED(Kind.EVENT, "echo requests answered"),
    ONE_PACKET(Kind.EVENT, "datagrams scheduled by themselves (one-packet scheduling)"),
    TEMPLATE_HIT(Kind.EVENT, "new flows that went where their client's persistence template leads"),
    TEMPLATE_NEW(Kind.EVENT, "new flows for which a persistence template was made"),
    TEMPLATE_REFUSED(
            Kind.EVENT,
            "new flows of persistent services without a template: there was no room, or another worker was changing it"),
    FLOW_ADOPTED(Kind.EVENT, "flows taken over from another worker because their packets come to this one now"),
    FLOW_HANDED_OVER(Kind.EVENT, "flows forgotten because another worker has taken them over, or scheduled them anew"),
    FLOW_HANDOVER_DROPPED(Kind.EVENT, "flows taken over whose former worker could not be told: its entry runs out"),
    REPLY_HIT(Kind.EVENT, "replies of real servers by NAT that belong to a known connection"),
    REPLY_PASSED_ON(
            Kind.EVENT, "packets of NAT's real servers that are a reply of no known connection, routed as they are"),
    FTP_EXPECTED(Kind.EVENT, "data connections that FTP control connections have announced"),
    SYN_PROXY_ANSWERED(Kind.EVENT, "SYNs that the SYN proxy answered by a cookie"),
    SYN_PROXY_RESET(
            Kind.EVENT,
            "former connections of real servers that were reset, being in the way of the SYN proxy's new ones"),
    TOA_ADDED(Kind.EVENT, "segments that were given the client's address as a TCP option (TOA)"),
    TOA_NO_ROOM(Kind.EVENT, "segments that had no room for the client's address as a TCP option, and went without"),
    PROXY_HEADER_ADDED(Kind.EVENT, "segments that were given the header of the PROXY protocol"),
    REPLY_UNTOLD(Kind.EVENT, "replies of another worker's connections that it could not be told of"),
    FLOW_TABLE_FULL(Kind.EVENT, "packets forwarded without a flow entry because the flow table was full"),
    FLOW_HALF_OPEN_FULL(
            Kind.EVENT,
            "SYNs and INITs forwarded without a flow entry because half-open flows had used up their share"),
    FLOW_RATE_LIMITED(Kind.EVENT, "packets forwarded without a flow entry because new flows came too fast"),

    PARSE_TRUNCATED_ETHERNET(Kind.DROP, "frames that end inside the Ethernet header or a VLAN tag"),
    PARSE_NOT_IP(Kind.DROP, "frames that carry neither IPv4 nor IPv6"),
    PARSE_TRUNCATED_IP(Kind.DROP, "frames that end inside the IP header"),
    PARSE_BAD_IP_VERSION(Kind.DROP, "packets whose version field contradicts the EtherType"),
    PARSE_BAD_IHL(Kind.DROP, "IPv4 packets with a header length below 20 bytes"),
    PARSE_BAD_TOTAL_LENGTH(Kind.DROP, "packets whose IP length is below the header's or above the frame's"),
    PARSE_BAD_IP_CHECKSUM(Kind.DROP, "IPv4 packets with a wrong header checksum"),
    PARSE_BAD_EXTENSION_HEADER(Kind.DROP, "IPv6 packets that end inside an extension header"),
    PARSE_TOO_MANY_EXTENSION_HEADERS(Kind.DROP, "IPv6 packets with more than 8 extension headers"),
    PARSE_TRUNCATED_TRANSPORT(Kind.DROP, "packets that end inside the TCP, UDP, SCTP, ESP or AH header"),
    FRAGMENT_WITHOUT_FIRST(Kind.DROP, "fragments that waited in vain for the first of their datagram"),
    FRAGMENT_HOLD_FULL(Kind.DROP, "fragments before the first of their datagram that found too many others waiting"),
    UNSUPPORTED_PROTOCOL(Kind.DROP, "packets that are not TCP, UDP, SCTP, ESP, AH or an ICMP error"),
    ICMP_WITHOUT_FLOW(Kind.DROP, "ICMP errors about a packet of no known flow"),
    NO_SERVICE(Kind.DROP, "packets of no known flow to an address and port that no virtual service has"),
    NO_REAL_SERVER(Kind.DROP, "packets of no known flow to a service without a real server that takes new flows"),
    RST_WITHOUT_FLOW(Kind.DROP, "TCP resets of no known flow"),
    TCP_WITHOUT_FLOW(Kind.DROP, "TCP packets from the middle of an unknown connection, with sloppy_tcp off"),
    SCTP_WITHOUT_FLOW(
            Kind.DROP, "SCTP packets of no known association that have no chunk or, with sloppy_sctp off, no INIT"),
    REPLY_WITHOUT_FLOW(
            Kind.DROP,
            "packets of NAT's real servers that are a reply of no known connection, and have no router to go to"),
    NAT_WITHOUT_FLOW(
            Kind.DROP,
            "packets for real servers by NAT that get no flow entry, without which no reply could come back"),
    LOCAL_PORTS_EXHAUSTED(
            Kind.DROP, "packets that would open a connection by FULLNAT, for which no local address and port was free"),
    NAT_SCTP_FRAGMENT(
            Kind.DROP,
            "pieces of SCTP packets to another port, over whose whole their checksum would have to be corrected"),
    SYN_COOKIE_INVALID(
            Kind.DROP,
            "TCP packets of no known flow to a SYN-proxied service that acknowledge no cookie that is valid"),
    SYN_PROXY_UNEXPECTED(
            Kind.DROP, "packets of real servers that answer the SYN proxy's SYN, but not by SYN-ACK or RST"),
    PROXY_HEADER_TOO_BIG(
            Kind.DROP,
            "segments that would not fit the way to their real server with the header of the PROXY protocol"),
    FAMILY_HEADER(
            Kind.DROP,
            "packets to the other family with a header that it has no like of: a route of the sender's, AH, or an extension"
                    + " header in fragments"),
    FAMILY_UDP_FRAGMENT(
            Kind.DROP, "pieces of UDP datagrams without a checksum to IPv6, over whose whole it would have to be made"),
    FAMILY_ICMP(Kind.DROP, "ICMP errors to the other family that say what it has no error for"),
    NUMBERS_BUSY(
            Kind.DROP,
            "segments of connections whose sequence numbers or announced connections another worker was changing"),
    NO_IKE_FLOW(Kind.DROP, "ESP and AH packets whose client has no known IKE flow (UDP 500 or 4500) to the VIP"),
    FLOW_LOOKUP_BUSY(Kind.DROP, "packets whose flow may be with another worker whose table changed too fast to tell"),
    REAL_SERVER_GONE(Kind.DROP, "packets of flows whose real server was removed"),
    NO_ROUTE(Kind.DROP, "replies to a client to which no route leads"),
    NO_NEIGHBOUR(
            Kind.DROP,
            "packets to a real server, or replies to a client, whose or whose router's MAC address is not known"),
    TTL_EXPIRED(Kind.DROP, "packets that arrived with a TTL or hop limit of 0 or 1"),
    PACKET_TOO_BIG(Kind.DROP, "packets too large for the way to their real server that nobody may fragment"),
    NO_SPARE_FRAME(Kind.DROP, "packets that could not be fragmented for want of free frames"),
    TOO_MANY_FRAMES(Kind.DROP, "packets that came in more frames of the UMEM than the kernel sends at a time"),
    TX_RING_FULL(Kind.DROP, "packets that found no room in the egress interface's TX ring");

    /** A counter's part in the sum. */
    public enum Kind {
        /** Packets that came in. */
        INPUT,
        /** Packets that the director made itself. */
        MADE,
        /** Packets that went out. */
        FORWARDED,
        /** Packets that did not, by reason. */
        DROP,
        /** Things of note on the way, outside the sum. */
        EVENT
    }

    private final Kind kind;
    private final String help;

    Counter(Kind kind, String help) {
        this.kind = kind;
        this.help = help;
    }

    /** The counter's part in the sum. */
    public Kind kind() {
        return kind;
    }

    /** Where the counter stands in a worker's array; of no meaning outside the process. */
    @SuppressWarnings("EnumOrdinal") // an index into arrays sized by values(), never stored or sent
    public int index() {
        return ordinal();
    }

    /** The name in output and metrics, as {@code no_real_server}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** What is counted, as a phrase for help texts. */
    public String help() {
        return help;
    }
}
