package dev.sluice.bench.net;

import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.WorkerStats;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** What a director's stall tracker and its JVM had to say over a while. */
final class DirectorWatch {
    private static final Set<String> WATCHED = Set.of("stalls", "longest_cycle_ns", "sleeps", "allocated_bytes");

    private final AdminClient admin;
    private final JvmEvents events;
    private final Map<String, Long> before;
    private final int mark;

    /** From now on. */
    DirectorWatch(Path socket, JvmEvents events) throws AdminException {
        this.admin = new AdminClient(socket);
        this.events = events;
        this.mark = events.mark();
        this.before = counters();
    }

    /** Until now, in a sentence. */
    String told() throws AdminException {
        Map<String, Long> now = counters();
        StringBuilder text = new StringBuilder();
        now.forEach((name, value) -> {
            if (WATCHED.contains(name)) {
                // The longest cycle is since the start; whatever only grows is shown as what came on top.
                boolean isMaximum = name.startsWith("longest");
                text.append(name)
                        .append(isMaximum ? " since start " : " ")
                        .append(isMaximum ? value : value - before.getOrDefault(name, 0L))
                        .append(", ");
            }
        });
        return text + events.since(mark);
    }

    private Map<String, Long> counters() throws AdminException {
        Map<String, Long> sums = new TreeMap<>();
        for (WorkerStats worker : admin.ask("stats", DirectorStats.class).workers()) {
            worker.counters().forEach((name, value) -> sums.merge(name, value, Long::sum));
        }
        return sums;
    }
}
