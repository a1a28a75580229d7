package dev.sluice.control.flows;

import dev.sluice.stats.ConnectionGroup;
import dev.sluice.stats.ConnectionStats;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Takes in what is found in the tables and keeps what was asked for: all that match, the first so many by some order, or counts.
 * However much is found, it keeps no more than the limit. Owned by: whoever made it.
 */
public final class FlowCollector {
    private final FlowQuery query;
    private final FlowGroups groups;
    private final List<ConnectionStats> listed = new ArrayList<>();
    private final PriorityQueue<FlowRow> best;
    private final Comparator<FlowRow> order;
    private FlowRow scratch = new FlowRow();
    private long matched;

    /** Keeps what a query asks for. */
    public FlowCollector(FlowQuery query, FlowNames names) {
        this.query = query;
        groups = new FlowGroups(query.countBy(), names);
        FlowField field = query.order() == null ? FlowField.EXPIRES : query.order();
        Comparator<FlowRow> ascending = (a, b) -> field.compare(a, b, names);
        order = query.descending() ? ascending.reversed() : ascending;
        best = new PriorityQueue<>(16, order.reversed());
    }

    /** The row to fill before {@link #take}; another one after each. */
    public FlowRow row() {
        return scratch;
    }

    /** Takes in what {@link #row} was filled with. */
    public void take() {
        FlowRow row = scratch;
        if (!query.filter().matches(row)) {
            return;
        }
        matched++;
        if (!query.countBy().isEmpty()) {
            groups.add(row);
        } else if (query.order() == null) {
            listed.add(row.toStats());
        } else if (best.size() < query.limit()) {
            best.add(row);
            scratch = new FlowRow();
        } else {
            FlowRow worst = best.element();
            if (order.compare(row, worst) < 0) {
                // What falls out is filled anew: no object for any of the others.
                scratch = best.remove();
                best.add(row);
            }
        }
    }

    /** Whether no more may come. */
    public boolean isFull() {
        return query.countBy().isEmpty()
                ? query.order() == null && listed.size() >= query.limit()
                : groups.size() >= FlowQuery.MAX_LIMIT;
    }

    /** How many were asked for among those found. */
    public long matched() {
        return matched;
    }

    /** What is kept, in order if there is one. */
    public List<ConnectionStats> connections() {
        return query.order() == null
                ? listed
                : best.stream().sorted(order).map(FlowRow::toStats).toList();
    }

    /** What was counted; null when nothing is to be. */
    public @Nullable List<ConnectionGroup> groups() {
        return query.countBy().isEmpty() ? null : groups.result();
    }
}
