package dev.sluice.cli.top;

import java.util.List;
import java.util.Locale;

/** What is shown and how, as keys change it. Owned by: the thread that draws, but for {@link #delayS}, {@link #askQuit} and their like. */
final class TopState {
    /** The intervals that keys go through. */
    static final List<Double> DELAYS_S = List.of(0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0);

    /** What the table below the summary is of. */
    enum View {
        /** Services and their real servers. */
        SERVICES,
        /** Workers, and their rings. */
        WORKERS,
        /** Packets by outcome, drops first. */
        DROPS;

        /** The word for it. */
        String keyword() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final List<View> VIEWS = List.of(View.values());

    private View view;
    private int sortColumn;
    private boolean ascending;
    private boolean idleHidden;
    private boolean collapsed;
    private boolean paused;
    private boolean help;
    private volatile boolean quit;
    private volatile boolean suspended;
    private int scroll;
    private volatile double delayS;
    private int page = 1;
    private int rows;

    /**
     * @param sortColumn which column the table is sorted by, 0 for the order of the configuration
     */
    TopState(View view, int sortColumn, boolean idleHidden, double delayS) {
        this.view = view;
        this.sortColumn = sortColumn;
        this.idleHidden = idleHidden;
        this.delayS = delayS;
    }

    View view() {
        return view;
    }

    int sortColumn() {
        return sortColumn;
    }

    /** Whether the least come first, when sorted. */
    boolean ascending() {
        return ascending;
    }

    boolean idleHidden() {
        return idleHidden;
    }

    /** Whether real servers are left out. */
    boolean collapsed() {
        return collapsed;
    }

    boolean paused() {
        return paused;
    }

    boolean help() {
        return help;
    }

    boolean quit() {
        return quit;
    }

    double delayS() {
        return delayS;
    }

    /** The first row that is shown. */
    int scroll() {
        return Math.clamp(scroll, 0, Math.max(0, rows - page));
    }

    /** Whether the process is to be stopped, as a shell's job; once for each time it was asked for. */
    boolean takeSuspend() {
        boolean was = suspended;
        suspended = false;
        return was;
    }

    /** Asks for the end. */
    void askQuit() {
        quit = true;
    }

    /** Asks for a stop. */
    void askSuspend() {
        suspended = true;
    }

    /** What the last frame had room for, so that keys scroll by it. */
    void drawn(int ofRows, int inLines) {
        rows = ofRows;
        page = Math.max(1, inLines);
        scroll = scroll();
    }

    /**
     * Does what a key asks for. Returns whether there is something else to show.
     *
     * @param columns how many columns the table has
     */
    boolean press(Key key, int columns) {
        if (help && key != Key.QUIT && key != Key.SUSPEND) {
            help = false;
            return true;
        }
        switch (key) {
            case QUIT -> quit = true;
            case SUSPEND -> suspended = true;
            case HELP -> help = true;
            case SERVICES -> show(View.SERVICES);
            case WORKERS -> show(View.WORKERS);
            case DROPS -> show(View.DROPS);
            case NEXT_VIEW -> show(VIEWS.get((VIEWS.indexOf(view) + 1) % VIEWS.size()));
            case PREVIOUS_VIEW -> show(VIEWS.get((VIEWS.indexOf(view) + VIEWS.size() - 1) % VIEWS.size()));
            case SORT_RIGHT -> sortColumn = (sortColumn + 1) % columns;
            case SORT_LEFT -> sortColumn = (sortColumn + columns - 1) % columns;
            case REVERSE -> ascending = !ascending;
            case IDLE -> idleHidden = !idleHidden;
            case COLLAPSE -> collapsed = !collapsed;
            case PAUSE -> paused = !paused;
            case SLOWER ->
                delayS = DELAYS_S.stream()
                        .filter(one -> one > delayS)
                        .findFirst()
                        .orElse(delayS);
            case FASTER ->
                delayS = DELAYS_S.reversed().stream()
                        .filter(one -> one < delayS)
                        .findFirst()
                        .orElse(delayS);
            case UP -> scroll = scroll() - 1;
            case DOWN -> scroll = scroll() + 1;
            case PAGE_UP -> scroll = scroll() - page;
            case PAGE_DOWN -> scroll = scroll() + page;
            case HOME -> scroll = 0;
            case END -> scroll = rows;
            case NONE -> {
                return false;
            }
        }
        return true;
    }

    private void show(View other) {
        if (other != view) {
            view = other;
            sortColumn = 0;
            ascending = false;
            scroll = 0;
        }
    }
}
