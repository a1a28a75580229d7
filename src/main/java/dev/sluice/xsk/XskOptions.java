package dev.sluice.xsk;

import org.jspecify.annotations.Nullable;

/**
 * How a socket is opened. Need-wakeup is always on, and libxdp never loads a program of its own.
 *
 * @param rxSize entries of the RX ring, a power of two
 * @param txSize entries of the TX ring, a power of two
 * @param bindMode zero-copy or copy; decided by the first socket of a UMEM, the others follow it
 * @param genericXdp the interface's XDP program runs in generic (SKB) mode, which rules zero-copy out
 * @param busyPoll busy polling, or null for none
 * @param multiBuffer packets may be longer than a frame holds and then fill several ({@code XDP_USE_SG}, Linux 6.6); decided by
 *     the first socket of a UMEM like the bind mode
 */
public record XskOptions(
        int rxSize,
        int txSize,
        BindMode bindMode,
        boolean genericXdp,
        @Nullable BusyPoll busyPoll,
        boolean multiBuffer) {
    /** Whether the driver works in the UMEM itself. */
    public enum BindMode {
        /** Zero-copy when the driver offers it on this queue, else copy. */
        AUTO,
        /** Zero-copy, or an error. */
        ZEROCOPY,
        /** Copy, which works with every driver. */
        COPY
    }

    /**
     * Preferred busy polling (Linux 5.11): the application's system calls drive the NIC's queue instead of interrupts.
     *
     * @param usecs {@code SO_BUSY_POLL}, how long a system call polls, in microseconds
     * @param budget {@code SO_BUSY_POLL_BUDGET}, packets a poll
     */
    public record BusyPoll(int usecs, int budget) {
        /** Throws {@link IllegalArgumentException} for values outside the kernel's range. */
        public BusyPoll {
            if (usecs <= 0) {
                throw new IllegalArgumentException("busy-poll time " + usecs + " us: must be positive");
            }
            if (budget <= 0 || budget > 0xffff) {
                throw new IllegalArgumentException("busy-poll budget " + budget + ": must be 1 to 65535");
            }
        }
    }

    /** Throws {@link IllegalArgumentException} for sizes that are no powers of two, and for zero-copy in generic mode. */
    public XskOptions {
        UmemOptions.requireRingSize("RX", rxSize);
        UmemOptions.requireRingSize("TX", txSize);
        if (genericXdp && bindMode == BindMode.ZEROCOPY) {
            throw new IllegalArgumentException("zero-copy needs XDP in native mode, and the mode is generic");
        }
    }

    /** Rings of 2048 entries, zero-copy where possible, native XDP, no busy polling, one frame a packet. */
    public static XskOptions defaults() {
        return new XskOptions(2048, 2048, BindMode.AUTO, false, null, false);
    }

    /** The same with another bind mode. */
    public XskOptions withBindMode(BindMode bindMode) {
        return new XskOptions(rxSize, txSize, bindMode, genericXdp, busyPoll, multiBuffer);
    }

    /** The same for generic or native XDP. */
    public XskOptions withGenericXdp(boolean genericXdp) {
        return new XskOptions(rxSize, txSize, bindMode, genericXdp, busyPoll, multiBuffer);
    }

    /** The same with busy polling as given, null for none. */
    public XskOptions withBusyPoll(@Nullable BusyPoll busyPoll) {
        return new XskOptions(rxSize, txSize, bindMode, genericXdp, busyPoll, multiBuffer);
    }

    /** The same for packets of one frame or of several. */
    public XskOptions withMultiBuffer(boolean multiBuffer) {
        return new XskOptions(rxSize, txSize, bindMode, genericXdp, busyPoll, multiBuffer);
    }

    /** The same with RX and TX rings of the given sizes. */
    public XskOptions withRings(int rxSize, int txSize) {
        return new XskOptions(rxSize, txSize, bindMode, genericXdp, busyPoll, multiBuffer);
    }
}
