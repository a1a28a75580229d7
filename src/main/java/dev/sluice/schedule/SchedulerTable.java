package dev.sluice.schedule;

import dev.sluice.packet.PacketView;
import dev.sluice.schedule.LeastConnectionTable.Measure;
import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The immutable half of a scheduler: one service's real servers in the form that a pick wants. Built by control, read by
 * all workers.
 */
public abstract sealed class SchedulerTable
        permits HighestWeightTable,
                LeastConnectionTable,
                LocalityTable,
                MaglevTable,
                MhTable,
                RoundRobinTable,
                SlotTable,
                TwoChoicesTable,
                WeightedRoundRobinTable {
    /** What {@link #pick} returns when no real server takes new flows. */
    public static final int NO_REAL_SERVER = -1;

    /** The same object in all tables of one life of one service under one scheduler. */
    private final Object lineage;

    /** By id: the weight, or what it was before it was edited to 0. */
    private final Map<Integer, Integer> lastWeights;

    /**
     * @param predecessor of the same scheduler: workers' states go on from there; null when they start anew
     * @param previous the service's table before, whatever its scheduler
     */
    SchedulerTable(
            @Nullable SchedulerTable predecessor, List<RealServer> realServers, @Nullable SchedulerTable previous) {
        this.lineage = predecessor == null ? new Object() : predecessor.lineage;
        Map<Integer, Integer> weights = new HashMap<>();
        for (RealServer real : realServers) {
            int before = previous == null ? 0 : previous.lastWeights.getOrDefault(real.id(), 0);
            weights.put(real.id(), real.weight() > 0 ? real.weight() : before);
        }
        lastWeights = Map.copyOf(weights);
    }

    /**
     * The weight of a real server, or, when that was edited to 0, the one before; 0 for one added at weight 0. IPVS keeps it
     * as {@code last_weight}, whatever the scheduler.
     */
    final int lastWeight(int id) {
        return lastWeights.getOrDefault(id, 0);
    }

    /**
     * Builds the table of a service.
     *
     * <p>Call it once for every change of the service's real servers, as IPVS tells its scheduler of every one, an edit
     * that changes nothing included; keep the table while nothing happens to the service. With {@code previous} a worker's
     * state goes on where it was; without, or when the scheduler changed, it starts anew.
     *
     * @param service with its real servers, oldest first
     * @param previous the table before the change, null for a new service
     * @param parameters of hash tables
     */
    public static SchedulerTable of(
            VirtualService service, @Nullable SchedulerTable previous, SchedulerParameters parameters) {
        List<RealServer> reals = service.realServers();
        return switch (service.scheduler()) {
            case RR -> new RoundRobinTable(reals, previous);
            case WRR -> new WeightedRoundRobinTable(reals, previous);
            case LC -> new LeastConnectionTable(Measure.CONNECTIONS, reals, previous);
            case WLC -> new LeastConnectionTable(Measure.CONNECTIONS_BY_WEIGHT, reals, previous);
            case SED -> new LeastConnectionTable(Measure.DELAY, reals, previous);
            case NQ -> new LeastConnectionTable(Measure.DELAY_UNLESS_IDLE, reals, previous);
            case LBLC -> new LocalityTable(false, reals, previous);
            case LBLCR -> new LocalityTable(true, reals, previous);
            case FO -> new HighestWeightTable(false, reals, previous);
            case OVF -> new HighestWeightTable(true, reals, previous);
            case TWOS -> new TwoChoicesTable(reals, previous);
            case SH -> SlotTable.ofSource(service.schedulerFlags(), reals, previous);
            case DH -> SlotTable.ofDestination(reals, previous);
            case MH -> new MhTable(service.schedulerFlags(), parameters.mhTableSize(), reals, previous);
            case MAGLEV -> new MaglevTable(reals, parameters.maglev(), previous);
        };
    }

    /**
     * Chooses the real server of a new flow. Called by a worker, on a flow miss only; allocates nothing.
     *
     * @param state the calling worker's for this service
     * @param packet the packet that opens the flow
     * @param flowHash the flow's keyed hash
     * @param nowMs the worker's monotonic clock
     * @return the real server's id or {@link #NO_REAL_SERVER}
     */
    public final int pick(SchedulerState state, PacketView packet, long flowHash, long nowMs) {
        SchedulerTable seen = state.seen;
        if (seen != this) {
            boolean successor = seen != null && seen.lineage == lineage;
            if (!successor) {
                state.reset();
            }
            adopt(state, successor ? seen : null);
            state.seen = this;
        }
        return choose(state, packet, flowHash, nowMs);
    }

    /**
     * Chooses the real server of a flow that cannot be remembered, so that all its packets go to the same one: as
     * {@link #pick} where that looks at nothing but the packet, else in proportion to weight where the scheduler honours
     * weights; without a trace in any state. Allocates nothing.
     *
     * @param packet any packet of the flow
     * @param flowHash the flow's keyed hash
     * @return the real server's id or {@link #NO_REAL_SERVER}
     */
    public abstract int pickByHash(PacketView packet, long flowHash);

    /**
     * Carries a worker's state over from an earlier table of the same lineage.
     *
     * @param earlier which need not be the direct predecessor; null when the state is new
     */
    abstract void adopt(SchedulerState state, @Nullable SchedulerTable earlier);

    abstract int choose(SchedulerState state, PacketView packet, long flowHash, long nowMs);

    /** Ids newest first, the order of IPVS's list. */
    static int[] idsNewestFirst(List<RealServer> oldestFirst) {
        return oldestFirst.reversed().stream().mapToInt(RealServer::id).toArray();
    }

    /** Weights in the order of {@link #idsNewestFirst}. */
    static int[] weightsNewestFirst(List<RealServer> oldestFirst) {
        return oldestFirst.reversed().stream().mapToInt(RealServer::weight).toArray();
    }
}
