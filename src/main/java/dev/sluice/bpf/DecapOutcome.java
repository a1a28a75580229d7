package dev.sluice.bpf;

/**
 * What the decapsulation program did with a packet. Every packet counts under exactly one of these; names and order are those
 * of {@code enum decap_outcome} in {@code bpf/decap_maps.h}.
 */
public enum DecapOutcome {
    /** The outer headers are gone and the inner packet is the kernel's. */
    DECAPSULATED(0, "decapsulated"),
    /** Congestion was experienced by a packet whose sender does not know ECN: dropped, RFC 6040 section 4.2. */
    DROP_ECN(1, "dropped: CE outside, no ECN inside"),
    /** The checksum of UDP or GRE is there and wrong. */
    DROP_CHECKSUM(2, "dropped: wrong checksum of UDP or GRE"),
    /** A fragment of a tunnel packet, left to the kernel; where GUE ends, every fragment of UDP may be one. */
    PASS_FRAGMENT(3, "passed: outer fragment"),
    /** The inner packet is for none of the VIPs. */
    PASS_NO_VIP(4, "passed: inner destination is no VIP"),
    /** A tunnel packet, or where GUE ends any UDP, for an address that this host did not have at setup. */
    PASS_OTHER_ADDRESS(5, "passed: outer destination is not this host's"),
    /** Not IP inside, or an option, key or control message that is not understood. */
    PASS_PAYLOAD(6, "passed: not plain IP inside"),
    /** IP, but no packet of the tunnels that were set up. */
    PASS_NO_TUNNEL(7, "passed: no tunnel packet"),
    /** ARP, LLDP, a third VLAN tag. */
    PASS_NOT_IP(8, "passed: not IP"),
    /** Headers that are cut short or contradict each other. */
    PASS_MALFORMED(9, "passed: malformed");

    private final int index;
    private final String meaning;

    DecapOutcome(int index, String meaning) {
        this.index = index;
        this.meaning = meaning;
    }

    /** The index into the map {@code decap_counters}. */
    public int index() {
        return index;
    }

    /** What it says to users, half a line. */
    public String meaning() {
        return meaning;
    }
}
