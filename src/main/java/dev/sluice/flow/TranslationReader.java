package dev.sluice.flow;

import dev.sluice.packet.PacketView;
import java.lang.invoke.VarHandle;

/**
 * Looks replies up in another worker's {@link TranslationTable} while its owner changes it, as {@link FlowTableReader} does in a
 * flow table. Any thread, each with a {@link Translation} of its own.
 */
final class TranslationReader {
    static final int ABSENT = FlowTableReader.ABSENT;
    static final int FOUND = FlowTableReader.FOUND;
    static final int BUSY = FlowTableReader.BUSY;

    private static final int ATTEMPTS = 2048;
    /** A list is not longer but while it changes. */
    private static final int LONGEST = 1024;

    private final TranslationTable table;
    private final SequenceCounter sequence;

    TranslationReader(TranslationTable table, SequenceCounter sequence) {
        this.table = table;
        this.sequence = sequence;
    }

    /**
     * Looks for a reply's connection.
     *
     * @param hash the reply's
     * @param into filled when {@link #FOUND}, of no meaning otherwise
     * @return {@link #ABSENT}, {@link #FOUND} or {@link #BUSY}
     */
    int read(PacketView reply, long hash, Translation into) {
        long tuple = FlowHasher.tuple(reply);
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            long before = sequence.acquire();
            if (SequenceCounter.isEven(before)) {
                boolean found = search(reply, tuple, (int) hash, into);
                VarHandle.acquireFence();
                if (sequence.opaque() == before) {
                    return found ? FOUND : ABSENT;
                }
            }
            Thread.onSpinWait();
        }
        return BUSY;
    }

    /** Copies an entry, if there is one. */
    boolean readAt(int index, Translation into) {
        for (int attempt = 0; attempt < ATTEMPTS && table.isIndex(index); attempt++) {
            long before = sequence.acquire();
            if (SequenceCounter.isEven(before)) {
                table.read(index, into);
                boolean current = table.ofSlotOpaque(into.slot) == index;
                VarHandle.acquireFence();
                if (sequence.opaque() == before) {
                    return current;
                }
            }
            Thread.onSpinWait();
        }
        return false;
    }

    /** Notes when a reply of an entry came. */
    void noteReply(int index, int nowMs) {
        table.noteReply(index, nowMs);
    }

    private boolean search(PacketView reply, long tuple, int hash, Translation into) {
        int index = table.head(hash);
        for (int steps = 0; table.isIndex(index) && steps < LONGEST; steps++) {
            if (table.isOf(index, tuple, reply)) {
                table.read(index, into);
                return true;
            }
            index = table.after(index);
        }
        return false;
    }
}
