package dev.sluice.flow;

import dev.sluice.flow.FlowTableImage.Boot;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.IntPredicate;

/**
 * Persistence templates in memory that outlives the director, and how the next one reads them. Owned by: control, before any
 * worker runs.
 *
 * <p>A template that was being written when its director was killed has an odd version and is left behind. Connections that
 * stood under a template do not prolong it any more: it lives for its time from the latest connection on, or, where that is
 * over and connections were left, for another minute.
 */
public final class PersistenceTableImage {
    private static final TableImage.Kind KIND =
            new TableImage.Kind(0x53_4c_54_45_4d_50_4c_31L, 1, PersistenceTable.ENTRY_BYTES, "persistence table");

    private PersistenceTableImage() {}

    /** The bytes of an image with room for so many templates. */
    public static long bytes(int capacity) {
        return TableImage.HEADER_BYTES + PersistenceTable.memoryBytes(capacity);
    }

    /**
     * Makes zeroed memory an image without templates.
     *
     * @param image of {@link #bytes}
     * @return where its entries lie, for {@link PersistenceTable}
     */
    public static MemorySegment format(MemorySegment image, Boot boot) {
        // Where a template stands follows from the key, but it is entered anew in any case.
        return TableImage.format(image, KIND, boot, 0);
    }

    /** Why nothing can be recovered from an image, as the end of a sentence; empty if something can. */
    public static Optional<String> unreadable(MemorySegment image, Boot boot) {
        return TableImage.unreadable(image, KIND, boot);
    }

    /**
     * Enters every live template of an image into a table.
     *
     * @param image not {@link #unreadable}
     * @param service whether an id still means the service that it meant to the image's owner
     * @param realServer the same of real servers
     * @param nowMs on the monotonic clock
     * @return how many there were
     */
    public static int recover(
            MemorySegment image, PersistenceTable into, IntPredicate service, IntPredicate realServer, long nowMs) {
        return into.enterAll(TableImage.entries(image, KIND), service, realServer, nowMs);
    }
}
