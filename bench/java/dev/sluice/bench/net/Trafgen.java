package dev.sluice.bench.net;

import dev.sluice.bench.Generator;
import dev.sluice.bench.LiveFrames;
import dev.sluice.bench.OfferedTraffic;
import dev.sluice.testing.NetworkNamespace;
import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * trafgen of netsniff-ng: the same frames as {@link LiveFrames} makes, written out one by one, which is its fastest way: frames that
 * are computed cost it more. It goes through them again and again. Sends over a packet socket past the queueing discipline, in one process.
 */
final class Trafgen implements Generator {
    /** The most frames that are written out. */
    static final int MOST_FRAMES = 1 << 15;

    /** Beyond one round of the flows no more than so many: trafgen reads them anew at every start. */
    private static final int ENOUGH_FRAMES = 1 << 12;

    private static final long START_MS = 30_000;
    private static final int END_S = 5;
    private static final Pattern QUEUES = Pattern.compile("\"num_tx_queues\":([0-9]+)");

    private final OfferedTraffic traffic;
    private final NetworkNamespace namespace;
    private final int cpu;
    private final Path config;
    private final Path log;
    private final long before;
    private final boolean isSpread;
    private int[] choices = new int[0];
    private boolean isWritten;
    private volatile boolean isStopped;
    private volatile int runs;

    /** Throws {@link IllegalArgumentException} where frames would be too many to write out. */
    Trafgen(OfferedTraffic traffic, NetworkNamespace namespace, int cpu, Path folder) {
        if (traffic.flows() > MOST_FRAMES) {
            throw new IllegalArgumentException(
                    "trafgen has its frames written out, of " + MOST_FRAMES + " flows at most, not " + traffic.flows());
        }
        this.traffic = traffic;
        this.namespace = namespace;
        this.cpu = cpu;
        this.config = folder.resolve("trafgen-" + traffic.interfaceName() + "-" + cpu + ".cfg");
        this.log = folder.resolve("trafgen-" + traffic.interfaceName() + "-" + cpu + ".log");
        this.before = taken();
        this.isSpread =
                isVethOfSeveralQueues(namespace.run("ip", "-d", "-j", "link", "show", "dev", traffic.interfaceName()));
    }

    /** There a packet socket's way past the queueing discipline leads to the queue of the CPU, but with it by the flow's hash. */
    static boolean isVethOfSeveralQueues(String link) {
        Matcher queues = QUEUES.matcher(link);
        return link.contains("\"info_kind\":\"veth\"") && queues.find() && Integer.parseInt(queues.group(1)) > 1;
    }

