package dev.sluice.xsk;

/**
 * The ring of received frames. Its entries are {@code struct xdp_desc} (linux/if_xdp.h): UMEM address of the packet's
 * first byte, length, options. On a socket with {@link XskOptions#multiBuffer} a packet may take several entries, one behind
 * the other; {@link #isContinued} tells all of them from the last.
 *
 * <p>Owned by: worker.
 */
public final class RxRing extends ConsumerRing {
    /** {@code sizeof(struct xdp_desc)}: address 8, length 4, options 4. */
    static final long ENTRY_SIZE_BYTES = 16;

    private static final long LENGTH_OFFSET = 8;
    private static final long OPTIONS_OFFSET = 12;

    /** A ring over memory that some other side produces, the kernel or a test. */
    public RxRing(Mapping mapping) {
        super(mapping);
    }

    /** The UMEM address of the packet in peeked entry {@code i}, which lies behind the frame's headroom. */
    public long address(int i) {
        return (long) LONG.get(memory, entriesOffset + slot(i) * ENTRY_SIZE_BYTES);
    }

    /** The length in bytes of what peeked entry {@code i} has of the packet. */
    public int length(int i) {
        return (int) INT.get(memory, entriesOffset + slot(i) * ENTRY_SIZE_BYTES + LENGTH_OFFSET);
    }

    /** Whether the packet of peeked entry {@code i} goes on in entry {@code i + 1}. */
    public boolean isContinued(int i) {
        return ((int) INT.get(memory, entriesOffset + slot(i) * ENTRY_SIZE_BYTES + OPTIONS_OFFSET) & CONTINUED) != 0;
    }

    /**
     * How many entries the packet takes that begins in peeked entry {@code i}.
     *
     * @param peeked entries that are peeked
     * @return 0 when its last entry is not among them
     */
    public int entriesOfPacket(int i, int peeked) {
        for (int at = i; at < peeked; at++) {
            if (!isContinued(at)) {
                return at + 1 - i;
            }
        }
        return 0;
    }

    /**
     * Peeks up to {@code max} entries, copies them out and releases them; says how many. The frames are the caller's. Only for a
     * socket whose packets take one entry each.
     */
    public int receive(long[] addresses, int[] lengths, int max) {
        int count = peek(max);
        for (int i = 0; i < count; i++) {
            addresses[i] = address(i);
            lengths[i] = length(i);
        }
        if (count > 0) {
            release(count);
        }
        return count;
    }
}
