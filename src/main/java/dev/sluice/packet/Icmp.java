package dev.sluice.packet;

/**
 * Types, codes and offsets of ICMP (RFC 792) and ICMPv6 (RFC 4443), as far as a director has to do with them. Offsets are from
 * the message's first octet.
 */
public final class Icmp {
    /** Of both: type, code, checksum and four octets that the type gives a meaning. */
    public static final int HEADER_BYTES = 8;

    public static final int TYPE = 0;
    public static final int CODE = 1;
    public static final int CHECKSUM = 2;
    /** In "fragmentation needed" the 16-bit MTU (RFC 1191 section 4), in "packet too big" all 32 bits. */
    public static final int REST = 4;

    public static final int ECHO_REPLY = 0;
    public static final int DESTINATION_UNREACHABLE = 3;
    public static final int SOURCE_QUENCH = 4;
    public static final int ECHO_REQUEST = 8;
    public static final int TIME_EXCEEDED = 11;
    public static final int PARAMETER_PROBLEM = 12;
    /** Code of {@link #DESTINATION_UNREACHABLE}. */
    public static final int FRAGMENTATION_NEEDED = 4;

    public static final int V6_DESTINATION_UNREACHABLE = 1;
    public static final int V6_PACKET_TOO_BIG = 2;
    public static final int V6_TIME_EXCEEDED = 3;
    public static final int V6_PARAMETER_PROBLEM = 4;
    public static final int V6_ECHO_REQUEST = 128;
    public static final int V6_ECHO_REPLY = 129;

    private Icmp() {}

    /** Whether a message of a type reports an error about a packet that it quotes. */
    public static boolean isError(boolean inet6, int type) {
        return inet6
                ? type >= V6_DESTINATION_UNREACHABLE && type <= V6_PARAMETER_PROBLEM
                : type == DESTINATION_UNREACHABLE
                        || type == SOURCE_QUENCH
                        || type == TIME_EXCEEDED
                        || type == PARAMETER_PROBLEM;
    }

    /** Whether a type asks for an echo. */
    public static boolean isEchoRequest(boolean inet6, int type) {
        return type == (inet6 ? V6_ECHO_REQUEST : ECHO_REQUEST);
    }
}
