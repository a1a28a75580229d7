package dev.sluice.control.doctor.probe;

import dev.sluice.packet.IpAddress;

/**
 * An answer from the network.
 *
 * @param kind what it says
 * @param from the address it came from
 * @param interfaceName the interface it came in by
 * @param mac of the station that sent it, first octet most significant
 * @param mss the maximum segment size that a SYN-ACK offers; 0 where it offers none
 */
public record ProbeAnswer(Kind kind, IpAddress from, String interfaceName, long mac, int mss) {
    /** What an answer says. */
    public enum Kind {
        /** I have the address: an ARP reply, or a neighbour advertisement. */
        I_HAVE,
        /** An ICMP echo reply. */
        ECHO_REPLY,
        /** Somebody listens there. */
        SYN_ACK,
        /** Nobody listens there, but the address is there. */
        RST,
        /** ICMP time exceeded: the packet, sent with TTL 1, would have been forwarded. */
        TIME_EXCEEDED,
        /** ICMP destination unreachable. */
        UNREACHABLE,
        /** ICMP destination unreachable about the outer packet: nothing decapsulates there. */
        TUNNEL_UNREACHABLE
    }
}
