package dev.sluice.control.doctor.probe;

import dev.sluice.packet.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * What was asked of the network.
 *
 * @param question the kind of question
 * @param target the address asked for, or the real server's
 * @param vip the VIP that the packet was addressed to, or came from; null where none plays a part
 * @param port the TCP port, or for {@link Question#ECHO_LARGE} the packet's length in bytes; 0 where none plays a part
 * @param interfaceName where {@link Question#WHO_HAS} was asked; empty for the others, which follow the route
 */
public record ProbeKey(
        Question question, IpAddress target, @Nullable IpAddress vip, int port, String interfaceName) {
    /** A kind of question. */
    public enum Question {
        /** An ARP request, or a neighbour solicitation. */
        WHO_HAS,
        /** An ICMP echo request to the RIP. */
        ECHO,
        /** The same, as large as the way is said to take, not to be fragmented. */
        ECHO_LARGE,
        /** An ICMP echo request to the VIP, on the way that packets of clients take to the real server. */
        ECHO_ON_PATH,
        /** An ICMP echo request to the RIP from the VIP: the answer takes the way that answers to clients take. */
        ECHO_FROM_VIP,
        /** A TCP SYN to the RIP. */
        SYN,
        /** A TCP SYN to the VIP, on the way that packets of clients take to the real server. */
        SYN_ON_PATH
    }

    /** Who has an address, on an interface's network. */
    public static ProbeKey whoHas(IpAddress target, String interfaceName) {
        return new ProbeKey(Question.WHO_HAS, target, null, 0, interfaceName);
    }

    /** A question to a real server by its own address. */
    public static ProbeKey direct(Question question, IpAddress rip, int port) {
        return new ProbeKey(question, rip, null, port, "");
    }

    /** A question in which a VIP plays a part. */
    public static ProbeKey ofVip(Question question, IpAddress rip, IpAddress vip, int port) {
        return new ProbeKey(question, rip, vip, port, "");
    }
}
