package dev.sluice.bpf;

import java.util.Locale;

/**
 * What the steering program did with a packet. Every packet counts under exactly one of these; names and indexes are
 * those of {@code enum steering_outcome} in {@code bpf/counters.h}.
 */
public enum SteeringOutcome {
    /** Handed to the XSK of the queue it arrived on. */
    STEERED(0, Verdict.REDIRECT),
    /** A fragment for a VIP, handed to the XSK: the director accounts for it. */
    STEERED_FRAGMENT(1, Verdict.REDIRECT),
    /** An ICMP error about what a real server sent in a service's name, handed to the XSK. */
    STEERED_ICMP(2, Verdict.REDIRECT),
    /** An echo request to a VIP, handed to the XSK because the director answers them. */
    STEERED_ECHO(3, Verdict.REDIRECT),
    /** Sent by a real server that is reached by translation, or to a local address; handed to the XSK. */
    STEERED_REPLY(4, Verdict.REDIRECT),
    /** A fragment from the address of such a real server, handed to the XSK. */
    STEERED_REPLY_FRAGMENT(5, Verdict.REDIRECT),
    /** An ICMP error about what was sent to such a real server or from a local address, handed to the XSK. */
    STEERED_REPLY_ICMP(6, Verdict.REDIRECT),
    /** Meant for the director while none is there, and not to reach the kernel: its reset would end a connection. */
    DROP_NO_DIRECTOR(7, Verdict.DROP),
    /** Meant for the director, but no XSK: a queue that no director serves, or no director and told to pass then. */
    PASS_NO_SOCKET(8, Verdict.PASS),
    /** Meant for the director, but the frame bears another station's MAC address (a flooded or multicast frame). */
    PASS_OTHER_HOST(9, Verdict.PASS),
    /** Well-formed TCP, UDP, SCTP, AH or ESP that no service takes, or an ICMP error about such a packet. */
    PASS_NO_SERVICE(10, Verdict.PASS),
    /** IP, but no protocol that a service can have; ICMP that is the kernel's. */
    PASS_PROTOCOL(11, Verdict.PASS),
    /** Not IP: ARP, LLDP, more than two VLAN tags. */
    PASS_NOT_IP(12, Verdict.PASS),
    /** Headers that are cut short, contradict each other, or chain on past the bound of the walk. */
    PASS_MALFORMED(13, Verdict.PASS);

    /** What becomes of a packet. */
    public enum Verdict {
        /** {@code XDP_REDIRECT}: it is the director's. */
        REDIRECT,
        /** {@code XDP_PASS}: it is the kernel's. */
        PASS,
        /** {@code XDP_DROP}: it is nobody's. */
        DROP
    }

    private final int index;
    private final Verdict verdict;

    SteeringOutcome(int index, Verdict verdict) {
        this.index = index;
        this.verdict = verdict;
    }

    /** The index into the map {@code counters}. */
    public int index() {
        return index;
    }

    /** The name in output and metrics, as {@code pass_no_service}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** What the program answers with. */
    public Verdict verdict() {
        return verdict;
    }
}
