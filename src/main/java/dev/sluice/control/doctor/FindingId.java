package dev.sluice.control.doctor;

import java.util.List;
import java.util.Optional;

/**
 * What {@code sluice doctor} can find, but for counters that grow, whose findings {@link CounterAdvice} has. All stand in {@code
 * docs/doctor.md}.
 */
public enum FindingId {
    /** The kernel lacks what the steering program needs. */
    KERNEL_TOO_OLD("kernel-too-old", Severity.ERROR),
    /** This process has not what {@code sluice run} needs. */
    CAPABILITY_MISSING("capability-missing", Severity.WARNING),
    /** libbpf or libxdp cannot be loaded. */
    LIBRARY_MISSING("library-missing", Severity.ERROR),
    /** {@code RLIMIT_MEMLOCK} is smaller than the UMEM. */
    MEMLOCK_TOO_LOW("memlock-too-low", Severity.WARNING),
    /** Fewer huge pages than {@code hugepages = "on"} needs. */
    HUGE_PAGES_TOO_FEW("huge-pages-too-few", Severity.ERROR),
    /** {@code cpus} names what is not there, or not as many as there are workers. */
    CPUS_WRONG("cpus-wrong", Severity.ERROR),
    /** Several workers on one CPU. */
    WORKERS_SHARE_CPU("workers-share-cpu", Severity.WARNING),
    /** Several busy workers on hyperthreads of one core. */
    WORKERS_SHARE_CORE("workers-share-core", Severity.INFO),

    /** One of {@code interfaces} is not there. */
    INTERFACE_MISSING("interface-missing", Severity.ERROR),
    /** One of {@code interfaces} is down. */
    INTERFACE_DOWN("interface-down", Severity.ERROR),
    /** One of {@code interfaces} has no carrier. */
    INTERFACE_NO_CARRIER("interface-no-carrier", Severity.ERROR),
    /** An XDP program that is not Sluice's, alone on an interface. */
    XDP_OTHER_PROGRAM("xdp-other-program", Severity.ERROR),
    /** The director runs, and its program is not on the interface. */
    XDP_PROGRAM_MISSING("xdp-program-missing", Severity.ERROR),
    /** A steering program without a director. */
    XDP_LEFTOVER("xdp-leftover", Severity.ERROR),
    /** Generic mode where the driver has native XDP. */
    XDP_GENERIC("xdp-generic", Severity.WARNING),
    /** Copies where the driver has zero-copy. */
    XDP_COPY("xdp-copy", Severity.INFO),
    /** More queues configured than an interface has. */
    QUEUES_TOO_FEW("queues-too-few", Severity.ERROR),
    /** Receive queues that no worker serves. */
    QUEUES_WITHOUT_WORKER("queues-without-worker", Severity.ERROR),
    /** A rule of the device that leads to a queue which no worker serves. */
    FLOW_RULE_WITHOUT_WORKER("flow-rule-without-worker", Severity.WARNING),
    /** LRO, or GRO ahead of the steering program. */
    OFFLOAD_MERGES_PACKETS("offload-merges-packets", Severity.WARNING),
    /** VLAN tags that the device takes out of the frame. */
    OFFLOAD_STRIPS_VLAN("offload-strips-vlan", Severity.WARNING),
    /** New connections whose checksums are not computed. */
    OFFLOAD_CHECKSUM("offload-checksum", Severity.ERROR),
    /** A veth that leaves checksums to others, as its peer, which cannot be seen, will if nobody has changed it. */
    OFFLOAD_CHECKSUM_VETH("offload-checksum-veth", Severity.INFO),

    /** An MTU beyond what a packet can take. */
    MTU_TOO_LARGE("mtu-too-large", Severity.ERROR),
    /** Director and real server, or the way between them, do not agree about the MTU. */
    MTU_MISMATCH("mtu-mismatch", Severity.ERROR),

    /** Nobody has the VIP. */
    VIP_MISSING_ON_DIRECTOR("vip-missing-on-director", Severity.ERROR),
    /** Another host has the VIP, and this one has not. */
    VIP_ON_ANOTHER_HOST("vip-on-another-host", Severity.WARNING),
    /** A real server answers ARP or neighbour discovery for the VIP. */
    ARP_VIP_ANSWERED_BY_REAL_SERVER("arp-vip-answered-by-real-server", Severity.ERROR),
    /** Another host answers for a VIP, or local address, that the director has. */
    ARP_VIP_ANSWERED_BY_ANOTHER_HOST("arp-vip-answered-by-another-host", Severity.ERROR),
    /** The director's kernel is told not to answer for the VIP. */
    ARP_IGNORE_SILENCES_VIP("arp-ignore-silences-vip", Severity.ERROR),
    /** A local address of FULLNAT is not an address of the director. */
    LOCAL_ADDRESS_MISSING("local-address-missing", Severity.ERROR),

