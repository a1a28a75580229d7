package dev.sluice.schedule;

import dev.sluice.packet.PacketView;
import dev.sluice.service.RealServer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code twos}: two real servers drawn at random in proportion to weight, and the one with the lesser overhead for its
 * weight of them, as ip_vs_twos.c.
 */
final class TwoChoicesTable extends SchedulerTable {
    private final RealServerList list;
    private final HashedChoice unremembered;

    TwoChoicesTable(List<RealServer> oldestFirst, @Nullable SchedulerTable previous) {
        super(null, oldestFirst, previous);
        list = new RealServerList(oldestFirst);
        unremembered = list.byWeight();
    }

    @Override
    void adopt(SchedulerState state, @Nullable SchedulerTable earlier) {
        // The generator runs on whatever the table.
    }

    @Override
    int choose(SchedulerState state, PacketView packet, long flowHash, long nowMs) {
        long total = totalWeight(state.counts);
        if (total == 0) {
            return NO_REAL_SERVER;
        }
        if (state.random == 0) {
            // The keyed hash of the first flow is a seed that no client can foresee and no two workers share.
            state.random = flowHash | 1;
        }
        // IPVS draws from 0 to the sum inclusive, which gives the head of the list a little more than its share.
        int first = drawn(nextBelow(state, total + 1), state.counts);
        int second = drawn(nextBelow(state, total + 1), state.counts);
        if (first == RealServerList.NONE || second == RealServerList.NONE) {
            return NO_REAL_SERVER;
        }
        long firstLoad = state.counts.overhead(list.id(first));
        long secondLoad = state.counts.overhead(list.id(second));
        boolean secondIsLess = list.weight(second) * firstLoad > list.weight(first) * secondLoad;
        return list.id(secondIsLess ? second : first);
    }

    private long totalWeight(ConnectionCounts counts) {
        long total = 0;
        for (int at = 0; at < list.size(); at++) {
            total += list.takesFlows(at, counts) ? list.weight(at) : 0;
        }
        return total;
    }

    /** The position at which the sum of weights reaches {@code point}; the last one if another worker changed the sum. */
    private int drawn(long point, ConnectionCounts counts) {
        int drawn = RealServerList.NONE;
        long left = point;
        for (int at = 0; at < list.size() && (left > 0 || drawn == RealServerList.NONE); at++) {
            if (list.takesFlows(at, counts)) {
                left -= list.weight(at);
                drawn = at;
            }
        }
        return drawn;
    }

    /** Marsaglia's xorshift64* (Vigna 2016), scaled to a range below 2⁴⁸. */
    private static long nextBelow(SchedulerState state, long bound) {
        long x = state.random;
        x ^= x >>> 12;
        x ^= x << 25;
        x ^= x >>> 27;
        state.random = x;
        return Math.unsignedMultiplyHigh(x * 0x2545f4914f6cdd1dL, bound);
    }

    @Override
    public int pickByHash(PacketView packet, long flowHash) {
        return unremembered.choose(flowHash);
    }
}
