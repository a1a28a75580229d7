package dev.sluice.schedule;

import dev.sluice.packet.PacketView;
import dev.sluice.service.RealServer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The schedulers that send every flow to the real server of the highest weight: {@code fo} while it is there, as
 * ip_vs_fo.c, and {@code ovf} while it has no more active connections than its weight, as ip_vs_ovf.c. Of equal ones the
 * newest is picked.
 */
final class HighestWeightTable extends SchedulerTable {
    private final boolean overflows;
    private final RealServerList list;
    private final HashedChoice unremembered;

    /**
     * @param overflows whether a real server with more active connections than its weight is passed over
     */
    HighestWeightTable(boolean overflows, List<RealServer> oldestFirst, @Nullable SchedulerTable previous) {
        super(null, oldestFirst, previous);
        this.overflows = overflows;
        list = new RealServerList(oldestFirst);
        unremembered = list.byWeight();
    }

    @Override
    void adopt(SchedulerState state, @Nullable SchedulerTable earlier) {
        // A pick depends on weights and counts alone.
    }

    @Override
    int choose(SchedulerState state, PacketView packet, long flowHash, long nowMs) {
        return highest(state.counts);
    }

    private int highest(ConnectionCounts counts) {
        int highest = RealServerList.NONE;
        int highestWeight = 0;
        for (int at = 0; at < list.size(); at++) {
            int weight = list.weight(at);
            if (weight > highestWeight
                    && !counts.isOverloaded(list.id(at))
                    && (!overflows || counts.active(list.id(at)) <= weight)) {
                highest = at;
                highestWeight = weight;
            }
        }
        return list.idOrNone(highest);
    }

    @Override
    public int pickByHash(PacketView packet, long flowHash) {
        // Overflow needs counts, and those would send a flow's packets to several real servers.
        return overflows ? unremembered.choose(flowHash) : highest(ConnectionCounts.NONE);
    }
}
