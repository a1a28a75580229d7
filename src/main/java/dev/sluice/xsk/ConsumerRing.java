package dev.sluice.xsk;

/**
 * The reading side of a ring that the kernel produces: peek at entries, read them, release them. Names and meaning
 * follow libxdp's {@code xsk_ring_cons} helpers (xdp/xsk.h).
 *
 * <p>Entries are numbered from the oldest that is not yet released, which is 0.
 *
 * <p>Owned by: worker.
 */
public abstract sealed class ConsumerRing extends Ring permits RxRing, CompletionRing {
    /** What the kernel has been told: our copy of the consumer index. */
    private int released;
    /** One past the last peeked entry. */
    private int peeked;
    /** The producer index as last seen. */
    private int limit;

    ConsumerRing(Mapping mapping) {
        super(mapping);
        released = (int) INT.getAcquire(memory, consumerOffset);
        peeked = released;
        limit = (int) INT.getAcquire(memory, producerOffset);
    }

    /** How many entries, at most {@code max}, can be peeked; the kernel's index is looked up when none is known. */
    public final int available(int max) {
        int available = limit - peeked;
        if (available == 0) {
            limit = (int) INT.getAcquire(memory, producerOffset);
            available = limit - peeked;
        }
        return Math.min(available, max);
    }

    /** Takes up to {@code max} further entries for reading and says how many. They stay the caller's until released. */
    public final int peek(int max) {
        int count = available(max);
        peeked += count;
        return count;
    }

    /** As {@link #peek}, but sees all that the kernel has produced, where entries known already are of no use alone. */
    public final int peekLatest(int max) {
        limit = (int) INT.getAcquire(memory, producerOffset);
        return peek(max);
    }

    /** Puts the newest {@code count} peeked entries back, to be peeked again. */
    public final void cancel(int count) {
        peeked -= count;
    }

    /** Returns the oldest {@code count} peeked entries to the kernel, which may overwrite them from now on. */
    public final void release(int count) {
        released += count;
        INT.setRelease(memory, consumerOffset, released);
    }

    /** The place in the ring of peeked entry {@code i}. */
    final int slot(int i) {
        return (released + i) & mask;
    }
}
