package dev.sluice.xsk;

/**
 * The ring of received frames. Its entries are {@code struct xdp_desc} (linux/if_xdp.h): UMEM address of the packet's
 * first byte, length, options.
 *
 * <p>Owned by: worker.
 */
public final class RxRing extends ConsumerRing {
    /** {@code sizeof(struct xdp_desc)}: address 8, length 4, options 4. */
    static final long ENTRY_SIZE_BYTES = 16;

    private static final long LENGTH_OFFSET = 8;

    /** A ring over memory that some other side produces, the kernel or a test. */
    public RxRing(Mapping mapping) {
        super(mapping);
    }

    /** The UMEM address of the packet in peeked entry {@code i}, which lies behind the frame's headroom. */
    public long address(int i) {
        return (long) LONG.get(memory, entriesOffset + slot(i) * ENTRY_SIZE_BYTES);
    }

    /** The packet's length in bytes in peeked entry {@code i}. */
    public int length(int i) {
        return (int) INT.get(memory, entriesOffset + slot(i) * ENTRY_SIZE_BYTES + LENGTH_OFFSET);
    }

    /** Peeks up to {@code max} entries, copies them out and releases them; says how many. The frames are the caller's. */
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
