package dev.sluice.schedule;

import dev.sluice.packet.PacketView;
import dev.sluice.service.RealServer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The schedulers that compare the loads of all real servers at every pick: {@code lc}, {@code wlc}, {@code sed} and
 * {@code nq}, as ip_vs_lc.c, ip_vs_wlc.c, ip_vs_sed.c and ip_vs_nq.c. Of equal ones the newest is picked.
 */
final class LeastConnectionTable extends SchedulerTable {
    /** What is compared. */
    enum Measure {
        /** The overhead, whatever the weight: {@code lc}. */
        CONNECTIONS,
        /** The overhead for the weight: {@code wlc}. */
        CONNECTIONS_BY_WEIGHT,
        /** Active connections, the new one included, for the weight: {@code sed}. */
        DELAY,
        /** As {@link #DELAY}, but an idle real server comes first: {@code nq}. */
        DELAY_UNLESS_IDLE
    }

    private final Measure measure;
    private final RealServerList list;
    private final HashedChoice unremembered;

    LeastConnectionTable(Measure measure, List<RealServer> oldestFirst, @Nullable SchedulerTable previous) {
        super(null, oldestFirst, previous);
        this.measure = measure;
        list = new RealServerList(oldestFirst);
        unremembered = measure == Measure.CONNECTIONS ? list.byPresence() : list.byWeight();
    }

    @Override
    void adopt(SchedulerState state, @Nullable SchedulerTable earlier) {
        // All there is to know stands in the counts.
    }

    @Override
    int choose(SchedulerState state, PacketView packet, long flowHash, long nowMs) {
        return list.idOrNone(
                switch (measure) {
                    case CONNECTIONS -> fewest(state.counts);
                    case CONNECTIONS_BY_WEIGHT -> list.leastLoaded(state.counts);
                    case DELAY -> shortestDelay(state.counts, false);
                    case DELAY_UNLESS_IDLE -> shortestDelay(state.counts, true);
                });
    }

    private int fewest(ConnectionCounts counts) {
        int least = RealServerList.NONE;
        long leastLoad = 0;
        for (int at = 0; at < list.size(); at++) {
            if (list.takesFlows(at, counts)) {
                long load = counts.overhead(list.id(at));
                if (least == RealServerList.NONE || load < leastLoad) {
                    least = at;
                    leastLoad = load;
                }
            }
        }
        return least;
    }

    private int shortestDelay(ConnectionCounts counts, boolean idleFirst) {
        int least = RealServerList.NONE;
        long leastLoad = 0;
        for (int at = 0; at < list.size(); at++) {
            if (list.takesFlows(at, counts)) {
                long load = counts.active(list.id(at)) + 1L;
                if (idleFirst && load == 1) {
                    return at;
                }
                if (least == RealServerList.NONE || leastLoad * list.weight(at) > load * list.weight(least)) {
                    least = at;
                    leastLoad = load;
                }
            }
        }
        return least;
    }

    @Override
    public int pickByHash(PacketView packet, long flowHash) {
        return unremembered.choose(flowHash);
    }
}
