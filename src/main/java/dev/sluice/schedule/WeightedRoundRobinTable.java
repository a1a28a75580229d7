package dev.sluice.schedule;

import dev.sluice.packet.PacketView;
import dev.sluice.service.RealServer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code wrr}: the real servers in turn, in proportion to weight. Behaves as ip_vs_wrr.c does: a threshold starts at the
 * highest weight and falls by the weights' greatest common divisor each time the walk has passed the list, newest first;
 * a real server whose weight reaches the threshold is picked.
 *
 * <p>Every change of the real servers sends the walk back to the head and fits the threshold to the new weights without
 * starting the cycle anew. What a change does depends on the threshold a worker has reached, so a table carries the changes
 * since the service began, and each worker applies those that it has not seen.
 */
final class WeightedRoundRobinTable extends SchedulerTable {
    /** A worker that missed more changes than this starts from the oldest one kept. */
    private static final int CHANGES_KEPT = 1024;

    private final int[] ids;
    private final int[] weights;
    private final HashedChoice unremembered;
    /** Two ints a change, oldest first: the greatest common divisor and the threshold's start after it. */
    private final int[] changes;
    /** How many changes there have been in all, forgotten ones included. */
    private final long changeCount;

    private final int step;
    private final int top;

    /**
     * @param previous the service's table before; under another scheduler the real servers come all at once instead of one
     *     by one
     */
    WeightedRoundRobinTable(List<RealServer> oldestFirst, @Nullable SchedulerTable previous) {
        WeightedRoundRobinTable predecessor = previous instanceof WeightedRoundRobinTable before ? before : null;
        super(predecessor, oldestFirst, previous);
        ids = idsNewestFirst(oldestFirst);
        weights = weightsNewestFirst(oldestFirst);
        unremembered = new HashedChoice(ids, weights);
        Changes log = new Changes(predecessor);
        if (predecessor == null && previous != null) {
            log.replaceAll(oldestFirst);
        } else {
            log.become(oldestFirst);
        }
        changes = log.toArray();
        changeCount = log.count;
        step = changes.length == 0 ? 1 : changes[changes.length - 2];
        top = changes.length == 0 ? 0 : changes[changes.length - 1];
    }

    @Override
    void adopt(SchedulerState state, @Nullable SchedulerTable earlier) {
        long seen = earlier instanceof WeightedRoundRobinTable before ? before.changeCount : 0;
        int kept = changes.length / 2;
        int unseen = (int) Math.min(kept, changeCount - seen);
        int threshold = state.currentWeight;
        for (int i = kept - unseen; i < kept; i++) {
            int divisor = changes[2 * i];
            int start = changes[2 * i + 1];
            if (threshold == 0 || threshold > start) {
                threshold = start;
            } else if (divisor > 1) {
                // Onto the new grid of thresholds, from which steps of the divisor lead down to 1.
                threshold = threshold / divisor * divisor + 1;
            }
        }
        state.currentWeight = threshold;
        state.cursor = -1;
    }

    @Override
    int choose(SchedulerState state, PacketView packet, long flowHash, long nowMs) {
        if (top <= 0) {
            return NO_REAL_SERVER;
        }
        // The rest of this pass, then whole passes down to the lowest threshold, where every weight above 0 qualifies.
        if (walk(state, state.cursor + 1, state.currentWeight)) {
            return ids[state.cursor];
        }
        int threshold = next(state.currentWeight);
        if (walk(state, 0, threshold)) {
            return ids[state.cursor];
        }
        // Nobody in a whole pass: overloaded ones are in the way.
        int highest = highestAvailable(state.counts);
        if (highest == 0) {
            giveUp(state);
            return NO_REAL_SERVER;
        }
        threshold = next(threshold);
        if (threshold > highest) {
            // Passes that cannot find anybody may be many.
            threshold -= Math.ceilDiv(threshold - highest, step) * step;
        }
        // Fails when another worker's connections have overloaded the last one meanwhile.
        return walk(state, 0, threshold) ? ids[state.cursor] : NO_REAL_SERVER;
    }

