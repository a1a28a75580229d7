package dev.sluice.bpf;

/**
 * What the steering program did with a packet. Every packet counts under exactly one of these; names and indexes are
 * those of {@code enum steering_outcome} in {@code bpf/counters.h}.
 */
public enum SteeringOutcome {
    /** Handed to the XSK of the queue it arrived on. */
    STEERED(0, true),
    /** A fragment for a VIP, handed to the XSK: the director accounts for it. */
    STEERED_FRAGMENT(1, true),
    /** Meant for a service, but the queue has no XSK (yet): left to the kernel. */
    PASS_NO_SOCKET(2, false),
    /** Meant for a service, but the frame bears another station's MAC address (a flooded or multicast frame). */
    PASS_OTHER_HOST(3, false),
    /** Well-formed TCP or UDP to an address and port that is no service. */
    PASS_NO_SERVICE(4, false),
    /** IP, but neither TCP nor UDP. */
    PASS_PROTOCOL(5, false),
    /** Not IP: ARP, LLDP, more than two VLAN tags. */
    PASS_NOT_IP(6, false),
    /** Headers that are cut short, contradict each other, or chain on past the bound of the walk. */
    PASS_MALFORMED(7, false);

    private final int index;
    private final boolean steered;

    SteeringOutcome(int index, boolean steered) {
        this.index = index;
        this.steered = steered;
    }

    /** The index into the map {@code counters}. */
    public int index() {
        return index;
    }

    /** True for {@code XDP_REDIRECT}, false for {@code XDP_PASS}; the program has no other verdict. */
    public boolean steered() {
        return steered;
    }
}
