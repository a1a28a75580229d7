package dev.sluice.forward;

import dev.sluice.packet.Icmp;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import java.util.Arrays;

/** Which ICMP error of one family says what one of the other says (RFC 7915 sections 4.2 and 5.2). */
final class IcmpFamilies {
    /** There is none. */
    static final long NONE = -1;

    private static final int NO_POINTER = -1;
    /** By octet of an IPv4 header: the octet of IPv6's that means as much (figure 3). */
    private static final int[] POINTERS_TO_INET6 = pointersToInet6();
    /** The other way round (figure 6). */
    private static final int[] POINTERS_TO_INET = pointersToInet();

    /** MTUs of links, as a router that names none may have one (RFC 1191 section 7.1), from the largest. */
    private static final int[] PLATEAUS = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, Ipv4.MIN_MTU_BYTES};

    // Codes of "destination unreachable".
    private static final int HOST = 1;
    private static final int PROTOCOL = 2;
    private static final int PORT = 3;
    private static final int NETWORK_PROHIBITED = 9;
    private static final int HOST_PROHIBITED = 10;
    private static final int PROHIBITED = 13;
    private static final int PRECEDENCE_VIOLATION = 14;
    private static final int PRECEDENCE_CUTOFF = 15;

    private static final int V6_NO_ROUTE = 0;
    private static final int V6_PROHIBITED = 1;
    private static final int V6_BEYOND_SCOPE = 2;
    private static final int V6_ADDRESS = 3;
    private static final int V6_PORT = 4;

    // Codes of "parameter problem".
    private static final int POINTER = 0;
    private static final int BAD_LENGTH = 2;
    private static final int V6_FIELD = 0;
    private static final int V6_NEXT_HEADER = 1;

    private IcmpFamilies() {}

    /**
     * The first eight octets of the message in the other family: checksum and length of what is quoted are 0.
     *
     * @param toInet6 whether it is to be an ICMPv6 message
     * @param head its first eight octets now
     * @param quotedBytes the length of the quoted packet, as its IP header says
     * @param quotedFragment whether the quoted packet is a fragment, whose header in IPv6 is longer still
     * @return or {@link #NONE}
     */
    static long translate(boolean toInet6, long head, int quotedBytes, boolean quotedFragment) {
        int type = (int) (head >>> 56);
        int code = (int) (head >>> 48) & 0xff;
        int rest = (int) head;
        return toInet6 ? toInet6(type, code, rest, quotedBytes) : toInet(type, code, rest, quotedFragment);
    }

    /** Whether a message has a field for the length of what it quotes, in front of an extension (RFC 4884 sections 4.1 to 4.4). */
    static boolean mayBeExtended(boolean inet6, int type) {
        return inet6
                ? type == Icmp.V6_DESTINATION_UNREACHABLE || type == Icmp.V6_TIME_EXCEEDED
                : type == Icmp.DESTINATION_UNREACHABLE || type == Icmp.TIME_EXCEEDED || type == Icmp.PARAMETER_PROBLEM;
    }

    private static long toInet6(int type, int code, int rest, int quotedBytes) {
        return switch (type) {
            case Icmp.DESTINATION_UNREACHABLE -> unreachableToInet6(code, rest, quotedBytes);
            case Icmp.TIME_EXCEEDED -> head(Icmp.V6_TIME_EXCEEDED, code, 0);
            case Icmp.PARAMETER_PROBLEM -> {
                int pointer = code == POINTER || code == BAD_LENGTH ? of(POINTERS_TO_INET6, rest >>> 24) : NO_POINTER;
                yield pointer == NO_POINTER ? NONE : head(Icmp.V6_PARAMETER_PROBLEM, V6_FIELD, pointer);
            }
            default -> NONE;
        };
    }

    private static long unreachableToInet6(int code, int rest, int quotedBytes) {
        return switch (code) {
            case PROTOCOL -> head(Icmp.V6_PARAMETER_PROBLEM, V6_NEXT_HEADER, Ipv6.NEXT_HEADER);
            case PORT -> head(Icmp.V6_DESTINATION_UNREACHABLE, V6_PORT, 0);
            case Icmp.FRAGMENTATION_NEEDED -> {
                int told = rest & 0xffff;
                int mtu = (told == 0 ? plateauBelow(quotedBytes) : told) + difference(false);
                // Less than that nobody believes (RFC 8201 section 4), and such packets leave here without DF.
                yield head(Icmp.V6_PACKET_TOO_BIG, 0, Math.max(mtu, Ipv6.MIN_MTU_BYTES));
            }
            case NETWORK_PROHIBITED, HOST_PROHIBITED, PROHIBITED, PRECEDENCE_CUTOFF ->
                head(Icmp.V6_DESTINATION_UNREACHABLE, V6_PROHIBITED, 0);
            case PRECEDENCE_VIOLATION -> NONE;
            // Network or host unreachable, unknown, isolated, not by this type of service or source route.
            default -> code > PRECEDENCE_CUTOFF ? NONE : head(Icmp.V6_DESTINATION_UNREACHABLE, V6_NO_ROUTE, 0);
        };
    }

    private static long toInet(int type, int code, int rest, boolean quotedFragment) {
        return switch (type) {
            case Icmp.V6_DESTINATION_UNREACHABLE ->
                switch (code) {
                    case V6_NO_ROUTE, V6_BEYOND_SCOPE, V6_ADDRESS -> head(Icmp.DESTINATION_UNREACHABLE, HOST, 0);
                    case V6_PROHIBITED -> head(Icmp.DESTINATION_UNREACHABLE, HOST_PROHIBITED, 0);
                    case V6_PORT -> head(Icmp.DESTINATION_UNREACHABLE, PORT, 0);
                    default -> NONE;
                };
            case Icmp.V6_PACKET_TOO_BIG -> {
                long mtu = Integer.toUnsignedLong(rest) - difference(quotedFragment);
                int told = Math.clamp(mtu, Ipv4.MIN_MTU_BYTES, Ipv4.MAX_PACKET_BYTES);
                yield head(Icmp.DESTINATION_UNREACHABLE, Icmp.FRAGMENTATION_NEEDED, told);
            }
            case Icmp.V6_TIME_EXCEEDED -> head(Icmp.TIME_EXCEEDED, code, 0);
            case Icmp.V6_PARAMETER_PROBLEM -> {
                int pointer = code == V6_FIELD ? of(POINTERS_TO_INET, rest) : NO_POINTER;
                yield code == V6_NEXT_HEADER
                        ? head(Icmp.DESTINATION_UNREACHABLE, PROTOCOL, 0)
                        : pointer == NO_POINTER ? NONE : head(Icmp.PARAMETER_PROBLEM, POINTER, pointer << 24);
            }
            default -> NONE;
        };
    }

    /** By how much a packet's header is longer in IPv6. */
    private static int difference(boolean fragment) {
        return IpHeader.lengthBytes(true, fragment) - IpHeader.lengthBytes(false, fragment);
    }

    private static int plateauBelow(int packetBytes) {
        for (int plateau : PLATEAUS) {
            if (plateau < packetBytes) {
                return plateau;
            }
        }
        return Ipv4.MIN_MTU_BYTES;
    }

    private static long head(int type, int code, int rest) {
        return (long) type << 56 | (long) code << 48 | Integer.toUnsignedLong(rest);
    }

    private static int of(int[] pointers, int pointer) {
        return pointer >= 0 && pointer < pointers.length ? pointers[pointer] : NO_POINTER;
    }

    private static int[] pointersToInet6() {
        int[] pointers = new int[Ipv4.MIN_HEADER_BYTES];
        Arrays.fill(pointers, NO_POINTER);
        // Version, traffic class.
        pointers[0] = 0;
        pointers[Ipv4.TYPE_OF_SERVICE] = 1;
        fill(pointers, Ipv4.TOTAL_LENGTH, Ipv4.IDENTIFICATION, Ipv6.PAYLOAD_LENGTH);
        pointers[Ipv4.TTL] = Ipv6.HOP_LIMIT;
        pointers[Ipv4.PROTOCOL] = Ipv6.NEXT_HEADER;
        fill(pointers, Ipv4.SOURCE, Ipv4.DESTINATION, Ipv6.SOURCE);
        fill(pointers, Ipv4.DESTINATION, Ipv4.MIN_HEADER_BYTES, Ipv6.DESTINATION);
        return pointers;
    }

    private static int[] pointersToInet() {
        int[] pointers = new int[Ipv6.HEADER_BYTES];
        Arrays.fill(pointers, NO_POINTER);
        pointers[0] = 0;
        pointers[1] = Ipv4.TYPE_OF_SERVICE;
        fill(pointers, Ipv6.PAYLOAD_LENGTH, Ipv6.NEXT_HEADER, Ipv4.TOTAL_LENGTH);
        pointers[Ipv6.NEXT_HEADER] = Ipv4.PROTOCOL;
        pointers[Ipv6.HOP_LIMIT] = Ipv4.TTL;
        fill(pointers, Ipv6.SOURCE, Ipv6.DESTINATION, Ipv4.SOURCE);
        fill(pointers, Ipv6.DESTINATION, Ipv6.HEADER_BYTES, Ipv4.DESTINATION);
        return pointers;
    }

    private static void fill(int[] pointers, int from, int to, int pointer) {
        Arrays.fill(pointers, from, to, pointer);
    }
}
