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
 * <p>The flag follows ip_vs_dest_update_overload() of kernels since 2026, asked whenever a connection comes or goes or the
 * thresholds change: as many connections as the upper threshold set it, fewer than the lower one clear it, or than three
 * quarters of the upper one where there is no lower one. Older kernels cleared it whenever the upper threshold was raised.
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
     * Sets a real server's thresholds. Control thread.
     *
     * @param upper 0 for none
     * @param lower 0 for three quarters of the upper one
     */
    public void setThresholds(int realServerId, int upper, int lower) {
        CELL.setOpaque(upperThreshold, realServerId, upper);
        CELL.setOpaque(lowerThreshold, realServerId, lower);
        update(realServerId, 0);
    }

    /** To be called when a worker has entered a new connection of a real server. */
    public void opened(int realServerId) {
        update(realServerId, 0);
    }

    /** To be called instead of {@link #opened} for a connection that is never entered: it opens and closes at once. */
    public void passed(int realServerId) {
        update(realServerId, 1);
        update(realServerId, 0);
    }

    /** A worker has forgotten a connection of a real server. */
    void closed(int realServerId) {
        update(realServerId, 0);
    }

    private void update(int realServerId, int unentered) {
        int upper = (int) CELL.getOpaque(upperThreshold, realServerId);
        boolean before = isOverloaded(realServerId);
        if (upper == 0 && !before) {
            return;
        }
        long total = total(realServerId) + unentered;
        int set = (int) CELL.getOpaque(lowerThreshold, realServerId);
        // Rounded up: of an upper threshold of 2 it is 2, and one connection left is below it.
        int lower = set != 0 ? set : upper - (upper >> 2);
        boolean after = upper != 0 && (total >= upper || (before && total >= lower));
        if (after != before) {
            CELL.setOpaque(overloaded, realServerId, after ? 1 : 0);
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
