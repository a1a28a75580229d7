package dev.sluice.flow;

import dev.sluice.schedule.ConnectionCounts;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * The connections that all workers' flow tables hold for a real server, added up, and which real servers have more of them
 * than their thresholds allow. Shared by all workers; what several of them do at once may set or clear a flag a connection
 * late.
 *
 * <p>The flag has the hysteresis of ip_vs_bind_dest() and ip_vs_unbind_dest(): a connection that reaches the upper threshold
 * sets it, one that goes and leaves fewer than the lower threshold clears it, or three quarters of the upper one where
 * there is no lower one.
 */
public final class FlowCounts extends ConnectionCounts {
    private static final VarHandle CELL =
            MethodHandles.arrayElementVarHandle(int[].class).withInvokeExactBehavior();

    private final int[] upperThreshold;
    private final int[] lowerThreshold;
    /** 1 for an overloaded real server. */
    private final int[] overloaded;

    private FlowTable[] tables = {};

    /**
     * Counts of no table yet.
     *
     * @param realServers ids lie below this
     */
    public FlowCounts(int realServers) {
        upperThreshold = new int[realServers];
        lowerThreshold = new int[realServers];
        overloaded = new int[realServers];
    }

    /** Takes in another worker's table. Before any worker runs. */
    public void add(FlowTable table) {
        tables = Arrays.copyOf(tables, tables.length + 1);
        tables[tables.length - 1] = table;
        table.reportTo(this);
    }

    /**
     * Sets a real server's thresholds; a higher upper one, or none, ends an overload at once, as __ip_vs_update_dest() does.
     * Control thread.
     *
     * @param upper 0 for none
     * @param lower 0 for none
     */
    public void setThresholds(int realServerId, int upper, int lower) {
        if (upper == 0 || upper > (int) CELL.getOpaque(upperThreshold, realServerId)) {
            CELL.setOpaque(overloaded, realServerId, 0);
        }
        CELL.setOpaque(upperThreshold, realServerId, upper);
        CELL.setOpaque(lowerThreshold, realServerId, lower);
    }

    /** To be called when a worker has entered a new connection of a real server. */
    public void opened(int realServerId) {
        int upper = (int) CELL.getOpaque(upperThreshold, realServerId);
        if (upper != 0 && total(realServerId) >= upper) {
            CELL.setOpaque(overloaded, realServerId, 1);
        }
    }

    /** To be called instead of {@link #opened} for a connection that is never entered: it opens and closes at once. */
    public void passed(int realServerId) {
        int upper = (int) CELL.getOpaque(upperThreshold, realServerId);
        if (upper != 0 && total(realServerId) + 1 >= upper) {
            CELL.setOpaque(overloaded, realServerId, 1);
            closed(realServerId);
        }
    }

    /** A worker has forgotten a connection of a real server. */
    void closed(int realServerId) {
        if ((int) CELL.getOpaque(overloaded, realServerId) == 0) {
            return;
        }
        int upper = (int) CELL.getOpaque(upperThreshold, realServerId);
        int lower = (int) CELL.getOpaque(lowerThreshold, realServerId);
        long total = total(realServerId);
        boolean clear = lower != 0 ? total < lower : upper == 0 || total * 4 < upper * 3L;
        if (clear) {
            CELL.setOpaque(overloaded, realServerId, 0);
        }
    }

    @Override
    public boolean isOverloaded(int realServerId) {
        return (int) CELL.getOpaque(overloaded, realServerId) != 0;
    }

    @Override
    public int active(int realServerId) {
        int active = 0;
        for (FlowTable table : tables) {
            active += table.activeOf(realServerId);
        }
        return active;
    }

    @Override
    public int inactive(int realServerId) {
        int inactive = 0;
        for (FlowTable table : tables) {
            inactive += table.inactiveOf(realServerId);
        }
        return inactive;
    }

    private long total(int realServerId) {
        long total = 0;
        for (FlowTable table : tables) {
            total += table.flowsOf(realServerId);
        }
        return total;
    }
}
