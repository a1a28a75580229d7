package dev.sluice.control.observe;

import dev.sluice.forward.Counter;

/** What can be done about packets that are dropped. */
public final class DropAdvice {
    private static final String SENDER = "the packet came so from its sender, or was damaged on the way: look at the "
            + "sender with tcpdump, and at offloads of veth and tap devices (ethtool -K IF tx off)";

    private DropAdvice() {}

    /** Of a reason to drop packets, in a sentence or two; empty for other counters. */
    public static String of(Counter reason) {
        if (reason.kind() != Counter.Kind.DROP) {
            return "";
        }
        return switch (reason) {
            case NO_SERVICE ->
                "no service has this protocol, address and port: compare with sluice ipvsadm -Ln; after a change some "
                        + "packets of the old service are to be expected";
            case NO_REAL_SERVER ->
                "all real servers are down, of weight 0, or above their thresholds: sluice health and sluice stats say "
                        + "which; a sorry server would take what nobody else can";
            case RST_WITHOUT_FLOW -> "nothing: there is no connection left that could be reset";
            case TCP_WITHOUT_FLOW ->
                "the connection is older than the director, or its entry ran out: sloppy_tcp takes such packets, longer "
                        + "timeouts keep entries, flow_table_memory = \"shared\" carries them over a restart";
            case SCTP_WITHOUT_FLOW -> "as tcp_without_flow, with sloppy_sctp; packets without a chunk are never taken";
            case REPLY_WITHOUT_FLOW ->
                "a real server answers a connection that the director does not know, or talks to a local address of "
                        + "FULLNAT by itself: its entry has run out before the real server's, so compare timeouts";
            case NAT_WITHOUT_FLOW ->
                "the flow table is full or half-open flows have used up their share: flow_table_size, "
                        + "half_open_percent, max_new_flows_per_second";
            case LOCAL_PORTS_EXHAUSTED ->
                "more local addresses, or a wider range of local ports, for [director.fullnat] or" + " the service";
            case NAT_SCTP_FRAGMENT ->
                "SCTP to another port must not be fragmented: a lower path MTU at the sender, or the "
                        + "same port at the real server";
            case SYN_COOKIE_INVALID ->
                "under a SYN flood nothing; else the client took longer than a cookie lasts, or the "
                        + "director's hash_key has changed";
            case SYN_PROXY_UNEXPECTED ->
                "the real server answers the director's SYN oddly: look at its side with tcpdump";
            case PROXY_HEADER_TOO_BIG -> "a larger MTU on the way to the real server, or a smaller one at the client";
            case FAMILY_HEADER, FAMILY_UDP_FRAGMENT, FAMILY_ICMP ->
                "nothing: the other address family has no like of it "
                        + "(RFC 7915); a real server of the client's family takes such packets";
            case NUMBERS_BUSY, FLOW_LOOKUP_BUSY ->
                "nothing if it is rare, the sender repeats the packet; if it is not, a "
                        + "worker does not get its processor: sluice stats shows stalls";
            case NO_IKE_FLOW ->
                "the client has to speak IKE (UDP 500 or 4500) with the VIP first, through this director";
            case REAL_SERVER_GONE ->
                "the real server was removed under its connections: weight 0 first lets them end, "
                        + "expire_nodest_conn = true gives their next packets to others";
            case NO_ROUTE -> "a route to the client, on the director: ip route get CLIENT";
            case NO_NEIGHBOUR ->
                "the real server, or the router to it or to the client, does not answer ARP or neighbour "
                        + "discovery: ip neigh show; sluice stats names the way that is missing";
            case TTL_EXPIRED -> "a routing loop, or a traceroute; if the VIP is routed here, see who sends it back";
            case PACKET_TOO_BIG ->
                "the sender was told by ICMP and has to send smaller packets: see that no firewall drops "
                        + "ICMP to the VIP's clients; or raise the MTU on the way to the real server by the outer header";
            case ICMP_WITHOUT_FLOW -> "nothing, if few: the connection has ended";
            case UNSUPPORTED_PROTOCOL -> "nothing: a director forwards TCP, UDP, SCTP, ESP, AH and ICMP errors";
            case FRAGMENT_WITHOUT_FIRST, FRAGMENT_HOLD_FULL ->
                "the first fragment never came, or came elsewhere: fragments "
                        + "are spread by address only where RSS is told so; see docs/forwarding.md";
            case NO_SPARE_FRAME -> "more frames for the UMEM: frames in [director]";
            case TOO_MANY_FRAMES -> "larger frames for the UMEM, or a smaller MTU: frame_size in [director]";
            case TX_RING_FULL ->
                "the interface, or the processor that sends for it, does not keep up: a larger tx ring, more "
                        + "queues and workers, and see docs/operations.md";
            default -> SENDER;
        };
    }
}
