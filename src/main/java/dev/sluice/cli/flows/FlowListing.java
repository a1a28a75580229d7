package dev.sluice.cli.flows;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.stats.ConnectionPage;
import dev.sluice.stats.ConnectionStats;
import java.io.PrintWriter;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/** Prints connections as they come, or the first so many of them in some order. Keeps no more than those. */
final class FlowListing {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final PrintWriter out;
    private final List<FlowColumn> columns;
    private final boolean json;
    private final long limit;
    private final @Nullable Comparator<Entry> order;
    private final @Nullable PriorityQueue<Entry> best;
    private long matched;
    private long printed;

    private record Entry(FlowColumn.Key key, ConnectionStats flow) {}

    private final @Nullable FlowColumn sort;

    /**
     * @param columns which to print; of no matter for JSON
     * @param sort null for none
     * @param limit the most to print; with a sort, the most to keep
     */
    FlowListing(
            PrintWriter out,
            List<FlowColumn> columns,
            boolean json,
            @Nullable FlowColumn sort,
            boolean descending,
            long limit) {
        this.out = out;
        this.columns = columns;
        this.json = json;
        this.sort = sort;
        this.limit = limit;
        Comparator<Entry> ascending = Comparator.comparing(Entry::key);
        order = sort == null ? null : descending ? ascending.reversed() : ascending;
        best = order == null ? null : new PriorityQueue<>(order.reversed());
    }

    void header() {
        if (!json) {
            StringBuilder line = new StringBuilder();
            columns.forEach(column -> append(line, column, column.header()));
            out.println(line.toString().stripTrailing());
        }
    }

    /** Takes in an answer. Returns whether more are of use. */
    boolean take(ConnectionPage page) {
        matched += page.matched();
        for (ConnectionStats flow : page.connections()) {
            if (best == null || sort == null) {
                if (printed == limit) {
                    return false;
                }
                print(flow);
            } else {
                best.add(new Entry(sort.key(flow), flow));
                if (best.size() > limit) {
                    var _ = best.remove();
                }
            }
        }
        // True when nobody reads any more, as behind head(1).
        return !out.checkError() && (best != null || printed < limit);
    }

    /** Prints what was kept. */
    void finish() {
        if (best != null && order != null) {
            best.stream().sorted(order).forEach(entry -> print(entry.flow()));
        }
        out.flush();
    }

    /** How many there were, those that were not printed included. */
    long matched() {
        return matched;
    }

    /** How many were printed. */
    long printed() {
        return printed;
    }

    private void print(ConnectionStats flow) {
        printed++;
        if (json) {
            out.println(line(flow));
            return;
        }
        StringBuilder line = new StringBuilder();
        columns.forEach(column -> append(line, column, column.text(flow)));
        out.println(line.toString().stripTrailing());
    }

    private static void append(StringBuilder line, FlowColumn column, String text) {
        line.append(line.isEmpty() ? "" : " ").append(column.pad(text));
    }

    static String line(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("no JSON of " + value.getClass(), e);
        }
    }
}
