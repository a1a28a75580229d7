package dev.sluice.xsk;

/**
 * The writing side of a ring that the kernel consumes: reserve entries, fill them in, submit them. Names and meaning
 * follow libxdp's {@code xsk_ring_prod} helpers (xdp/xsk.h).
 *
 * <p>Entries are numbered from the oldest that is reserved and not yet submitted, which is 0.
 *
 * <p>Owned by: worker.
 */
public abstract sealed class ProducerRing extends Ring permits FillRing, TxRing {
    /** What the kernel has been told: our copy of the producer index. */
    private int submitted;
    /** One past the last reserved entry. */
    private int reserved;
    /** The consumer index as last seen, plus the ring's size: up to where entries may be reserved. */
    private int limit;

    ProducerRing(Mapping mapping) {
        super(mapping);
        submitted = (int) INT.getAcquire(memory, producerOffset);
        reserved = submitted;
        limit = (int) INT.getAcquire(memory, consumerOffset) + size();
    }

    /**
     * How many entries can be reserved. The kernel's index is looked up anew only when fewer than {@code wanted} are
     * known to be free, so that the answer may be too low beyond that.
     */
    public final int free(int wanted) {
        int free = limit - reserved;
        if (free < wanted) {
            limit = (int) INT.getAcquire(memory, consumerOffset) + size();
            free = limit - reserved;
        }
        return free;
    }

    /** Reserves {@code count} entries, all or none: {@code count}, or 0 when fewer are free. */
    public final int reserve(int count) {
        if (free(count) < count) {
            return 0;
        }
        reserved += count;
        return count;
    }

    /** Hands the oldest {@code count} reserved entries, all of them filled in, to the kernel. */
    public final void submit(int count) {
        submitted += count;
        INT.setRelease(memory, producerOffset, submitted);
    }

    /** Entries submitted that the kernel has not consumed yet. */
    public final int pending() {
        return submitted - (int) INT.getAcquire(memory, consumerOffset);
    }

    /** The place in the ring of reserved entry {@code i}. */
    final int slot(int i) {
        return (submitted + i) & mask;
    }
}
