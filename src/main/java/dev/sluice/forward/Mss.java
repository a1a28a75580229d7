package dev.sluice.forward;

import dev.sluice.packet.Tcp;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;

/**
 * Lowers the maximum segment size that a SYN or SYN-ACK announces (RFC 9293 section 3.7.1), so that segments leave room for what the
 * director adds to them. A segment without the option is left alone: its sender counts on 536 octets, or 1220 over IPv6.
 */
final class Mss {
    /** RFC 9293 section 3.7.1, for IPv4. */
    static final int DEFAULT_BYTES = 536;
    /** The same for IPv6. */
    static final int DEFAULT_INET6_BYTES = 1220;
    /** Below this nobody can send anything of use; IPv4's least MTU without headers. */
    private static final int LEAST_BYTES = 28;

    private Mss() {}

    /**
     * Lowers what is announced by so many octets.
     *
     * @param headerBytes as {@link Tcp#headerBytes} gave it
     */
    static void lower(MemorySegment umem, long l4, int headerBytes, int bytes) {
        long option = Tcp.findOption(umem, l4, headerBytes, Tcp.MSS, Tcp.MSS_BYTES);
        if (option != Tcp.NONE) {
            int announced = Wire.u16(umem, option + 2);
            put(umem, l4, option, Math.min(announced, Math.max(announced - bytes, LEAST_BYTES)));
        }
    }

    /** Lowers what is announced to a limit, if it is above. */
    static void clamp(MemorySegment umem, long l4, int headerBytes, int limitBytes) {
        long option = Tcp.findOption(umem, l4, headerBytes, Tcp.MSS, Tcp.MSS_BYTES);
        if (option != Tcp.NONE && Wire.u16(umem, option + 2) > limitBytes) {
            put(umem, l4, option, limitBytes);
        }
    }

    /** What is announced, or 0. */
    static int announced(MemorySegment umem, long l4, int headerBytes) {
        long option = Tcp.findOption(umem, l4, headerBytes, Tcp.MSS, Tcp.MSS_BYTES);
        return option == Tcp.NONE ? 0 : Wire.u16(umem, option + 2);
    }

    private static void put(MemorySegment umem, long l4, long option, int bytes) {
        Tcp.putU16(umem, l4, option + 2, bytes);
    }
}
