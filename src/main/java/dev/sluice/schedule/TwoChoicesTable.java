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
    private final long totalWeight;

    TwoChoicesTable(List<RealServer> oldestFirst, @Nullable SchedulerTable previous) {
        super(null, oldestFirst, previous);
        list = new RealServerList(oldestFirst);
        unremembered = list.byWeight();
        totalWeight = oldestFirst.stream().mapToLong(RealServer::weight).sum();
    }

    @Override
    void adopt(SchedulerState state, @Nullable SchedulerTable earlier) {
        // The generator runs on whatever the table.
    }

    @Override
    int choose(SchedulerState state, PacketView packet, long flowHash, long nowMs) {
        if (totalWeight == 0) {
            return NO_REAL_SERVER;
        }
        if (state.random == 0) {
            // The keyed hash of the first flow is a seed that no client can foresee and no two workers share.
            state.random = flowHash | 1;
        }
        // IPVS draws from 0 to the sum inclusive, which gives the head of the list a little more than its share.
        int first = drawn(nextBelow(state, totalWeight + 1));
        int second = drawn(nextBelow(state, totalWeight + 1));
        long firstLoad = state.counts.overhead(list.id(first));
        long secondLoad = state.counts.overhead(list.id(second));
        boolean secondIsLess = list.weight(second) * firstLoad > list.weight(first) * secondLoad;
        return list.id(secondIsLess ? second : first);
    }

    /** The position at which the sum of weights reaches {@code point}. */
    private int drawn(long point) {
        int at = 0;
        long left = point - list.weight(at);
        while (left > 0 || list.weight(at) == 0) {
            at++;
            left -= list.weight(at);
        }
        return at;
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
