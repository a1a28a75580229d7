package dev.sluice.schedule;

import dev.sluice.packet.PacketView;
import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The immutable half of a scheduler: one service's real servers in the form that a pick wants. Built by control, read by
 * all workers.
 */
public abstract sealed class SchedulerTable permits MaglevTable, RoundRobinTable, WeightedRoundRobinTable {
    /** What {@link #pick} returns when no real server takes new flows. */
    public static final int NO_REAL_SERVER = -1;

    /** The same object in all tables of one life of one service under one scheduler. */
    private final Object lineage;

    SchedulerTable(@Nullable SchedulerTable predecessor) {
        this.lineage = predecessor == null ? new Object() : predecessor.lineage;
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
     * @param parameters of the Maglev table
     */
    public static SchedulerTable of(
            VirtualService service, @Nullable SchedulerTable previous, MaglevParameters parameters) {
        return switch (service.scheduler()) {
            case RR ->
                new RoundRobinTable(service.realServers(), previous instanceof RoundRobinTable before ? before : null);
            case WRR ->
                new WeightedRoundRobinTable(
                        service.realServers(),
                        previous instanceof WeightedRoundRobinTable before ? before : null,
                        previous != null);
            case MAGLEV -> new MaglevTable(service.realServers(), parameters);
        };
    }

    /**
     * Chooses the real server of a new flow. Called by a worker, on a flow miss only; allocates nothing.
     *
     * @param state the calling worker's for this service
     * @param packet the packet that opens the flow
     * @param flowHash the flow's keyed hash
     * @return the real server's id or {@link #NO_REAL_SERVER}
     */
    public final int pick(SchedulerState state, PacketView packet, long flowHash) {
        SchedulerTable seen = state.seen;
        if (seen != this) {
            boolean successor = seen != null && seen.lineage == lineage;
            if (!successor) {
                state.reset();
            }
            adopt(state, successor ? seen : null);
            state.seen = this;
        }
        return choose(state, packet, flowHash);
    }

    /**
     * Chooses the real server of a flow that cannot be remembered, so that all its packets go to the same one: in
     * proportion to weight where the scheduler honours weights, and without a trace in any state. Allocates nothing.
     *
     * @param flowHash the flow's keyed hash
     * @return the real server's id or {@link #NO_REAL_SERVER}
     */
    public abstract int pickByHash(long flowHash);

    /**
     * Carries a worker's state over from an earlier table of the same lineage.
     *
     * @param earlier which need not be the direct predecessor; null when the state is new
     */
    abstract void adopt(SchedulerState state, @Nullable SchedulerTable earlier);

    abstract int choose(SchedulerState state, PacketView packet, long flowHash);

    /** Ids newest first, the order of IPVS's list. */
    static int[] idsNewestFirst(List<RealServer> oldestFirst) {
        return oldestFirst.reversed().stream().mapToInt(RealServer::id).toArray();
    }

    /** Weights in the order of {@link #idsNewestFirst}. */
    static int[] weightsNewestFirst(List<RealServer> oldestFirst) {
        return oldestFirst.reversed().stream().mapToInt(RealServer::weight).toArray();
    }
}
