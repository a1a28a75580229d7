package dev.sluice.flow;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * By slot of a flow table: the persistence template that the flow stands under, if its flag says that it stands under one.
 * Owned by: the table's worker; {@link #get} may be called by any thread, if it checks what it read.
 */
final class FlowTemplates {
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();

    private final PersistenceTable persistence;
    private final MemorySegment references;

    FlowTemplates(PersistenceTable persistence, int slots, SegmentAllocator memory) {
        this.persistence = persistence;
        references = memory.allocate((long) slots * Long.BYTES, Long.BYTES);
    }

    long get(int slot) {
        return (long) LONG.getOpaque(references, (long) slot * Long.BYTES);
    }

    void set(int slot, long reference) {
        LONG.setOpaque(references, (long) slot * Long.BYTES, reference);
    }

    void move(int from, int to) {
        set(to, get(from));
    }

    /** The flow in a slot ends. */
    void leave(int slot, long endedMs) {
        persistence.leave(get(slot), endedMs);
    }

    /** The template of the flow in a slot goes, whatever else is under it. */
    void invalidate(int slot) {
        persistence.invalidate(get(slot));
    }

    /** Counts a flow under a template that another table's entry of it names; false when the template is gone. */
    boolean rejoin(long reference) {
        return reference != PersistenceTable.NONE && persistence.rejoin(reference);
    }
}
