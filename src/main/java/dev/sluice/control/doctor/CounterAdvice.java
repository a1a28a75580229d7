package dev.sluice.control.doctor;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What a counter that grows means, and what to do. The finding's id is the counter's name with hyphens, after {@code drop-} for the
 * datapath's, {@code steering-} for the steering program's, {@code xsk-} for {@code XDP_STATISTICS}.
 *
 * @param tolerable the share of packets, in thousandths, up to which it is part of ordinary life; 0 for not at all
 * @param meaning why it grows
 * @param advice what to do
 */
public record CounterAdvice(int tolerable, String meaning, String advice) {
    /** Latecomers, scanners: everybody has some. */
    private static final int ORDINARY = 50;

    private static final Map<String, CounterAdvice> ALL = new LinkedHashMap<>();

    static {
        for (String parse : new String[] {
            "truncated_ethernet",
            "not_ip",
            "truncated_ip",
            "bad_ip_version",
            "bad_ihl",
            "bad_total_length",
            "bad_ip_checksum",
            "bad_extension_header",
            "too_many_extension_headers",
            "truncated_transport"
        }) {
            put(
                    "drop-parse-" + parse.replace('_', '-'),
                    ORDINARY,
                    "packets are broken, or made to be",
                    "look at who sends them (sluice capture, tcpdump before the director); offloads of virtual interfaces break"
                            + " packets as well");
        }
        put("drop-fragment-without-first", ORDINARY, "first fragments are lost", "look for loss before the director");
        put(
                "drop-fragment-hold-full",
                ORDINARY,
                "very many fragments come before the first of their datagram",
                "look at who sends them");
        put(
                "drop-unsupported-protocol",
                ORDINARY,
                "packets for services are neither TCP, UDP, SCTP, ESP nor AH",
                "usually nothing; look at who sends them");
        put("drop-icmp-without-flow", ORDINARY, "ICMP errors are about connections that nobody knows", "nothing");
        put(
                "drop-no-service",
                ORDINARY,
                "packets are for an address or port that no service has any more",
                "nothing, if a service was just removed");
        put(
                "drop-no-real-server",
                0,
                "a service has no real server that takes new connections",
                "bring one back, give it a weight, raise thresholds: sluice health, sluice stats");
        put("drop-rst-without-flow", ORDINARY, "resets come for connections that are gone", "nothing");
        put(
                "drop-tcp-without-flow",
                ORDINARY,
                "packets come from the middle of unknown connections",
                "nothing, if it stops; after a restart keep connections by flow_table_memory = \"shared\", or sloppy_tcp");
        put(
                "drop-sctp-without-flow",
                ORDINARY,
                "packets come from the middle of unknown associations",
                "as with TCP: flow_table_memory = \"shared\", or sloppy_sctp");
        put(
                "drop-reply-without-flow",
                ORDINARY,
                "real servers by NAT answer connections that are gone, and there is no router to send it to",
                "nothing, if it stops");
        put(
                "drop-nat-without-flow",
                0,
                "connections by NAT get no entry, and without one no reply could come back",
                "raise flow_table_size or half_open_percent; sluice stats tells which counter of flows grows");
        put(
                "drop-local-ports-exhausted",
                0,
                "FULLNAT has no free local address and port",
                "more local_addresses, a wider local_ports, shorter timeouts");
        put(
                "drop-nat-sctp-fragment",
                ORDINARY,
                "SCTP by NAT to another port comes in fragments",
                "the same port on the real server, or no fragments");
        put("drop-syn-cookie-invalid", ORDINARY, "ACKs come that answer no cookie: a flood, or latecomers", "nothing");
        put(
                "drop-syn-proxy-unexpected",
                ORDINARY,
                "real servers answer the SYN proxy by something else than SYN-ACK",
                "look at the real server");
        put(
                "drop-proxy-header-too-big",
                0,
                "first segments do not fit the way with the PROXY header",
                "a larger MTU between director and real servers");
        put(
                "drop-family-header",
                ORDINARY,
                "packets to the other family have headers that it has no like of",
                "nothing, or a real server of the client's family");
        put(
                "drop-family-udp-fragment",
                ORDINARY,
                "UDP without checksum comes in fragments and is to go to IPv6",
                "a real server of the client's family");
        put("drop-family-icmp", ORDINARY, "ICMP errors say what the other family has no error for", "nothing");
        put(
                "drop-numbers-busy",
                ORDINARY,
                "one connection's packets come to two workers at once",
                "have the device spread by addresses and ports: ethtool -N IF rx-flow-hash tcp4 sdfn");
        put(
                "drop-no-ike-flow",
                ORDINARY,
                "ESP or AH comes without an IKE connection known here",
                "services for UDP 500 and 4500 on the same VIP");
        put(
                "drop-flow-lookup-busy",
                ORDINARY,
                "a worker loses its processor in the middle of a change",
                "processors of their own for workers: cpus, isolcpus");
        put(
                "drop-real-server-gone",
                ORDINARY,
                "connections go on whose real server was removed",
                "nothing, if it stops; drain before removing: weight 0");
        put(
                "drop-no-route",
                0,
                "no route leads to clients that are answered",
                "ip route get CLIENT; add the route, usually a default route");
        put(
                "drop-no-neighbour",
                0,
                "the MAC address of a real server, or of a router on the way, is not known",
                "ip neigh; bring the host or its link back");
        put(
                "drop-ttl-expired",
                ORDINARY,
                "packets arrive with TTL 1: a loop, or traceroute",
                "look for a router between client and director that sees the packet twice");
        put(
                "drop-packet-too-big",
                ORDINARY,
                "packets are larger than the way to their real server, and may not be fragmented; their senders are told",
                "nothing if it stops for each client; else a firewall drops ICMP on the way to clients, or is icmp_rate_limited"
                        + " growing? A larger MTU to the real servers, or a smaller MSS of theirs (ip route … advmss), ends it");
        put(
                "drop-no-spare-frame",
                0,
                "packets had to be fragmented while all frames were in use",
                "raise frames; better, make the MTUs agree");
        put(
                "drop-too-many-frames",
                0,
                "packets are larger than any MTU here: a local sender's segmentation offload",
                "at the sender: ethtool -K IF tso off gso off; or frame_size = 4096");
        put(
                "drop-tx-ring-full",
                0,
                "the interface that leads to real servers does not take what it is given",
                "look at its link (ethtool IF, tc -s qdisc); raise tx_ring; more queues and workers");
        put(
                "steering-pass-no-socket",
                0,
                "packets for services arrive on queues that no worker serves, and reach the kernel",
                "director.queues, or ethtool -L or -X: packets to the queues of workers alone");
        put(
                "steering-drop-no-director",
                0,
                "packets are dropped because a worker's socket is gone",
                "look at the director's log; restart it");
        put(
                "steering-pass-malformed",
                ORDINARY,
                "packets are too broken to tell whom they are for; the kernel gets them",
                "look at who sends them");
        put(
                "xsk-rx-dropped",
                0,
                "packets do not fit the frames: larger than the MTU, or merged by an offload",
                "ethtool -K IF lro off gro off; frame_size = 4096");
        put(
                "xsk-rx-ring-full",
                0,
                "a worker does not take packets fast enough",
                "more queues and workers; processors of their own (cpus, isolcpus), idle = \"busy\"; a larger rx_ring");
        put(
                "xsk-rx-fill-ring-empty-descs",
                0,
                "the kernel found no free frame to receive into",
                "a larger fill_ring and more frames; more workers");
        put("xsk-rx-invalid-descs", 0, "the kernel refused frames to receive into", "report it: this is a bug");
        put("xsk-tx-invalid-descs", 0, "the kernel refused frames to send", "report it: this is a bug");
        put(
                "worker-tx-kick-errors",
                0,
                "an interface refuses to send",
                "is it up (ip link), and its queue long enough (tc -s qdisc)?");
    }

    private static void put(String id, int tolerable, String meaning, String advice) {
        ALL.put(id, new CounterAdvice(tolerable, meaning, advice));
    }

    /** By the id of the finding. */
    public static Map<String, CounterAdvice> all() {
        return Map.copyOf(ALL);
    }

    static Optional<CounterAdvice> of(String id) {
        return Optional.ofNullable(ALL.get(id));
    }
}
