package dev.sluice.bpf;

/**
 * What the steering program did with a packet. Every packet counts under exactly one of these; the order is that of
 * {@code enum steering_outcome} in {@code bpf/counters.h}, and the ordinal is the index into the map {@code counters}.
 */
public enum SteeringOutcome {
    /** Handed to the XSK of the queue it arrived on. */
    STEERED(true),
    /** A fragment for a VIP, handed to the XSK: the director accounts for it. */
    STEERED_FRAGMENT(true),
    /** Meant for a service, but the queue has no XSK (yet): left to the kernel. */
    PASS_NO_SOCKET(false),
    /** Meant for a service, but the frame bears another station's MAC address (a flooded or multicast frame). */
    PASS_OTHER_HOST(false),
    /** Well-formed TCP or UDP to an address and port that is no service. */
    PASS_NO_SERVICE(false),
    /** IP, but neither TCP nor UDP. */
    PASS_PROTOCOL(false),
    /** Not IP: ARP, LLDP, more than two VLAN tags. */
    PASS_NOT_IP(false),
    /** Headers that are cut short, contradict each other, or chain on past the bound of the walk. */
    PASS_MALFORMED(false);

    private final boolean steered;

    SteeringOutcome(boolean steered) {
        this.steered = steered;
    }

    /** True for {@code XDP_REDIRECT}, false for {@code XDP_PASS}; the program has no other verdict. */
    public boolean steered() {
        return steered;
    }
}
