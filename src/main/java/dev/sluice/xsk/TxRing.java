package dev.sluice.xsk;

/**
 * The ring of frames to send. Its entries are {@code struct xdp_desc} (linux/if_xdp.h): UMEM address of the packet's
 * first byte, length, options. The kernel looks at it when it is kicked: {@link XskSocket#kickTx()}.
 *
 * <p>Owned by: worker.
 */
public final class TxRing extends ProducerRing {
    /** {@code sizeof(struct xdp_desc)}: address 8, length 4, options 4. */
    static final long ENTRY_SIZE_BYTES = 16;

    private static final long LENGTH_OFFSET = 8;
    private static final long OPTIONS_OFFSET = 12;

    /** A ring over memory that some other side consumes, the kernel or a test. */
    public TxRing(Mapping mapping) {
        super(mapping);
    }

    /** Writes reserved entry {@code i}: where a packet, or the last part of one, is in the UMEM, and its length in bytes. */
    public void set(int i, long address, int lengthBytes) {
        set(i, address, lengthBytes, 0);
    }

    /**
     * As {@link #set}, for a part of a packet that goes on in entry {@code i + 1}; only with {@link XskOptions#multiBuffer}.
     * The kernel sends nothing before it has the last part.
     */
    public void setContinued(int i, long address, int lengthBytes) {
        set(i, address, lengthBytes, CONTINUED);
    }

    private void set(int i, long address, int lengthBytes, int options) {
        long entry = entriesOffset + slot(i) * ENTRY_SIZE_BYTES;
        LONG.set(memory, entry, address);
        INT.set(memory, entry + LENGTH_OFFSET, lengthBytes);
        INT.set(memory, entry + OPTIONS_OFFSET, options);
    }
}
