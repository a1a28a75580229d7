package dev.sluice.packet;

/** Offsets, limits and next-header numbers of IPv6 (RFC 8200). Offsets are from the header's first octet. */
public final class Ipv6 {
    public static final int HEADER_BYTES = 40;
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

    private Ipv6() {}
}
