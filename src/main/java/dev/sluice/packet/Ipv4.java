package dev.sluice.packet;

/** Offsets and limits of the IPv4 header (RFC 791 section 3.1). Offsets are from the header's first octet. */
public final class Ipv4 {
    public static final int MIN_HEADER_BYTES = 20;
    public static final int VERSION_IHL = 0;
    public static final int TYPE_OF_SERVICE = 1;
    public static final int TOTAL_LENGTH = 2;
    public static final int IDENTIFICATION = 4;
    public static final int FLAGS_FRAGMENT_OFFSET = 6;
    public static final int TTL = 8;
    public static final int PROTOCOL = 9;
    public static final int CHECKSUM = 10;
    public static final int SOURCE = 12;
    public static final int DESTINATION = 16;

    /** In the 16 bits at {@link #FLAGS_FRAGMENT_OFFSET}: more fragments, or an offset other than 0. */
    public static final int FRAGMENT_MASK = 0x3fff;
    /** In the 16 bits at {@link #FLAGS_FRAGMENT_OFFSET}. */
    public static final int DONT_FRAGMENT = 0x4000;

    private Ipv4() {}
}
