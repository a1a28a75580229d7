package dev.sluice.bench.peer;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * DPDK's testpmd: in memory on its null device, as what a framework in C does without a network, and on AF_XDP as a peer
 * on the same interfaces. Runs without huge pages and without PCI devices, on one forwarding core.
 */
public final class Testpmd {
    private static final String PROGRAM = "dpdk-testpmd";
    /** Until rates are shown, and until it has ended. */
    private static final int START_SECONDS = 30;

    private static final int END_SECONDS = 10;
    /** Between looks at what it shows once a second. */
    private static final int LOOK_MS = 5;

    /** What is shown while it runs has this beside it; what is shown at the end has not. */
    private static final Pattern PACKETS = Pattern.compile("RX-packets:\\s+(\\d+)\\s+RX-missed");
    /** The thread that forwards, where there is one. */
    private static final String FORWARDER = "rte-worker-1";

    /** What is done to a packet. */
    public enum Mode {
        /** Its MAC addresses are exchanged. */
        MACSWAP,
        /** Its MAC addresses are set. */
        MAC,
        /** Nothing. */
        IO;

        private String keyword() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * What a run told.
     *
     * @param perSecond packets a second
     * @param perProcessorSecond packets a second of the forwarding thread's processor time, which does not count what the machine
     *     does besides
     */
    public record Rate(double perSecond, double perProcessorSecond) {}

    /** How far it had come at a time. */
    private record Reading(long packets, long processorNs, long nowNs) {}

    private final Path program;

    private Testpmd(Path program) {
        this.program = program;
    }

    /** The program, if it is installed. */
    public static Optional<Testpmd> find() {
        return find(System.getenv("PATH"));
    }

    static Optional<Testpmd> find(String path) {
        return Stream.of(path.split(File.pathSeparator, -1))
                .map(folder -> Path.of(folder, PROGRAM))
                .filter(Files::isExecutable)
                .findFirst()
                .map(Testpmd::new);
    }

    /** What to tell users who do not have it. */
    public static String missing() {
        return PROGRAM
                + " is not installed; bench/run setup peers installs it (Debian 12: dpdk-dev and librte-net-null23,"
                + " librte-net-af-xdp23)";
    }

    /**
     * The command for the null device, which hands out packets of 64 bytes and copies them as a NIC would.
     *
     * @param mainCpu where its main thread waits
     * @param cpu where it forwards
     */
    public List<String> nullCommand(Mode mode, int mainCpu, int cpu) {
        List<String> command = command(mainCpu, List.of(cpu), 256);
        command.add("--vdev=net_null0,copy=1,size=64");
        // One port forwards to itself. Few buffers, so that they stay in the cache; rates once a second.
        command.addAll(List.of(
                "--",
                "--forward-mode=" + mode.keyword(),
                "--auto-start",
                "--stats-period=1",
                "--port-topology=loop",
                "--total-num-mbufs=2048",
                "--mbcache=256",
                "--no-mlockall"));
        return command;
    }

    /**
     * The command for AF_XDP on interfaces of the network namespace in which it is run: one receives and sends, two forward to
     * each other.
     *
     * @param mainCpu where its main thread waits
     * @param cpus where it forwards: one for each queue of every interface
     */
    public List<String> afXdpCommand(Mode mode, List<String> interfaces, int mainCpu, List<Integer> cpus) {
        int queues = cpus.size();
        List<String> command = command(mainCpu, cpus, 512);
        // A port for each queue: of an interface without combined channels, as a veth, a port takes one queue only.
        int port = 0;
        for (int queue = 0; queue < queues; queue++) {
            for (String each : interfaces) {
                command.add(
                        "--vdev=net_af_xdp" + port++ + ",iface=" + each + (queues > 1 ? ",start_queue=" + queue : ""));
            }
        }
        command.addAll(List.of(
                "--",
                "--forward-mode=" + mode.keyword(),
                "--auto-start",
                "--stats-period=1",
                "--port-topology=" + (interfaces.size() == 1 ? "loop" : "paired"),
                "--total-num-mbufs=32768",
                "--no-mlockall"));
        if (queues > 1) {
            command.add("--nb-cores=" + queues);
        }
        return command;
    }

