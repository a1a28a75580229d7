package dev.sluice.flow;

import dev.sluice.flow.FlowTableImage.Boot;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * The header of a table in memory that outlives the director: by it the next one knows what it has before it.
 *
 * <p>One page, native byte order: 0 magic, 8 layout version (4 bytes), 12 bytes of an entry (4), 16 entries (8), 24 boot id
 * (16), 40 fingerprint of the hash key (8). The magic is stored last.
 */
final class TableImage {
    static final int HEADER_BYTES = 4096;

    private static final int VERSION = 8;
    private static final int ENTRY_BYTES = 12;
    private static final int ENTRIES = 16;
    private static final int BOOT_HIGH = 24;
    private static final int BOOT_LOW = 32;
    private static final int KEY = 40;

    private TableImage() {}

    /**
     * What is in the table.
     *
     * @param magic of this kind alone
     * @param layoutVersion of its entries
     * @param entryBytes the size of one
     * @param name for messages
     */
    record Kind(long magic, int layoutVersion, int entryBytes, String name) {}

    /** Makes zeroed memory an image without entries; where those go. */
    static MemorySegment format(MemorySegment image, Kind kind, Boot boot, long keyFingerprint) {
        MemorySegment entries = entries(image, kind);
        image.set(ValueLayout.JAVA_INT, VERSION, kind.layoutVersion());
        image.set(ValueLayout.JAVA_INT, ENTRY_BYTES, kind.entryBytes());
        image.set(ValueLayout.JAVA_LONG, ENTRIES, entries.byteSize() / kind.entryBytes());
        image.set(ValueLayout.JAVA_LONG, BOOT_HIGH, boot.high());
        image.set(ValueLayout.JAVA_LONG, BOOT_LOW, boot.low());
        image.set(ValueLayout.JAVA_LONG, KEY, keyFingerprint);
        ValueLayout.JAVA_LONG.varHandle().setRelease(image, 0L, kind.magic());
        return entries;
    }

    /** Where an image's entries are. */
    static MemorySegment entries(MemorySegment image, Kind kind) {
        return image.asSlice(HEADER_BYTES, image.byteSize() - HEADER_BYTES, kind.entryBytes());
    }

    static long fingerprint(MemorySegment image) {
        return image.get(ValueLayout.JAVA_LONG, KEY);
    }

    /** Why nothing can be recovered from an image, as the end of a sentence; empty if something can. */
    static Optional<String> unreadable(MemorySegment image, Kind kind, Boot boot) {
        if (image.byteSize() < HEADER_BYTES || image.get(ValueLayout.JAVA_LONG, 0) != kind.magic()) {
            return Optional.of("is no " + kind.name());
        }
        int version = image.get(ValueLayout.JAVA_INT, VERSION);
        if (version != kind.layoutVersion() || image.get(ValueLayout.JAVA_INT, ENTRY_BYTES) != kind.entryBytes()) {
            return Optional.of("has layout " + version + ", not " + kind.layoutVersion());
        }
        long entries = image.get(ValueLayout.JAVA_LONG, ENTRIES);
        if (Long.bitCount(entries) != 1 || entries != (image.byteSize() - HEADER_BYTES) / kind.entryBytes()) {
            return Optional.of("says it has " + entries + " slots in " + image.byteSize() + " bytes");
        }
        if (image.get(ValueLayout.JAVA_LONG, BOOT_HIGH) != boot.high()
                || image.get(ValueLayout.JAVA_LONG, BOOT_LOW) != boot.low()) {
            return Optional.of("was left by an earlier boot");
        }
        return Optional.empty();
    }
}