    static Optional<String> missing() {
        boolean isThere = Stream.of(System.getenv("PATH").split(File.pathSeparator, -1))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, "trafgen")));
        return isThere
                ? Optional.empty()
                : Optional.of("trafgen is not installed; bench/run setup peers installs it (Debian: netsniff-ng)");
    }

    @Override
    public void choose(int[] flows) {
        choices = flows.clone();
        isWritten = false;
    }

    /** The frames of a cycle in trafgen's language, one a line. */
    static void write(OfferedTraffic traffic, int[] choices, Path file) throws IOException {
        // All flows in all sizes, as long as that fits; then what is left of it.
        int cycle = traffic.sizes().isOne() ? 1 : traffic.sizes().cycle().length;
        int frames = choices.length > 0
                ? Math.min(choices.length, MOST_FRAMES)
                : traffic.flows() * Math.clamp(ENOUGH_FRAMES / traffic.flows(), 1, cycle);
        try (BufferedWriter out = Files.newBufferedWriter(file)) {
            StringBuilder line = new StringBuilder();
            for (int number = 0; number < frames; number++) {
                int flow = choices.length > 0 ? choices[number] : number % traffic.flows();
                byte[] frame = traffic.numbered(number, flow);
                int payload = frame.length;
                while (payload > 0 && frame[payload - 1] == 0) {
                    payload--;
                }
                line.setLength(0);
                line.append("{ ");
                for (int octet = 0; octet < payload; octet++) {
                    line.append("0x")
                            .append(Character.forDigit((frame[octet] >> 4) & 15, 16))
                            .append(Character.forDigit(frame[octet] & 15, 16))
                            .append(octet + 1 < frame.length ? ", " : " ");
                }
                if (payload < frame.length) {
                    line.append("fill(0x00, ").append(frame.length - payload).append(") ");
                }
                out.append(line).append("}\n");
            }
        }
    }

    private List<String> arguments(long framesPerSecond, long count) {
        List<String> arguments = new ArrayList<>(List.of(
                "taskset",
                "-c",
                Integer.toString(cpu),
                "trafgen",
                "--dev",
                traffic.interfaceName(),
                "--conf",
                config.toString(),
                "--cpus",
                "1",
                "--no-sock-mem",
                "--notouch-irq",
                "--no-cpu-stats"));
        if (isSpread) {
            arguments.add("--qdisc-path");
        }
        if (traffic.sizes().longest() > 1900) {
            arguments.add("--jumbo-support");
        }
        if (framesPerSecond > 0) {
            arguments.addAll(List.of("--rate", framesPerSecond + "pps"));
        }
        if (count > 0) {
            arguments.addAll(List.of("--num", Long.toString(count)));
        }
        return arguments;
    }

    @Override
    public String command() {
        return String.join(" ", arguments(0, 0))
                .replace(config.toString(), config.getFileName().toString());
    }

    @Override
    public LiveFrames.Report run(Duration duration, LiveFrames.Pace pace) {
        if (pace.stamps()) {
            throw new IllegalArgumentException("trafgen puts no time stamps into frames; --generator ours does");
        }
        return run(duration.toMillis(), pace.framesPerSecond(), 0);
    }

    @Override
    public LiveFrames.Report send(int frames) {
        return run(START_MS, 0, frames);
    }

    /** Until the time is over or so many frames are sent, 0 for no such bound. */
    private LiveFrames.Report run(long ms, long framesPerSecond, long count) {
        int run = runs;
        long sentBefore = taken();
        Process process = start(framesPerSecond, count);
        try {
            // Reading and preparing the frames takes its time, which is not the measurement's.
            long giveUp = System.nanoTime() + START_MS * 1_000_000;
            while (process.isAlive() && taken() == sentBefore && System.nanoTime() < giveUp && !isStopped) {
                Pause.ms(1);
            }
            long start = System.nanoTime();
            long end = start + ms * 1_000_000;
            while (process.isAlive() && System.nanoTime() < end && !isStopped && runs == run) {
                Pause.ms(Math.clamp((end - System.nanoTime()) / 1_000_000, 1, 10));
            }
            boolean hasFailed = !process.isAlive() && process.exitValue() != 0;
            long elapsed = System.nanoTime() - start;
            end(process);
            long sent = taken() - sentBefore;
            if (hasFailed || sent == 0) {
                throw new IllegalStateException(
                        "trafgen sent nothing: " + Files.readString(log).strip());
            }
            return new LiveFrames.Report(sent, Duration.ofNanos(elapsed));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            process.destroyForcibly();
        }
    }

    private Process start(long framesPerSecond, long count) {
        try {
            if (!isWritten) {
                write(traffic, choices, config);
                isWritten = true;
            }
            return new ProcessBuilder(
                            namespace.command(arguments(framesPerSecond, count).toArray(String[]::new)))
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void end(Process process) {
        // taskset and nsenter have become trafgen, and its one sender ends with it.
        process.descendants().forEach(ProcessHandle::destroy);
        process.destroy();
        try {
            if (!process.waitFor(END_S, TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** Frames that the interface was given: trafgen's own count holds what it has put into its ring as well. */
    private long taken() {
        String name = traffic.interfaceName() + ":";
        String[] words = namespace
                .run("cat", "/proc/net/dev")
                .lines()
                .map(String::strip)
                .filter(line -> line.startsWith(name))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no interface " + traffic.interfaceName()))
                .substring(name.length())
                .strip()
                .split("\\s+", -1);
        return Long.parseLong(words[9]) + Long.parseLong(words[11]);
    }

    @Override
    public void pause() {
        synchronized (this) {
            runs++;
        }
    }

    @Override
    public void stop() {
        isStopped = true;
    }

    @Override
    public long sent() {
        return taken() - before;
    }

    @Override
    public void close() {
        isStopped = true;
    }
}
