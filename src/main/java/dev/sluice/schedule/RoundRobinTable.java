package dev.sluice.schedule;

import dev.sluice.packet.PacketView;
import dev.sluice.service.RealServer;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code rr}: the real servers in turn, whatever their weight, those of weight 0 and overloaded ones skipped. Behaves as ip_vs_rr.c does: the
 * walk goes from the newest real server to the oldest, a real server added meanwhile waits at the head for the next round,
 * and when the one picked last is removed the walk goes on from where it stood.
 */
final class RoundRobinTable extends SchedulerTable {
    private final int[] ids;
    private final int[] weights;
    private final HashedChoice unremembered;

    RoundRobinTable(List<RealServer> oldestFirst, @Nullable SchedulerTable previous) {
        super(previous instanceof RoundRobinTable before ? before : null, oldestFirst, previous);
        ids = idsNewestFirst(oldestFirst);
        weights = weightsNewestFirst(oldestFirst);
        unremembered = new HashedChoice(
                ids, Arrays.stream(weights).map(weight -> Math.min(weight, 1)).toArray());
    }

    @Override
    void adopt(SchedulerState state, @Nullable SchedulerTable earlier) {
        if (!(earlier instanceof RoundRobinTable before)) {
            return;
        }
        // The nearest one at or before the old cursor that is still there; none, and the walk starts at the head.
        int cursor = -1;
        for (int at = state.cursor; at >= 0 && cursor < 0; at--) {
            cursor = indexOf(before.ids[at]);
        }
        state.cursor = cursor;
    }

    private int indexOf(int id) {
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] == id) {
                return i;
            }
        }
        return -1;
    }

    @Override
    int choose(SchedulerState state, PacketView packet, long flowHash, long nowMs) {
        int at = state.cursor;
        for (int steps = 0; steps < ids.length; steps++) {
            at = at + 1 == ids.length ? 0 : at + 1;
            if (weights[at] > 0 && !state.counts.isOverloaded(ids[at])) {
                state.cursor = at;
                return ids[at];
            }
        }
        return NO_REAL_SERVER;
    }

    @Override
    public int pickByHash(PacketView packet, long flowHash) {
        return unremembered.choose(flowHash);
    }
}
