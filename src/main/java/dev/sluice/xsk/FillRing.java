package dev.sluice.xsk;

/**
 * The ring through which the kernel gets free frames to receive into. Its entries are UMEM addresses.
 *
 * <p>Owned by: worker.
 */
public final class FillRing extends ProducerRing {
    /** Entry size: one {@code __u64}. */
    static final long ENTRY_SIZE_BYTES = Long.BYTES;

    /** A ring over memory that some other side consumes, the kernel or a test. */
    public FillRing(Mapping mapping) {
        super(mapping);
    }

    /** Writes reserved entry {@code i}; the kernel rounds the address down to its frame's start. */
    public void setAddress(int i, long address) {
        LONG.set(memory, entriesOffset + slot(i) * ENTRY_SIZE_BYTES, address);
    }

    /** Moves up to {@code max} free frames from the pool into the ring and submits them; says how many. */
    public int refill(FramePool pool, int max) {
        int count = Math.min(Math.min(free(max), max), pool.available());
        if (count <= 0) {
            return 0;
        }
        reserve(count);
        for (int i = 0; i < count; i++) {
            setAddress(i, pool.alloc());
        }
        submit(count);
        return count;
    }
}
