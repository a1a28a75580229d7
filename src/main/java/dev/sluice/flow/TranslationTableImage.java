package dev.sluice.flow;

import dev.sluice.flow.FlowTableImage.Boot;
import dev.sluice.packet.PacketView;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;

/**
 * A {@link TranslationTable} in memory that outlives its director. NAT's translations can be made again from the connection table, but which
 * local address and port a connection by FULLNAT has stands here alone. Owned by: control thread.
 */
public final class TranslationTableImage {
    private static final TableImage.Kind KIND =
            new TableImage.Kind(0x53_4c_54_52_41_4e_53_31L, 1, TranslationTable.ENTRY_BYTES, "translation table");

    private final TranslationTable entries;
    /** By slot of the connection table beside it: one more than the entry's place. */
    private final int[] bySlot;

    private TranslationTableImage(TranslationTable entries, int[] bySlot) {
        this.entries = entries;
        this.bySlot = bySlot;
    }

    /** The bytes of an image beside a connection table with room for so many flows. */
    public static long bytes(int maxFlows) {
        return TableImage.HEADER_BYTES + TranslationTable.entryCount(maxFlows) * (long) TranslationTable.ENTRY_BYTES;
    }

    /**
     * Makes zeroed memory an image without translations.
     *
     * @param image of {@link #bytes}
     * @return where its entries lie, for {@link FlowTable#keepTranslations}
     */
    public static MemorySegment format(MemorySegment image, Boot boot) {
        return TableImage.format(image, KIND, boot, 0);
    }

    /** Why nothing can be recovered from an image, as the end of a sentence; empty if something can. */
    public static Optional<String> unreadable(MemorySegment image, Boot boot) {
        return TableImage.unreadable(image, KIND, boot);
    }

    /**
     * Reads an image for {@link FlowTableImage#recover}.
     *
     * @param image not {@link #unreadable}; of the table whose image is recovered
     */
    public static TranslationTableImage of(MemorySegment image) {
        TranslationTable entries = new TranslationTable(TableImage.entries(image, KIND));
        int[] bySlot = new int[1024];
        Translation translation = new Translation();
        for (int index = 1; entries.isIndex(index); index++) {
            entries.read(index, translation);
            if (translation.tuple != 0 && translation.slot >= 0) {
                if (translation.slot >= bySlot.length) {
                    bySlot = Arrays.copyOf(bySlot, Math.max(translation.slot + 1, 2 * bySlot.length));
                }
                bySlot[translation.slot] = index;
            }
        }
        return new TranslationTableImage(entries, bySlot);
    }

    /** Gives a flow the translation that it had; false when there is none of its own. */
    boolean read(int slot, FlowCopy flow, FlowHasher hasher) {
        int index = slot < bySlot.length ? bySlot[slot] : TranslationTable.NONE;
        Translation translation = flow.translation;
        if (index == TranslationTable.NONE) {
            return false;
        }
        entries.read(index, translation);
        if (translation.tuple != flow.tuple
                || translation.clientHigh != flow.clientHigh
                || translation.clientLow != flow.clientLow
                || translation.virtualHigh != flow.virtualHigh
                || translation.virtualLow != flow.virtualLow
                || translation.realServer != flow.realServer) {
            return false;
        }
        PacketView reply = new PacketView();
        translation.toReply(reply);
        translation.hash = (int) hasher.hash(reply);
        translation.numbers = 0;
        // Interfaces may have other numbers now.
        translation.setStation(0, 0, 0, 0);
        return true;
    }
}
