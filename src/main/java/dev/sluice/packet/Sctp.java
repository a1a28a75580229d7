package dev.sluice.packet;

import java.lang.foreign.MemorySegment;

/** Offsets and chunk types of SCTP (RFC 9260 sections 3.1 and 3.2), as far as a layer-4 director reads them. */
public final class Sctp {
    /** Ports, verification tag, checksum. The first chunk follows. */
    public static final int COMMON_HEADER_BYTES = 12;
    /** Type, flags, length: what every chunk begins with. */
    public static final int CHUNK_HEADER_BYTES = 4;

    /** CRC32c over the packet, its least significant octet first. */
    public static final int CHECKSUM = 8;

    public static final int DATA = 0;
    public static final int INIT = 1;
    public static final int INIT_ACK = 2;
    public static final int SACK = 3;
    public static final int HEARTBEAT = 4;
    public static final int HEARTBEAT_ACK = 5;
    public static final int ABORT = 6;
    public static final int SHUTDOWN = 7;
    public static final int SHUTDOWN_ACK = 8;
    public static final int ERROR = 9;
    public static final int COOKIE_ECHO = 10;
    public static final int COOKIE_ACK = 11;
    public static final int ECNE = 12;
    public static final int CWR = 13;
    public static final int SHUTDOWN_COMPLETE = 14;

    /** In place of a chunk's type: the packet has none, or ends inside its header. */
    public static final int NO_CHUNK = -1;

    private static final int CHUNK_LENGTH = 2;

    private Sctp() {}

    /**
     * The type of the chunk that says what becomes of the association: the first one, but an ABORT right behind a
     * COOKIE ECHO or COOKIE ACK, as in IPVS (set_sctp_state in ip_vs_proto_sctp.c).
     *
     * @param sctp absolute offset of the common header
     * @param available octets of the IP packet from there on, at least {@link #COMMON_HEADER_BYTES}
     * @return a chunk type, 0–255, or {@link #NO_CHUNK}
     */
    static int decidingChunk(MemorySegment segment, long sctp, int available) {
        int left = available - COMMON_HEADER_BYTES;
        if (left < CHUNK_HEADER_BYTES) {
            return NO_CHUNK;
        }
        long chunk = sctp + COMMON_HEADER_BYTES;
        int type = Wire.u8(segment, chunk);
        if (type == COOKIE_ECHO || type == COOKIE_ACK) {
            int length = Wire.u16(segment, chunk + CHUNK_LENGTH);
            // Chunks begin at multiples of four octets; the length leaves out the padding before the next.
            int toNext = length + 3 & ~3;
            if (length >= CHUNK_HEADER_BYTES
                    && left - toNext >= CHUNK_HEADER_BYTES
                    && Wire.u8(segment, chunk + toNext) == ABORT) {
                return ABORT;
            }
        }
        return type;
    }
}
