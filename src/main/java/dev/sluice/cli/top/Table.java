package dev.sluice.cli.top;

import dev.sluice.cli.top.Line.Style;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Rows under columns, the first of which takes what width is left. Where a terminal is too narrow, the columns that can best be
 * missed are left out.
 *
 * @param columns the first holds names
 * @param rows in the order of the configuration
 * @param sortable whether rows are sorted as the user wants them; else they stay as they are
 */
record Table(List<Column> columns, List<Row> rows, boolean sortable) {
    /**
     * A column.
     *
     * @param header its name
     * @param width its cells', the least for the first column
     * @param spare when there is not enough room, columns with the greatest are left out first; those with 0 stay
     */
    record Column(String header, int width, int spare) {}

    /**
     * A row.
     *
     * @param cells one for each column
     * @param keys numbers to sort by, one for each column; the first is of no meaning
     * @param style how it looks
     * @param idle whether nothing happens there
     * @param children rows that stay below it
     */
    record Row(List<String> cells, List<Double> keys, Style style, boolean idle, List<Row> children) {}

    private static List<Row> flat(List<Row> rows, TopState state, int column) {
        List<Row> flat = new ArrayList<>();
        for (Row row : sorted(rows, column, state.ascending())) {
            if (state.idleHidden() && row.idle()) {
                continue;
            }
            flat.add(row);
            if (!state.collapsed()) {
                flat.addAll(flat(row.children(), state, column));
            }
        }
        return flat;
    }

    private static List<Row> sorted(List<Row> rows, int column, boolean ascending) {
        if (column == 0) {
            return rows;
        }
        Comparator<Row> order = Comparator.comparing(row -> row.keys().get(column));
        return rows.stream().sorted(ascending ? order : order.reversed()).toList();
    }

    /** The lines of the rows in a width, the columns' names first. */
    List<Line> lines(TopState state, int width) {
        int sortColumn = sortable ? state.sortColumn() : 0;
        List<Row> shown = flat(rows, state, sortColumn);
        int names = shown.stream()
                .mapToInt(row -> row.cells().getFirst().length())
                .max()
                .orElse(0);
        names = Math.max(names, columns.getFirst().width());
        List<Integer> kept =
                new ArrayList<>(IntStream.range(1, columns.size()).boxed().toList());
        while (names + others(kept) > width) {
            int spare =
                    kept.stream().mapToInt(i -> columns.get(i).spare()).max().orElse(0);
            if (spare == 0) {
                break;
            }
            kept.removeIf(i -> columns.get(i).spare() == spare);
        }
        int nameWidth = Math.clamp(width - others(kept), 1, names);
        List<Line> lines = new ArrayList<>();
        StringBuilder header = new StringBuilder(pad(cut(columns.getFirst().header(), nameWidth), -nameWidth));
        kept.forEach(i -> header.append(' ')
                .append(pad(
                        (i == sortColumn ? "*" : "") + columns.get(i).header(),
                        columns.get(i).width())));
        lines.add(new Line(header.toString(), Style.HEADER).fit(width));
        for (Row row : shown) {
            StringBuilder line = new StringBuilder(pad(cut(row.cells().getFirst(), nameWidth), -nameWidth));
            kept.forEach(i -> line.append(' ')
                    .append(pad(row.cells().get(i), columns.get(i).width())));
            lines.add(new Line(line.toString().stripTrailing(), row.style()).fit(width));
        }
        return lines;
    }

    private int others(List<Integer> kept) {
        return kept.stream().mapToInt(i -> columns.get(i).width() + 1).sum();
    }

    private static String cut(String text, int width) {
        return text.length() <= width ? text : text.substring(0, Math.max(0, width - 1)) + "~";
    }

    /** To the right for a width above 0, to the left for one below. */
    private static String pad(String text, int width) {
        String blanks = " ".repeat(Math.max(0, Math.abs(width) - text.length()));
        return width < 0 ? text + blanks : blanks + text;
    }
}
