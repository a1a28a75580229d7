package dev.sluice.flow;

import dev.sluice.packet.PacketView;
import java.lang.invoke.VarHandle;

/**
 * Looks flows up in a table that another thread owns: without a lock, without a store, and never with a wrong real server.
 * Any number of threads.
 *
 * <p>Two things could go wrong. An entry is half written: its tuple word is stored last and with release, so whoever reads it
 * with acquire sees the rest. Or an entry moves, or its slot is given to another flow, while it is read: only a removal does
 * that (an insertion takes slots that are free), and around every removal the owner makes the table's sequence counter odd and
 * even again. A reader that saw the same even number before and after has therefore read a table to which at most entries
 * were added, so that what it found was there, and what it did not find was not there when it began (a seqlock, with
 * the fences of Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012).
 *
 * <p>State, time and counters of an entry change with every packet of its flow. They are read one by one, and may be of two
 * successive packets; the key and the real server of an entry never change.
 */
public final class FlowTableReader {
    /** {@link #read}: there is no such flow. */
    public static final int ABSENT = 0;
    /** {@link #read}: there is, and it was copied. */
    public static final int FOUND = 1;
    /** {@link #read}: the table changed too fast to tell. */
    public static final int BUSY = 2;

    /**
     * A removal takes some hundred nanoseconds, a slice of expiry some ten microseconds. Beyond that the owner has lost its
     * processor in the middle of a removal, and nobody should wait for it.
     */
    private static final int ATTEMPTS = 2048;

    private final FlowTable table;
    private final FlowEntries entries;
    private final SequenceCounter sequence;

    FlowTableReader(FlowTable table, FlowEntries entries, SequenceCounter sequence) {
        this.table = table;
        this.entries = entries;
        this.sequence = sequence;
    }

    /**
     * Looks for the packet's flow.
     *
     * @param hash the flow's, as {@link FlowHasher} gives it
     * @param nowMs on the clock of the table's owner: the machine's monotonic one
     * @param into filled when {@link #FOUND}, of no meaning otherwise
     * @return {@link #ABSENT}, {@link #FOUND} or {@link #BUSY}
     */
    public int read(PacketView packet, long hash, long nowMs, FlowCopy into) {
        if (table.size() == 0) {
            return ABSENT;
        }
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            long before = sequence.acquire();
            if (SequenceCounter.isEven(before)) {
                boolean found = search(packet, (int) hash, into);
                // The loads of the search come before the second look at the counter.
                VarHandle.acquireFence();
                if (sequence.opaque() == before) {
                    if (found && into.lacksNumbers) {
                        // Whoever took it over without them would break the connection.
                        return BUSY;
                    }
                    return found && isLive(into, nowMs) ? FOUND : ABSENT;
                }
            }
            Thread.onSpinWait();
        }
        return BUSY;
    }

    /** How many slots the table has: {@link #read(int, long, FlowCopy)} takes 0 up to this. */
    public int slots() {
        return entries.mask() + 1;
    }

    /**
     * Copies the flow in a slot: for whoever goes through the whole table, where a flow that moves meanwhile may be met twice or
     * not at all.
     *
     * @param nowMs on the clock of the table's owner
     * @param into filled when {@link #FOUND}, of no meaning otherwise
     * @return {@link #ABSENT}, {@link #FOUND} or {@link #BUSY}
     */
    public int read(int slot, long nowMs, FlowCopy into) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            long before = sequence.acquire();
            if (SequenceCounter.isEven(before)) {
                long tuple = entries.tupleAcquire(slot);
                if (tuple == 0) {
                    return ABSENT;
                }
                entries.read(slot, tuple, into);
                into.template = table.template(slot, into.flags());
                table.readTranslation(slot, into);
                VarHandle.acquireFence();
                if (sequence.opaque() == before) {
                    return isLive(into, nowMs) ? FOUND : ABSENT;
                }
            }
            Thread.onSpinWait();
        }
        return BUSY;
    }

    /** How long a flow that was read lives on if nothing comes, in milliseconds. */
    public int remainingMs(FlowCopy flow, long nowMs) {
        return table.remainingMs(flow, nowMs);
    }

    private boolean search(PacketView packet, int hash, FlowCopy into) {
        int mask = entries.mask();
        int slot = hash & mask;
        // While the table changes there may be no end to find.
        for (int steps = 0; steps <= mask; steps++) {
            long tuple = entries.tupleAcquire(slot);
            if (tuple == 0) {
                return false;
            }
            if (entries.isOf(slot, tuple, packet)) {
                entries.read(slot, tuple, into);
                into.template = table.template(slot, into.flags());
                table.readTranslation(slot, into);
                return true;
            }
            slot = slot + 1 & mask;
        }
        return false;
    }

    private boolean isLive(FlowCopy flow, long nowMs) {
        // Without a state it has only just been inserted, and its first packet is not accounted yet.
        return flow.stateCode() != FlowState.NONE.code() && table.remainingMs(flow, nowMs) > 0;
    }
}
