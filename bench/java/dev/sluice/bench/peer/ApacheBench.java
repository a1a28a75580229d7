package dev.sluice.bench.peer;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * {@code ab}, the web client that opens a connection for each request by design: it counts those that failed, measures from
 * before connect(2) on, and binds to a client address. wrk and h2load are made for connections that stay: wrk leaves connecting
 * out of its delays, h2load has no way to close after a request.
 */
public final class ApacheBench {
    private static final String PROGRAM = "ab";
    /** More than come in a run: the time ends it. */
    private static final int REQUESTS = 5_000_000;

    private static final int TIMEOUT_S = 5;

    private static final Pattern COMPLETE = Pattern.compile("Complete requests:\\s+([0-9]+)");
    private static final Pattern FAILED = Pattern.compile("Failed requests:\\s+([0-9]+)");
    private static final Pattern REFUSED = Pattern.compile("Non-2xx responses:\\s+([0-9]+)");
    private static final Pattern TAKEN = Pattern.compile("Time taken for tests:\\s+([0-9.]+) seconds");

    private ApacheBench() {}

    /**
     * What a run told.
     *
     * @param complete requests answered, each on a connection of its own
     * @param failed requests that were not, or wrongly
     * @param percentilesMs by percent of requests, 0 to 100: within which time, connecting included
     */
    public record Told(long complete, long failed, double seconds, List<Double> percentilesMs) {
        /** Copies the list. */
        public Told {
            percentilesMs = List.copyOf(percentilesMs);
        }

        /** Connections a second. */
        public double perSecond() {
            return seconds > 0 ? complete / seconds : 0;
        }
    }

    /** Whether it is installed; empty when it is, or what to tell users. */
    public static Optional<String> missing() {
        return missing(System.getenv("PATH"));
    }

    static Optional<String> missing(String path) {
        boolean there = Stream.of(path.split(File.pathSeparator, -1))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, PROGRAM)));
        return there
                ? Optional.empty()
                : Optional.of(
                        PROGRAM + " is not installed: bench/run setup peers (Debian: apt-get install apache2-utils)");
    }

    /**
     * The command of a run.
     *
     * @param seconds how long
     * @param concurrency connections at a time
     * @param source the client's address
     * @param percentiles the file to write percentiles to
     */
    public static List<String> command(int seconds, int concurrency, String source, Path percentiles, String url) {
        return List.of(
                PROGRAM,
                "-q",
                // A broken connection is counted, and does not end the run.
                "-r",
                "-t",
                Integer.toString(seconds),
                // After the time, which sets a number of its own.
                "-n",
                Integer.toString(REQUESTS),
                "-c",
                Integer.toString(concurrency),
                "-s",
                Integer.toString(TIMEOUT_S),
                "-B",
                source,
                "-e",
                percentiles.toString(),
                url);
    }

    /**
     * Reads what it wrote. Throws {@link IllegalStateException}, with its last line, when it did not come to an end.
     *
     * @param csv the file of percentiles
     */
    public static Told read(String output, List<String> csv) {
        Matcher complete = COMPLETE.matcher(output);
        Matcher taken = TAKEN.matcher(output);
        if (!complete.find() || !taken.find()) {
            throw new IllegalStateException(PROGRAM + " did not come to its end: "
                    + output.strip().lines().reduce((_, line) -> line).orElse("no output"));
        }
        List<Double> percentiles = new ArrayList<>();
        for (String line : csv) {
            int comma = line.indexOf(',');
            if (comma > 0 && Character.isDigit(line.charAt(0))) {
                percentiles.add(Double.parseDouble(line.substring(comma + 1)));
            }
        }
        return new Told(
                Long.parseLong(complete.group(1)),
                number(FAILED, output) + number(REFUSED, output),
                Double.parseDouble(taken.group(1)),
                percentiles);
    }

    private static long number(Pattern pattern, String output) {
        Matcher matcher = pattern.matcher(output);
        return matcher.find() ? Long.parseLong(matcher.group(1)) : 0;
    }

    /**
     * A percentile of several runs at once: the time within which that share of all their requests was answered, within a
     * hundredth of the requests.
     *
     * @param percent 0 to 100; 100 is the longest
     */
    public static double percentileMs(List<Told> runs, double percent) {
        double low = 0;
        double high = runs.stream()
                .flatMap(run -> run.percentilesMs().stream())
                .mapToDouble(Double::doubleValue)
                .max()
                .orElse(0);
        double all = runs.stream().mapToLong(Told::complete).sum();
        if (percent >= 100 || all == 0) {
            return high;
        }
        for (int step = 0; step < 60; step++) {
            double middle = (low + high) / 2;
            double within = runs.stream()
                    .mapToDouble(run -> run.complete() * shareWithin(run.percentilesMs(), middle))
                    .sum();
            if (within / all * 100 >= percent) {
                high = middle;
            } else {
                low = middle;
            }
        }
        return high;
    }

    /** Between two of the percentiles in a straight line. */
    private static double shareWithin(List<Double> percentiles, double ms) {
        for (int i = 0; i < percentiles.size(); i++) {
            double here = percentiles.get(i);
            if (here > ms) {
                double before = i == 0 ? 0 : percentiles.get(i - 1);
                double part = i == 0 ? 0 : (ms - before) / (here - before);
                return Math.max(0, i - 1 + part) / (percentiles.size() - 1.0);
            }
        }
        return 1;
    }

    /** In words for a terminal. */
    public static String text(List<Told> runs) {
        return String.format(
                Locale.ROOT,
                "%.0f connections/s, %d failed, p50 %.1f ms, p99 %.1f ms",
                runs.stream().mapToDouble(Told::perSecond).sum(),
                runs.stream().mapToLong(Told::failed).sum(),
                percentileMs(runs, 50),
                percentileMs(runs, 99));
    }
}
