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

    public static final int MAX_HEADER_BYTES = 60;
    public static final int MAX_PACKET_BYTES = 65535;
    /** The MTU that every link has at the least (RFC 791 section 3.2). */
    public static final int MIN_MTU_BYTES = 68;
    /** What every host takes (RFC 1122 section 3.3.2), and an ICMP error has at the most (RFC 1812 section 4.3.2.3). */
    public static final int MIN_REASSEMBLY_BYTES = 576;

    /** In the 16 bits at {@link #FLAGS_FRAGMENT_OFFSET}: more fragments, or an offset other than 0. */
    public static final int FRAGMENT_MASK = 0x3fff;
    /** In the 16 bits at {@link #FLAGS_FRAGMENT_OFFSET}. */
    public static final int DONT_FRAGMENT = 0x4000;
    /** In the 16 bits at {@link #FLAGS_FRAGMENT_OFFSET}. */
    public static final int MORE_FRAGMENTS = 0x2000;
    /** In the 16 bits at {@link #FLAGS_FRAGMENT_OFFSET}, in units of eight octets. */
    public static final int OFFSET_MASK = 0x1fff;
    /** Fragments other than the last carry multiples of it. */
    public static final int FRAGMENT_UNIT_BYTES = 8;

    private Ipv4() {}
}
