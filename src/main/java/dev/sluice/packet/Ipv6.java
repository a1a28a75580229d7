package dev.sluice.packet;

/** Offsets, limits and next-header numbers of IPv6 (RFC 8200). Offsets are from the header's first octet. */
public final class Ipv6 {
    public static final int HEADER_BYTES = 40;
    /** The MTU that every link has at the least (RFC 8200 section 5), and an ICMPv6 error has at the most. */
    public static final int MIN_MTU_BYTES = 1280;

    public static final int PAYLOAD_LENGTH = 4;
    public static final int NEXT_HEADER = 6;
    public static final int HOP_LIMIT = 7;
    public static final int SOURCE = 8;
    public static final int DESTINATION = 24;

    public static final int HOP_BY_HOP = 0;
    public static final int ROUTING = 43;
    public static final int FRAGMENT = 44;
    /** IP Authentication Header (RFC 4302), whose length counts four-octet units. */
    public static final int AUTHENTICATION = 51;

    public static final int DESTINATION_OPTIONS = 60;

    /** The length of a fragment header and the least of any extension header. */
    public static final int EXTENSION_UNIT_BYTES = 8;
    /** In a fragment header's second 16 bits: offset and the M flag; all zero makes the fragment atomic (RFC 6946). */
    public static final int FRAGMENT_MASK = 0xfff9;
    /** In a fragment header's second 16 bits: the offset, in octets as it stands there. */
    public static final int OFFSET_MASK = 0xfff8;
    /** In a fragment header's second 16 bits. */
    public static final int MORE_FRAGMENTS = 1;
    /** Where a fragment header has its identification. */
    public static final int FRAGMENT_IDENTIFICATION = 4;

    /** In a routing header (RFC 8200 section 4.4): how many nodes are still to be visited. */
    public static final int SEGMENTS_LEFT = 3;

    private Ipv6() {}

    /** Whether a next-header number is that of an extension header which another header follows. */
    public static boolean isExtension(int nextHeader) {
        return nextHeader == HOP_BY_HOP
                || nextHeader == ROUTING
                || nextHeader == FRAGMENT
                || nextHeader == AUTHENTICATION
                || nextHeader == DESTINATION_OPTIONS;
    }

    /**
     * How long an extension header is.
     *
     * @param header its number
     * @param lengthField its second octet
     */
    public static int extensionBytes(int header, int lengthField) {
        if (header == FRAGMENT) {
            return EXTENSION_UNIT_BYTES;
        }
        // RFC 4302 section 2.2: the authentication header's length is in four-octet units, minus two.
        return header == AUTHENTICATION ? (lengthField + 2) << 2 : (lengthField + 1) << 3;
    }
}
