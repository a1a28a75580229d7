package dev.sluice.cli;

import dev.sluice.stats.HealthStats;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;

/** Prints the health of real servers for people. */
final class HealthPrinter {
    private final PrintWriter out;

    HealthPrinter(PrintWriter out) {
        this.out = out;
    }

    /** A row for each real server, with its checks below, or with all that happened to it. */
    void printTable(HealthStats health, boolean history) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("SERVICE", "REAL SERVER", "WEIGHT", "STATE", "SINCE", "LAST RESULT"));
        for (HealthStats.Service service : health.services()) {
            for (HealthStats.RealServer real : service.realServers()) {
                addRows(rows, service, real, history);
            }
            rows.add(List.of(
                    name(service),
                    service.sorry() == null
                            ? "(quorum)"
                            : StatsPrinter.endpoint(
                                            service.sorry().address(),
                                            service.sorry().port()) + " (sorry)",
                    service.quorum().weight() + " of " + service.quorum().quorum(),
                    quorum(service),
                    shortTime(service.quorum().since()),
                    ""));
        }
        int[] widths = new int[rows.getFirst().size()];
        for (List<String> row : rows) {
            for (int i = 0; i < row.size() - 1; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < row.size(); i++) {
                line.append(String.format("%-" + Math.max(1, widths[i] + 2) + "s", row.get(i)));
            }
            out.println(line.toString().stripTrailing());
        }
        HealthStats.Progress progress = health.progress();
        out.printf(
                Locale.ROOT,
                "%n%d real servers checked by %d checks, %d made, %d running; they begin %.1f ms late, at most %d ms%n",
                progress.targets(),
                progress.checks(),
                progress.made(),
                progress.running(),
                progress.lateMs(),
                progress.maxLateMs());
        out.flush();
    }

    private static void addRows(
            List<List<String>> rows, HealthStats.Service service, HealthStats.RealServer real, boolean history) {
        rows.add(List.of(
                name(service),
                StatsPrinter.endpoint(real.address(), real.port()),
                real.weight() == real.effectiveWeight() || !real.inService()
                        ? Integer.toString(real.weight())
                        : real.effectiveWeight() + " of " + real.weight(),
                state(real),
                shortTime(real.since()),
                real.checks().size() == 1 ? result(real.checks().getFirst()) : ""));
        if (real.checks().size() > 1) {
            for (HealthStats.Check check : real.checks()) {
                rows.add(List.of("", "  " + check.type(), "", check.up() ? "up" : "DOWN", "", result(check)));
            }
        }
        if (history) {
            for (HealthStats.Change change : real.history()) {
                rows.add(List.of("", "", "", change.up() ? "  up" : "  DOWN", shortTime(change.at()), change.reason()));
            }
        }
    }

    /** What is not as it should be, a line each; nothing for services whose health nobody configured. */
    void printBrief(HealthStats health) {
        if (health.services().isEmpty()) {
            return;
        }
        long real = health.services().stream()
                .mapToLong(service -> service.realServers().size())
                .sum();
        long down = health.services().stream()
                .flatMap(service -> service.realServers().stream())
                .filter(one -> one.state().equals("down"))
                .count();
        out.printf(Locale.ROOT, "%nHealth: %d of %d real servers are down (sluice health)%n", down, real);
        for (HealthStats.Service service : health.services()) {
            if (!service.quorum().reached()
                    || (service.sorry() != null && service.sorry().inUse())) {
                out.printf("  %s: %s%n", name(service), quorum(service));
            }
            for (HealthStats.RealServer one : service.realServers()) {
                if (one.state().equals("down")) {
                    out.printf(
                            "  %s -> %s: %s since %s, %s%n",
                            name(service),
                            StatsPrinter.endpoint(one.address(), one.port()),
                            state(one),
                            shortTime(one.since()),
                            one.reason());
                }
            }
        }
    }

    /** Whether all real servers that are checked are up, and all services have their quorum. */
    static boolean isHealthy(HealthStats health) {
        return health.services().stream()
                .allMatch(service -> service.quorum().reached()
                        && service.realServers().stream()
                                .noneMatch(real -> real.state().equals("down")));
    }

    private static String quorum(HealthStats.Service service) {
        String state = service.quorum().reached() ? "quorum" : "NO QUORUM";
        HealthStats.Sorry sorry = service.sorry();
        return state + (sorry != null && sorry.inUse() ? ", sorry server in use" : "");
    }

    private static String state(HealthStats.RealServer real) {
        StringJoiner state = new StringJoiner(", ");
        state.add(real.state().equals("down") ? "DOWN" : real.state());
        if (real.flapping()) {
            state.add("flapping");
        }
        if (!real.inService() && !real.state().equals("down")) {
            state.add("not in service");
        }
        return state.toString();
    }

    private static String result(HealthStats.Check check) {
        return check.lastResult().isEmpty()
                ? check.type() + ": no result yet"
                : check.type() + ": " + check.lastResult() + " (" + check.lastDurationMs() + " ms, " + check.streak()
                        + " in a row)";
    }

    /** ISO 8601 to the second. */
    private static String shortTime(String instant) {
        int point = instant.indexOf('.');
        return point < 0 ? instant : instant.substring(0, point) + "Z";
    }

    private static String name(HealthStats.Service service) {
        return service.protocol() + " "
                + (service.protocol().equals("FWM")
                        ? service.address() + (service.family().equals("inet6") ? " IPv6" : "")
                        : StatsPrinter.endpoint(service.address(), service.port()));
    }
}
