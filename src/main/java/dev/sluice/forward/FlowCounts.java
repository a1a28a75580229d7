package dev.sluice.forward;

import dev.sluice.flow.FlowTable;
import dev.sluice.schedule.ConnectionCounts;
import java.util.Arrays;

/** The connections that all workers' flow tables hold for a real server, added up. */
public final class FlowCounts extends ConnectionCounts {
    private FlowTable[] tables = {};

    /** Counts of no table yet. */
    public FlowCounts() {}

    /** Takes in another worker's table. Before any worker runs. */
    public void add(FlowTable table) {
        tables = Arrays.copyOf(tables, tables.length + 1);
        tables[tables.length - 1] = table;
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
}