    private int next(int threshold) {
        return threshold > step ? threshold - step : top;
    }

    private boolean walk(SchedulerState state, int from, int threshold) {
        for (int at = from; at < ids.length; at++) {
            if (weights[at] >= threshold && !state.counts.isOverloaded(ids[at])) {
                state.currentWeight = threshold;
                state.cursor = at;
                return true;
            }
        }
        return false;
    }

    /** The highest weight of a real server that takes new flows, or 0. */
    private int highestAvailable(ConnectionCounts counts) {
        int highest = 0;
        for (int at = 0; at < ids.length; at++) {
            if (weights[at] > highest && !counts.isOverloaded(ids[at])) {
                highest = weights[at];
            }
        }
        return highest;
    }

    /** Where the kernel's walk stands after it has found nobody. */
    private void giveUp(SchedulerState state) {
        if (state.cursor < 0 || state.currentWeight > step) {
            state.cursor = -1;
            state.currentWeight = top;
        } else {
            // It began in the last pass and ended there, a round later.
            state.currentWeight = 1;
        }
    }

    @Override
    public int pickByHash(PacketView packet, long flowHash) {
        return unremembered.choose(flowHash);
    }

    /** Turns the difference of two lists of real servers into the changes that IPVS would have been told of. */
    private static final class Changes {
        private final Map<Integer, Integer> weightById = new HashMap<>();
        private int[] log;
        private int used;
        private long count;

        Changes(@Nullable WeightedRoundRobinTable predecessor) {
            if (predecessor == null) {
                log = new int[16];
                return;
            }
            for (int i = 0; i < predecessor.ids.length; i++) {
                weightById.put(predecessor.ids[i], predecessor.weights[i]);
            }
            log = predecessor.changes.clone();
            used = log.length;
            count = predecessor.changeCount;
        }

        /** One change for all: what a scheduler finds when it is bound to a service that has real servers. */
        void replaceAll(List<RealServer> realServers) {
            realServers.forEach(real -> weightById.put(real.id(), real.weight()));
            record();
        }

        /** Removals, then edits, then additions, one by one; a call without a difference is an edit to the same. */
        void become(List<RealServer> realServers) {
            long before = count;
            Map<Integer, Integer> after = new HashMap<>();
            realServers.forEach(real -> after.put(real.id(), real.weight()));
            for (Integer id : List.copyOf(weightById.keySet())) {
                if (!after.containsKey(id)) {
                    weightById.remove(id);
                    record();
                }
            }
            for (RealServer real : realServers) {
                Integer weight = weightById.get(real.id());
                if (weight != null && weight != real.weight()) {
                    weightById.put(real.id(), real.weight());
                    record();
                }
            }
            for (RealServer real : realServers) {
                if (weightById.putIfAbsent(real.id(), real.weight()) == null) {
                    record();
                }
            }
            if (count == before && count > 0) {
                record();
            }
        }

        private void record() {
            int divisor = 0;
            int highest = 0;
            for (int weight : weightById.values()) {
                divisor = gcd(weight, divisor);
                highest = Math.max(highest, weight);
            }
            divisor = Math.max(1, divisor);
            if (used == 2 * CHANGES_KEPT) {
                System.arraycopy(log, 2, log, 0, used - 2);
                used -= 2;
            } else if (used == log.length) {
                log = Arrays.copyOf(log, Math.max(16, 2 * used));
            }
            log[used++] = divisor;
            log[used++] = highest - (divisor - 1);
            count++;
        }

        private static int gcd(int a, int b) {
            while (b != 0) {
                int rest = a % b;
                a = b;
                b = rest;
            }
            return a;
        }

        int[] toArray() {
            return Arrays.copyOf(log, used);
        }
    }
}
