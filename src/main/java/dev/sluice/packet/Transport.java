package dev.sluice.packet;

/** Offsets and numbers of TCP (RFC 9293 section 3.1) and UDP (RFC 768), as far as a layer-4 director reads them. */
public final class Transport {
    public static final int TCP = 6;
    public static final int UDP = 17;

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

    private Transport() {}
}
