package dev.sluice.cli.top;

import dev.sluice.cli.top.Interval.Rate;
import dev.sluice.cli.top.Line.Style;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.HealthStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.stats.WorkerStats;
import java.time.LocalTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/** What there is to see at one moment, as lines. */
final class Frame {
    /** Below this many lines the summary is one line. */
    private static final int ROOMY = 16;

    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss", Locale.ROOT);

    private Frame() {}

    /**
     * A frame that fits a terminal.
     *
     * @param interval null before there are two readings
     * @param notice what the user has to know, as that no director answers; empty for nothing
     */
    static List<Line> screen(
            TopState state, @Nullable Interval interval, LocalTime time, String notice, int width, int height) {
        if (state.help()) {
            return fit(help(), width, height);
        }
        List<Line> lines = new ArrayList<>(interval == null ? List.of() : summary(interval, time, state, height));
        if (!notice.isEmpty()) {
            lines.add(new Line(notice, Style.ALARM));
        } else if (interval == null) {
            lines.add(Line.plain("waiting for two readings"));
        } else if (height >= ROOMY) {
            lines.add(Line.plain(""));
        }
        List<Line> table = interval == null ? new ArrayList<>() : table(state, interval, width);
        int room = Math.max(0, height - lines.size() - 1);
        if (!table.isEmpty() && room > 0) {
            List<Line> rows = table.subList(1, table.size());
            state.drawn(rows.size(), room - 1);
            lines.add(table.getFirst());
            int first = state.scroll();
            int last = Math.min(rows.size(), first + room - 1);
            lines.addAll(rows.subList(first, last));
            while (lines.size() < height - 1) {
                lines.add(Line.plain(""));
            }
            lines.add(new Line(footer(first, last, rows.size()), Style.FAINT));
        }
        return fit(lines, width, height);
    }

    /** A whole frame, however long, for a file or a pipe. */
    static List<Line> whole(TopState state, Interval interval, LocalTime time, int width) {
        List<Line> lines = new ArrayList<>(summary(interval, time, state, Integer.MAX_VALUE));
        lines.add(Line.plain(""));
        lines.addAll(table(state, interval, width));
        return fit(lines, width, Integer.MAX_VALUE);
    }

    private static List<Line> fit(List<Line> lines, int width, int height) {
        return lines.stream().limit(height).map(line -> line.fit(width)).toList();
    }

    private static List<Line> table(TopState state, Interval interval, int width) {
        List<Line> lines = new ArrayList<>();
        for (Table table : Tables.of(state.view(), interval)) {
            if (!lines.isEmpty()) {
                lines.add(Line.plain(""));
            }
            lines.addAll(table.lines(state, width));
        }
        return lines;
    }

    private static List<Line> summary(Interval interval, LocalTime time, TopState state, int height) {
        DirectorStats now = interval.now();
        List<Line> lines = new ArrayList<>();
        lines.add(new Line(
                String.format(
                        Locale.ROOT,
                        "sluice top - %s  %s, up %s, pid %d, configuration %d, every %s s%s",
                        TIME.format(time),
                        now.version(),
                        uptime(now.uptimeMs() / 1000),
                        now.pid(),
                        now.generation(),
                        Scale.of(interval.seconds()),
                        state.paused() ? " (PAUSED)" : ""),
                Style.STRONG));
        Rate total = interval.total();
        double dropped = interval.dropped();
        String packets = "Packets/s  in " + Scale.of(interval.outcome(Counter.PACKETS_IN.label())) + ", forwarded "
                + Scale.of(interval.outcome(Counter.FORWARDED.label())) + ", dropped " + Scale.of(dropped);
        lines.add(new Line(packets, dropped > 0 ? Style.ALARM : Style.PLAIN));
        if (height < ROOMY) {
            return lines;
        }
        long active = 0;
        long inactive = 0;
        for (ServiceStats service : now.services()) {
            for (RealServerStats real : service.realServers()) {
                active += real.active();
                inactive += real.inactive();
            }
        }
        lines.add(Line.plain("Traffic    in " + Scale.of(total.inBits()) + "bit/s, out " + Scale.of(total.outBits())
                + "bit/s; new connections " + Scale.of(total.connections()) + "/s, " + active + " active, " + inactive
                + " inactive"));
        lines.add(workers(interval));
        lines.add(health(now.health()));
        lines.add(drops(interval, dropped));
        return lines;
    }

    private static Line workers(Interval interval) {
        double most = 0;
        int mostQueue = 0;
        double sum = 0;
        double stalls = 0;
        StringJoiner each = new StringJoiner(" ");
        List<WorkerStats> workers = interval.now().workers();
        for (WorkerStats worker : workers) {
            double busy = interval.busy(worker);
            sum += busy;
            stalls += interval.worker(worker, "stalls");
            if (busy > most) {
                most = busy;
                mostQueue = worker.queue();
            }
            each.add(Scale.percent(busy));
        }
        String text = "Workers    " + workers.size() + ", busy "
                + (workers.size() <= 8
                        ? each
                        : Scale.percent(sum / workers.size()) + " in the mean, most " + Scale.percent(most) + " (queue "
                                + mostQueue + ")")
                + (stalls > 0 ? ", stalls " + Scale.of(stalls) + "/s" : "");
        return new Line(text, most > 0.95 || stalls > 0 ? Style.ALARM : Style.PLAIN);
    }

    private static Line health(HealthStats health) {
        List<String> down = new ArrayList<>();
        int followed = 0;
        for (HealthStats.Service service : health.services()) {
            for (HealthStats.RealServer real : service.realServers()) {
                followed++;
                if (real.state().equals("down")) {
                    down.add(real.address() + " (" + real.reason() + ")");
                }
            }
        }
        if (followed == 0) {
            return new Line("Health     no checks", Style.FAINT);
        }
        return down.isEmpty()
                ? Line.plain("Health     " + followed + " real servers, none down")
                : new Line(
                        "Health     " + down.size() + " of " + followed + " DOWN: " + String.join(", ", down),
                        Style.ALARM);
    }

    private static Line drops(Interval interval, double dropped) {
        if (dropped == 0) {
            return new Line("Drops/s    none", Style.FAINT);
        }
        List<Counter> reasons = new ArrayList<>(List.of(Counter.values()));
        reasons.removeIf(counter -> counter.kind() != Counter.Kind.DROP || interval.outcome(counter.label()) == 0);
        reasons.sort(Comparator.comparingDouble(counter -> -interval.outcome(counter.label())));
        StringJoiner text = new StringJoiner(", ");
        reasons.forEach(counter -> text.add(counter.label() + " " + Scale.of(interval.outcome(counter.label()))));
        return new Line("Drops/s    " + text, Style.ALARM);
    }

    private static String footer(int first, int last, int rows) {
        String place = last - first < rows ? "rows " + (first + 1) + "-" + last + " of " + rows + "  " : "";
        return place + "q quit  h help  1 services 2 workers 3 drops  < > sort  i idle  + - interval";
    }

    private static List<Line> help() {
        List<Line> lines = new ArrayList<>();
        lines.add(new Line("sluice top: keys", Style.STRONG));
        lines.add(Line.plain(""));
        for (String line : Key.HELP_TEXT) {
            lines.add(Line.plain(line));
        }
        lines.add(Line.plain(""));
        lines.add(new Line("  any key goes back", Style.FAINT));
        return lines;
    }

    /** {@code 3d 04:11:09}. */
    private static String uptime(long seconds) {
        String clock =
                String.format(Locale.ROOT, "%02d:%02d:%02d", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        return seconds < 86_400 ? clock : seconds / 86_400 + "d " + clock;
    }
}