    /** No route to the RIP. */
    RIP_NO_ROUTE("rip-no-route", Severity.ERROR),
    /** The route to the RIP discards. */
    RIP_ROUTE_DISCARDS("rip-route-discards", Severity.ERROR),
    /** The route to the RIP leaves by an interface that is not the director's. */
    RIP_ROUTE_ELSEWHERE("rip-route-elsewhere", Severity.ERROR),
    /** The RIP is an address of this host. */
    RIP_IS_LOCAL("rip-is-local", Severity.ERROR),
    /** A router is before a real server of method dr. */
    DR_NOT_ON_LINK("dr-not-on-link", Severity.ERROR),
    /** No address to encapsulate from. */
    TUNNEL_NO_SOURCE("tunnel-no-source", Severity.ERROR),
    /** The real server, or the router before it, does not answer ARP or neighbour discovery. */
    NEIGHBOUR_MISSING("neighbour-missing", Severity.ERROR),
    /** The kernel's neighbour entry is another MAC address than the one that answers. */
    NEIGHBOUR_WRONG_MAC("neighbour-wrong-mac", Severity.ERROR),
    /** Two stations answer for one RIP. */
    RIP_ANSWERED_TWICE("rip-answered-twice", Severity.ERROR),
    /** Answers come in where rp_filter drops them. */
    RP_FILTER_DROPS_REPLIES("rp-filter-drops-replies", Severity.ERROR),
    /** The kernel tells real servers by NAT a way past the director. */
    SEND_REDIRECTS("send-redirects", Severity.WARNING),
    /** Source NAT is configured and the kernel does not forward. */
    IP_FORWARD_OFF("ip-forward-off", Severity.ERROR),

    /** A real server that does not take packets for the VIP. */
    VIP_MISSING_ON_REAL_SERVER("vip-missing-on-real-server", Severity.ERROR),
    /** A real server that does not decapsulate. */
    TUNNEL_ENDPOINT_MISSING("tunnel-endpoint-missing", Severity.ERROR),
    /** A real server without listener on the port. */
    REAL_SERVER_PORT_CLOSED("real-server-port-closed", Severity.ERROR),
    /** A real server that is there and whose port is silent. */
    REAL_SERVER_PORT_SILENT("real-server-port-silent", Severity.WARNING),
    /** A real server that answers ARP and nothing else. */
    REAL_SERVER_SILENT("real-server-silent", Severity.WARNING),
    /** A real server by NAT whose answers to other networks do not come to the director. */
    NAT_GATEWAY_NOT_DIRECTOR("nat-gateway-not-director", Severity.ERROR),
    /** A real server by NAT that got packets, and none of whose replies came back. */
    NAT_NO_REPLIES("nat-no-replies", Severity.ERROR),

    /** No service at all. */
    NO_SERVICES("no-services", Severity.WARNING),
    /** A service without a real server. */
    SERVICE_WITHOUT_REAL_SERVERS("service-without-real-servers", Severity.ERROR),
    /** A service all of whose real servers have weight 0. */
    SERVICE_ALL_QUIESCED("service-all-quiesced", Severity.ERROR),
    /** A service none of whose real servers is healthy. */
    SERVICE_ALL_DOWN("service-all-down", Severity.ERROR),
    /** A service without its quorum. */
    SERVICE_WITHOUT_QUORUM("service-without-quorum", Severity.WARNING),
    /** A real server of weight 0. */
    REAL_SERVER_QUIESCED("real-server-quiesced", Severity.INFO),
    /** A real server that failed its checks. */
    REAL_SERVER_DOWN("real-server-down", Severity.WARNING),
    /** A real server above its threshold. */
    REAL_SERVER_OVERLOADED("real-server-overloaded", Severity.WARNING),

    /** The device dropped packets for want of buffers. */
    NIC_MISSED("nic-missed", Severity.WARNING);

    private final String id;
    private final Severity severity;

    FindingId(String id, Severity severity) {
        this.id = id;
        this.severity = severity;
    }

    /** As it stands in output. */
    public String id() {
        return id;
    }

    /** How much it matters, unless the finding itself says otherwise. */
    public Severity severity() {
        return severity;
    }

    Finding about(String subject, String what, List<String> evidence, List<String> advice) {
        return as(severity, subject, what, evidence, advice);
    }

    Finding as(Severity other, String subject, String what, List<String> evidence, List<String> advice) {
        return new Finding(id, other, subject, what, evidence, advice, Optional.empty());
    }
}
