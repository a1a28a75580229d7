package dev.sluice.bench.harness;

import java.io.PrintStream;
import java.util.Locale;

/** A run's results in lines for a terminal. */
final class Summary {
    private Summary() {}

    static void print(Run run, PrintStream out) {
        for (Measurement measurement : run.measurements()) {
            out.printf(
                    Locale.ROOT,
                    "%-24s %-12s %14.2f %-14s (%.2f-%.2f) %s%n",
                    measurement.subject(),
                    measurement.metric(),
                    measurement.median(),
                    measurement.unit(),
                    measurement.min(),
                    measurement.max(),
                    measurement.parameters());
        }
        for (Target target : run.targets()) {
            out.printf(
                    Locale.ROOT,
                    "%-6s %s: %.3f, wanted %s %.3f%n",
                    target.isMet() ? "ok" : "MISSED",
                    target.name(),
                    target.value(),
                    target.atLeast() ? "at least" : "at most",
                    target.wanted());
        }
        run.remarks().forEach(out::println);
    }
}
