package dev.sluice.cli.flows;

import dev.sluice.packet.IpAddress;
import dev.sluice.stats.ConnectionGroup;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Adds up counts of connections that come a part of the tables at a time, and prints them. */
final class FlowCounts {
    /** What is counted apart; beyond that all is one. Each takes some 300 bytes of this process. */
    static final int MAX_GROUPS = 200_000;

    /** What is beyond. */
    private static final String OTHERS = "(others)";

    private final List<String> by;
    private final Map<List<String>, Sums> groups = new HashMap<>();
    private final Sums others = new Sums();
    private final Sums total = new Sums();

    private static final class Sums {
        long count;
        long packets;
        long bytes;

        void add(ConnectionGroup group) {
            count += group.count();
            packets += group.packets();
            bytes += group.bytes();
        }
    }

    private record Row(List<String> labels, Sums sums) {}

    /**
     * @param by the words that connections are counted by
     */
    FlowCounts(List<String> by) {
        this.by = by;
    }

    /** Adds what one answer has counted. */
    void add(List<ConnectionGroup> counted) {
        for (ConnectionGroup group : counted) {
            List<String> labels =
                    by.stream().map(word -> group.by().getOrDefault(word, "-")).toList();
            Sums sums = groups.get(labels);
            if (sums == null && groups.size() < MAX_GROUPS) {
                sums = new Sums();
                groups.put(labels, sums);
            }
            (sums == null ? others : sums).add(group);
            total.add(group);
        }
    }

    /** Whether there were too many to count them all apart. */
    boolean isCut() {
        return others.count > 0;
    }

    /**
     * Prints them.
     *
     * @param sort {@code count}, {@code packets}, {@code bytes}, or one of those that are counted by
     * @param descending whether the greatest come first
     */
    void print(PrintWriter out, String sort, boolean descending, long limit, boolean json, boolean header) {
        List<Row> rows = new ArrayList<>();
        groups.forEach((labels, sums) -> rows.add(new Row(labels, sums)));
        Comparator<Row> order = order(sort);
        rows.sort(descending ? order.reversed() : order);
        List<Row> first = new ArrayList<>(rows.subList(0, (int) Math.min(limit, rows.size())));
        if (isCut()) {
            first.add(new Row(by.stream().map(_ -> OTHERS).toList(), others));
        }
        if (header && !json) {
            out.println("   COUNT  SHARE   PACKETS        BYTES  "
                    + String.join("  ", by).toUpperCase(Locale.ROOT));
        }
        for (Row row : first) {
            double share = total.count == 0 ? 0 : (double) row.sums.count / total.count;
            out.println(json ? FlowListing.line(object(row, share)) : line(row, share));
        }
        out.flush();
    }

    private Comparator<Row> order(String sort) {
        Comparator<Row> bySort = switch (sort) {
            case "count" -> Comparator.comparingLong(row -> row.sums.count);
            case "packets" -> Comparator.comparingLong(row -> row.sums.packets);
            case "bytes" -> Comparator.comparingLong(row -> row.sums.bytes);
            default -> {
                int index = by.indexOf(sort);
                yield Comparator.comparing(row -> key(row.labels.get(index)));
            }
        };
        // So that equal ones come in the same order every time.
        return bySort.thenComparing(row -> String.join(" ", row.labels), Comparator.reverseOrder());
    }

    /** Addresses and numbers by their value, all else by its letters. */
    private static FlowColumn.Key key(String label) {
        @Nullable IpAddress address = null;
        long port = 0;
        String text = label;
        int slash = text.indexOf('/');
        int colon = text.lastIndexOf(':');
        try {
            if (label.matches("[0-9]+")) {
                return new FlowColumn.Key(null, "", Long.parseLong(label));
            }
            if (label.startsWith("[") || label.matches("[0-9.]+:[0-9]+")) {
                port = Long.parseLong(text.substring(colon + 1));
                text = text.substring(0, colon).replace("[", "").replace("]", "");
            } else if (slash >= 0) {
                text = text.substring(0, slash);
            }
            address = IpAddress.parse(text);
        } catch (IllegalArgumentException e) {
            return new FlowColumn.Key(null, label, 0);
        }
        return new FlowColumn.Key(address, "", port);
    }

    private static String line(Row row, double share) {
        return String.format(
                Locale.ROOT,
                "%8d %5.1f%% %9d %12d  %s",
                row.sums.count,
                share * 100,
                row.sums.packets,
                row.sums.bytes,
                String.join(
                        "  ",
                        row.labels.stream()
                                .map(label -> label.replace(' ', '/'))
                                .toList()));
    }

    private Map<String, Object> object(Row row, double share) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("count", row.sums.count);
        object.put("share", share);
        object.put("packets", row.sums.packets);
        object.put("bytes", row.sums.bytes);
        for (int i = 0; i < by.size(); i++) {
            object.put(by.get(i), row.labels.get(i));
        }
        return object;
    }
}
