package dev.sluice.schedule;

import dev.sluice.packet.PacketView;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerFlag;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The schedulers that hash one address into 256 slots: {@code sh} that of the client, as ip_vs_sh.c, and {@code dh} that of
 * the service, as ip_vs_dh.c. Slots are dealt round the list, newest first: in {@code dh} one to each real server at a
 * time, in {@code sh} as many as its weight, but one to a quiesced one, whose flows then find no real server.
 */
final class SlotTable extends SchedulerTable {
    private static final int SLOT_BITS = 8;
    private static final int SLOTS = 1 << SLOT_BITS;
    /** GOLDEN_RATIO_32 of linux/hash.h, by which hash_32() multiplies. */
    private static final int GOLDEN_RATIO = 0x61C88647;

    private final boolean bySource;
    private final boolean fallback;
    private final boolean port;
    /** Ids by slot; of all slots when there is a real server at all. */
    private final int[] ids;
    /** Whether the slot's real server has a weight. */
    private final boolean[] weighted;

    private SlotTable(
            boolean bySource,
            Set<SchedulerFlag> flags,
            List<RealServer> oldestFirst,
            @Nullable SchedulerTable previous) {
        super(null, oldestFirst, previous);
        this.bySource = bySource;
        fallback = bySource && flags.contains(SchedulerFlag.SH_FALLBACK);
        port = bySource && flags.contains(SchedulerFlag.SH_PORT);
        ids = new int[oldestFirst.isEmpty() ? 0 : SLOTS];
        weighted = new boolean[ids.length];
        List<RealServer> newestFirst = oldestFirst.reversed();
        int at = 0;
        int dealt = 0;
        for (int slot = 0; slot < ids.length; slot++) {
            RealServer real = newestFirst.get(at);
            ids[slot] = real.id();
            weighted[slot] = real.weight() > 0;
            if (++dealt >= (bySource ? real.weight() : 1)) {
                at = at + 1 == newestFirst.size() ? 0 : at + 1;
                dealt = 0;
            }
        }
    }

    /** {@code sh}. */
    static SlotTable ofSource(
            Set<SchedulerFlag> flags, List<RealServer> oldestFirst, @Nullable SchedulerTable previous) {
        return new SlotTable(true, flags, oldestFirst, previous);
    }

    /** {@code dh}. */
    static SlotTable ofDestination(List<RealServer> oldestFirst, @Nullable SchedulerTable previous) {
        return new SlotTable(false, Set.of(), oldestFirst, previous);
    }

    @Override
    void adopt(SchedulerState state, @Nullable SchedulerTable earlier) {
        // A pick depends on the packet alone.
    }

    @Override
    int choose(SchedulerState state, PacketView packet, long flowHash, long nowMs) {
        return bySlot(packet, state.counts);
    }

    @Override
    public int pickByHash(PacketView packet, long flowHash) {
        return bySlot(packet, ConnectionCounts.NONE);
    }

    private int bySlot(PacketView packet, ConnectionCounts counts) {
        if (ids.length == 0) {
            return NO_REAL_SERVER;
        }
        int key = bySource ? FoldedAddress.ofClient(packet) : FoldedAddress.ofDestination(packet);
        int slot = ((key + (port ? packet.sourcePort() : 0)) * GOLDEN_RATIO) >>> (32 - SLOT_BITS);
        if (takesFlows(slot, counts)) {
            return ids[slot];
        }
        return fallback ? beyond(slot, counts) : NO_REAL_SERVER;
    }

    private boolean takesFlows(int slot, ConnectionCounts counts) {
        return weighted[slot] && !counts.isOverloaded(ids[slot]);
    }

    /** The kernel adds the flow's slot once more to where it looks: the search starts at twice its number. */
    private int beyond(int slot, ConnectionCounts counts) {
        for (int offset = 0; offset < SLOTS; offset++) {
            int at = 2 * slot + offset & SLOTS - 1;
            if (takesFlows(at, counts)) {
                return ids[at];
            }
        }
        return NO_REAL_SERVER;
    }
}
