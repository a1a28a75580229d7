package dev.sluice.xsk;

/**
 * The ring through which the kernel returns frames that it has sent. Its entries are the UMEM addresses that were put
 * into the TX ring.
 *
 * <p>Owned by: worker.
 */
public final class CompletionRing extends ConsumerRing {
    /** Entry size: one {@code __u64}. */
    static final long ENTRY_SIZE_BYTES = Long.BYTES;

    /** A ring over memory that some other side produces, the kernel or a test. */
    public CompletionRing(Mapping mapping) {
        super(mapping);
    }

    /** The UMEM address of peeked entry {@code i}. */
    public long address(int i) {
        return (long) LONG.get(memory, entriesOffset + slot(i) * ENTRY_SIZE_BYTES);
    }

    /** Moves up to {@code max} sent frames into the pool and releases their entries; says how many. */
    public int drain(FramePool pool, int max) {
        int count = peek(max);
        for (int i = 0; i < count; i++) {
            pool.free(address(i));
        }
        if (count > 0) {
            release(count);
        }
        return count;
    }
}