    private List<String> command(int mainCpu, List<Integer> cpus, int megabytes) {
        StringBuilder lcores = new StringBuilder("--lcores=0@").append(mainCpu);
        for (int core = 0; core < cpus.size(); core++) {
            lcores.append(',').append(core + 1).append('@').append(cpus.get(core));
        }
        // Without shared files, so that several can run; --in-memory would need huge pages.
        return new ArrayList<>(List.of(
                program.toString(),
                lcores.toString(),
                "--no-huge",
                "-m",
                Integer.toString(megabytes),
                "--no-pci",
                "--no-telemetry",
                "--no-shconf"));
    }

    /**
     * Forwards on the null device for so long, after a start that does not count.
     *
     * @throws IOException with what testpmd said when it forwarded nothing
     */
    public Rate runNull(Mode mode, int mainCpu, int cpu, Duration duration) throws IOException, InterruptedException {
        Path output = Files.createTempFile("sluice-testpmd-", ".log");
        Process process = new ProcessBuilder(nullCommand(mode, mainCpu, cpu))
                .redirectErrorStream(true)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(output.toFile())
                .start();
        Thread onExit = new Thread(process::destroyForcibly);
        Runtime.getRuntime().addShutdownHook(onExit);
        try {
            long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS) + duration.toNanos();
            Reading first = next(process, output, 0, deadlineNs);
            Reading last = first;
            while (last.nowNs - first.nowNs < duration.toNanos()) {
                last = next(process, output, last.packets, deadlineNs);
            }
            double packets = (double) (last.packets - first.packets);
            return new Rate(
                    packets / ((double) (last.nowNs - first.nowNs) / 1e9),
                    packets / ((double) (last.processorNs - first.processorNs) / 1e9));
        } finally {
            process.destroy();
            if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
            Runtime.getRuntime().removeShutdownHook(onExit);
            Files.delete(output);
        }
    }

    /** Waits until it shows more packets than before. */
    private static Reading next(Process process, Path output, long before, long deadlineNs)
            throws IOException, InterruptedException {
        while (true) {
            long packets = packets(Files.readString(output, StandardCharsets.ISO_8859_1));
            if (packets > before) {
                return new Reading(packets, forwarderNs(process.pid()), System.nanoTime());
            }
            if (System.nanoTime() > deadlineNs || process.waitFor(LOOK_MS, TimeUnit.MILLISECONDS)) {
                throw new IOException(PROGRAM + " forwards nothing: "
                        + lastLine(Files.readString(output, StandardCharsets.ISO_8859_1)));
            }
        }
    }

    /** The packets received that a testpmd of one port has shown last while running, 0 before it has. */
    static long packets(String output) {
        Matcher matcher = PACKETS.matcher(output);
        long packets = 0;
        while (matcher.find()) {
            packets = Long.parseLong(matcher.group(1));
        }
        return packets;
    }

    /** The processor time of its forwarding thread so far. */
    private static long forwarderNs(long pid) throws IOException {
        try (Stream<Path> threads = Files.list(Path.of("/proc/" + pid + "/task"))) {
            for (Path thread : threads.toList()) {
                if (Files.readString(thread.resolve("comm")).strip().equals(FORWARDER)) {
                    String times = Files.readString(thread.resolve("schedstat"));
                    return Long.parseLong(times.substring(0, times.indexOf(' ')));
                }
            }
        }
        throw new IOException(PROGRAM + " has no thread " + FORWARDER);
    }

    private static String lastLine(String text) {
        return text.lines()
                .map(String::strip)
                .filter(line -> line.contains("rror") || line.contains("Cause"))
                .reduce((first, second) -> first + "; " + second)
                .orElse("it said nothing of an error");
    }
}
