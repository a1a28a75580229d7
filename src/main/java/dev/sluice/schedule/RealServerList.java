package dev.sluice.schedule;

import dev.sluice.service.RealServer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The real servers of a service as IPVS's schedulers walk them: newest first, by position. Immutable; what asks for loads
 * takes time in proportion to the number of real servers, as in IPVS.
 */
final class RealServerList {
    static final int NONE = -1;

    private final int[] ids;
    private final int[] weights;
    /** Ids in ascending order, and the position of each. */
    private final int[] sortedIds;

    private final int[] positions;

    RealServerList(List<RealServer> oldestFirst) {
        ids = SchedulerTable.idsNewestFirst(oldestFirst);
        weights = SchedulerTable.weightsNewestFirst(oldestFirst);
        sortedIds = ids.clone();
        Arrays.sort(sortedIds);
        positions = new int[ids.length];
        for (int at = 0; at < ids.length; at++) {
            positions[Arrays.binarySearch(sortedIds, ids[at])] = at;
        }
    }

    int size() {
        return ids.length;
    }

    int id(int at) {
        return ids[at];
    }

    int weight(int at) {
        return weights[at];
    }

    /** Whether the real server at a position has a weight and is not above its threshold. */
    boolean takesFlows(int at, ConnectionCounts counts) {
        return weights[at] > 0 && !counts.isOverloaded(ids[at]);
    }

    /** The id at a position, or {@link SchedulerTable#NO_REAL_SERVER} for {@link #NONE}. */
    int idOrNone(int at) {
        return at == NONE ? SchedulerTable.NO_REAL_SERVER : ids[at];
    }

    /** Where the real server stands, {@link #NONE} when it does not. */
    int positionOf(int id) {
        int found = Arrays.binarySearch(sortedIds, id);
        return found < 0 ? NONE : positions[found];
    }

    /**
     * The first real server of the least overhead for its weight, among those that take new flows: the walk that ip_vs_wlc.c,
     * ip_vs_lblc.c and ip_vs_lblcr.c share.
     *
     * @return its position or {@link #NONE}
     */
    int leastLoaded(ConnectionCounts counts) {
        int least = NONE;
        long leastLoad = 0;
        for (int at = 0; at < ids.length; at++) {
            if (takesFlows(at, counts)) {
                long load = counts.overhead(ids[at]);
                if (least == NONE || leastLoad * weights[at] > load * weights[least]) {
                    least = at;
                    leastLoad = load;
                }
            }
        }
        return least;
    }

    /** Whether connections are more than the weight while another real server is not even half used: is_overloaded(). */
    boolean isOverloaded(int at, ConnectionCounts counts) {
        if (counts.active(ids[at]) <= weights[at]) {
            return false;
        }
        for (int other = 0; other < ids.length; other++) {
            if (counts.active(ids[other]) * 2L < weights[other]) {
                return true;
            }
        }
        return false;
    }

    /** A choice by hash in proportion to weight. */
    HashedChoice byWeight() {
        return new HashedChoice(ids, weights);
    }

    /** A choice by hash in which weights above 0 are equal. */
    HashedChoice byPresence() {
        return new HashedChoice(
                ids, IntStream.of(weights).map(weight -> Math.min(weight, 1)).toArray());
    }
}
