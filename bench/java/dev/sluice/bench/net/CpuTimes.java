package dev.sluice.bench.net;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** What each CPU has spent its time on, by proc(5) stat. The kernel samples it at its tick: right on average over seconds. */
final class CpuTimes {
    private static final int SOFTIRQ = 6;
    private static final int STEAL = 7;
    private static final int IDLE = 3;
    private static final int IO_WAIT = 4;

    /** Shares of a CPU's time. */
    record Share(double busy, double softirq, double stolen) {}

    /** Shares by CPU, over a while. */
    record Use(Map<Integer, Share> shares) {
        /** In one line. */
        String text() {
            StringBuilder text = new StringBuilder();
            shares.forEach((cpu, share) -> text.append(text.isEmpty() ? "" : ", ")
                    .append(String.format(
                            Locale.ROOT,
                            "CPU %d %.0f %% busy (softirq %.0f %%%s)",
                            cpu,
                            100 * share.busy(),
                            100 * share.softirq(),
                            share.stolen() < 0.005
                                    ? ""
                                    : String.format(Locale.ROOT, ", stolen %.0f %%", 100 * share.stolen()))));
            return text.toString();
        }
    }

    private final Map<Integer, long[]> ticks;

    private CpuTimes(Map<Integer, long[]> ticks) {
        this.ticks = ticks;
    }

    /** A reading. */
    static CpuTimes now() {
        try {
            return of(Files.readAllLines(Path.of("/proc/stat")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static CpuTimes of(List<String> stat) {
        Map<Integer, long[]> ticks = new TreeMap<>();
        for (String line : stat) {
            if (line.matches("cpu[0-9]+ .*")) {
                String[] words = line.split(" ", -1);
                long[] times = new long[8];
                for (int i = 0; i < times.length; i++) {
                    times[i] = Long.parseLong(words[i + 1]);
                }
                ticks.put(Integer.parseInt(words[0].substring(3)), times);
            }
        }
        return new CpuTimes(ticks);
    }

    /** Since this reading. */
    Use untilNow() {
        return until(now());
    }

    /** From an earlier reading to this one. */
    Use since(CpuTimes earlier) {
        return earlier.until(this);
    }

    Use until(CpuTimes later) {
        Map<Integer, Share> shares = new TreeMap<>();
        ticks.forEach((cpu, before) -> {
            long[] after = later.ticks.getOrDefault(cpu, before);
            double all = 0;
            for (int i = 0; i < before.length; i++) {
                all += after[i] - before[i];
            }
            double whole = Math.max(all, 1);
            double idle = (double) after[IDLE] - before[IDLE] + after[IO_WAIT] - before[IO_WAIT];
            shares.put(
                    cpu,
                    new Share(
                            (all - idle - (after[STEAL] - before[STEAL])) / whole,
                            (after[SOFTIRQ] - before[SOFTIRQ]) / whole,
                            (after[STEAL] - before[STEAL]) / whole));
        });
        return new Use(shares);
    }
}
