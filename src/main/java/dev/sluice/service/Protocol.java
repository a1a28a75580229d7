package dev.sluice.service;

/** The transport protocols that a virtual service can be of. */
public enum Protocol {
    /** RFC 9293. */
    TCP(6),
    /** RFC 768. */
    UDP(17),
    /** RFC 9260. */
    SCTP(132);

    private final int number;

    Protocol(int number) {
        this.number = number;
    }

    /** The IANA protocol number, as in the IPv4 protocol field or the last IPv6 next header. */
    public int number() {
        return number;
    }
}
