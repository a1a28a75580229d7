package dev.sluice.packet;

/**
 * Protocol numbers that a layer-4 director knows, and the offsets of TCP (RFC 9293 section 3.1) and UDP (RFC 768) as far as
 * it reads them. SCTP's are in {@link Sctp}.
 */
public final class Transport {
    public static final int ICMP = 1;
    /** IPv4 in IP, RFC 2003. */
    public static final int IPIP = 4;

    public static final int TCP = 6;
    public static final int UDP = 17;
    /** IPv6 in IP, RFC 2473 and RFC 4213. */
    public static final int IPV6 = 41;
    /** RFC 2784. */
    public static final int GRE = 47;
    /** Encapsulating security payload, RFC 4303. */
    public static final int ESP = 50;
    /** Authentication header, RFC 4302; in IPv6 an extension header ({@link Ipv6#AUTHENTICATION}). */
    public static final int AH = 51;

    public static final int ICMPV6 = 58;
    public static final int SCTP = 132;

    /** Of TCP, UDP and SCTP alike, as the next. */
    public static final int SOURCE_PORT = 0;

    public static final int DESTINATION_PORT = 2;

    public static final int TCP_MIN_HEADER_BYTES = 20;
    /** The octet with FIN, SYN, RST, PSH, ACK, URG, ECE, CWR. */
    public static final int TCP_FLAGS = 13;

    public static final int TCP_CHECKSUM = 16;
    public static final int FIN = 0x01;
    public static final int SYN = 0x02;
    public static final int RST = 0x04;
    public static final int ACK = 0x10;

    public static final int UDP_HEADER_BYTES = 8;
    public static final int UDP_LENGTH = 4;
    public static final int UDP_CHECKSUM = 6;

    /** SPI and sequence number. */
    public static final int ESP_HEADER_BYTES = 8;
    /** Without its integrity check value. */
    public static final int AH_MIN_HEADER_BYTES = 12;

    private Transport() {}
}
