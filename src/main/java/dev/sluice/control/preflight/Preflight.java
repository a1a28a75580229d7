package dev.sluice.control.preflight;

import dev.sluice.control.config.CpuPinning;
import dev.sluice.control.config.DirectorConfig;
import dev.sluice.control.config.HugePages;
import dev.sluice.ffi.NativeLibraries;
import dev.sluice.forward.Batch;
import dev.sluice.xsk.UmemOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * Compares what a configuration needs with what the machine offers, before anything is touched: whoever starts a director
 * learns everything that stands in its way at once, and a refused start leaves no trace. What only trying can tell, such as
 * whether a driver takes an XDP program, is left to the start itself.
 */
public final class Preflight {
    private static final KernelVersion NEEDED = new KernelVersion(5, 18);

    /**
     * From here on the verifier lets programs write a part of a stack slot that holds a spilled scalar; before, it took CAP_PERFMON
     * ("attempt to corrupt spilled pointer on stack", check_stack_write_fixed_off in kernel/bpf/verifier.c).
     */
    private static final KernelVersion PARTIAL_SPILLS = new KernelVersion(6, 8);
    /** Brought packets of several frames, {@code XDP_USE_SG}. */
    private static final KernelVersion SEVERAL_FRAMES = new KernelVersion(6, 6);

    private static final int MAX_FRAMES = 1 + Batch.MAX_TAILS;
    private static final int LARGEST_FRAME_BYTES = 4096;
    /** Ethernet and two tags. */
    private static final int LINK_HEADER_BYTES = 14 + 2 * 4;

    private final MachineFacts machine;
    private final List<Problem> problems = new ArrayList<>();

    /** What a machine can lack. */
    public enum Lack {
        KERNEL,
        CAPABILITY,
        LIBRARY,
        INTERFACE,
        QUEUES,
        MTU,
        CPUS,
        MEMLOCK,
        HUGE_PAGES
    }

    /**
     * Something that stands in the way of a start.
     *
     * @param lack what kind of thing
     * @param text what is wrong and what would be right, a line
     */
    public record Problem(Lack lack, String text) {}

    private Preflight(MachineFacts machine) {
        this.machine = machine;
    }

    /**
     * Checks everything. Any thread.
     *
     * @throws EnvironmentException with all that is wrong
     */
    public static void check(DirectorConfig config, MachineFacts machine) throws EnvironmentException {
        List<Problem> problems = problems(config, machine);
        if (!problems.isEmpty()) {
            throw new EnvironmentException(problems.stream().map(Problem::text).toList());
        }
    }

    /** All that {@link #check} would find wrong; nothing where a director could start. Any thread. */
    public static List<Problem> problems(DirectorConfig config, MachineFacts machine) {
        Preflight preflight = new Preflight(machine);
        preflight.kernel();
        preflight.capabilities();
        boolean libraries = preflight.libraries();
        boolean interfaces = preflight.interfaces(config.interfaces());
        OptionalInt workers = libraries && interfaces ? preflight.queues(config) : config.queues();
        if (libraries && interfaces) {
            preflight.mtus(config);
        }
        preflight.cpus(config.cpus());
        if (workers.isPresent()) {
            preflight.memory(config, workers.getAsInt());
        }
        return List.copyOf(preflight.problems);
    }

    private void add(Lack lack, String text) {
        problems.add(new Problem(lack, text));
    }

    /** How many workers a configuration that has been checked leads to: one a queue that every interface has. */
    public static int workers(DirectorConfig config, MachineFacts machine) {
        return config.queues()
                .orElseGet(() -> config.interfaces().stream()
                        .mapToInt(machine::receiveQueues)
                        .min()
                        .orElseThrow());
    }

    /** Whether packets of some interface may take more than one frame, on a machine that has been checked. */
    public static boolean needsSeveralFrames(DirectorConfig config, MachineFacts machine) {
        return config.interfaces().stream()
                .anyMatch(name -> machine.mtu(name) > largestMtu(config.frameSizeBytes(), 1));
    }

    /** The largest MTU whose packets fit so many frames. */
    private static int largestMtu(int frameSizeBytes, int frames) {
        return frames * UmemOptions.roomBytes(frameSizeBytes) - LINK_HEADER_BYTES;
    }

    private void mtus(DirectorConfig config) {
        String release = machine.kernelRelease();
        boolean several = KernelVersion.parse(release).compareTo(SEVERAL_FRAMES) >= 0;
        int frames = several ? MAX_FRAMES : 1;
        int served = largestMtu(config.frameSizeBytes(), frames);
        int atMost = largestMtu(LARGEST_FRAME_BYTES, frames);
        for (String name : config.interfaces()) {
            int mtu = machine.mtu(name);
            if (mtu <= served) {
                continue;
            }
            String larger = served == atMost
                    ? ""
                    : mtu <= atMost
                            ? ", or set director.frame_size = " + LARGEST_FRAME_BYTES
                            : ", or to " + atMost + " with director.frame_size = " + LARGEST_FRAME_BYTES;
            add(
                    Lack.MTU,
                    "interface \"" + name + "\" has MTU " + mtu + ", and "
                            + (several ? MAX_FRAMES + " frames" : "a frame") + " of " + config.frameSizeBytes()
                            + " bytes, the most that a packet can take"
                            + (several ? "" : " before Linux " + SEVERAL_FRAMES + " (this is Linux " + release + ")")
                            + ", "
                            + (several ? "serve " : "serves ") + served + "; lower the MTU to that" + larger);
        }
    }

    private void kernel() {
        String release = machine.kernelRelease();
        KernelVersion found = KernelVersion.parse(release);
        if (found.compareTo(NEEDED) < 0) {
            add(
                    Lack.KERNEL,
                    "kernel too old: this is Linux " + release + ", needed is " + NEEDED
                            + " or newer, the first whose XDP programs can call bpf_xdp_load_bytes");
        }
    }

    private void capabilities() {
        long effective = machine.effectiveCapabilities();
        List<Capability> missing = new ArrayList<>();
        List<Capability> needed =
                new ArrayList<>(List.of(Capability.CAP_NET_ADMIN, Capability.CAP_NET_RAW, Capability.CAP_BPF));
        if (KernelVersion.parse(machine.kernelRelease()).compareTo(PARTIAL_SPILLS) < 0) {
            needed.add(Capability.CAP_PERFMON);
        }
        for (Capability capability : needed) {
            // Until Linux 5.8 CAP_SYS_ADMIN stood for CAP_BPF and CAP_PERFMON, and it still implies them.
            boolean implied = (capability == Capability.CAP_BPF || capability == Capability.CAP_PERFMON)
                    && Capability.CAP_SYS_ADMIN.in(effective);
            if (!capability.in(effective) && !implied) {
                missing.add(capability);
            }
        }
        if (!missing.isEmpty()) {
            String names = missing.stream().map(Capability::name).collect(Collectors.joining(" "));
            add(
                    Lack.CAPABILITY,
                    "missing privilege: " + names + "; run as root, or grant "
                            + needed.stream().map(Capability::name).collect(Collectors.joining(" "))
                            + " (systemd: AmbientCapabilities=, by hand: setpriv --ambient-caps)");
        }
    }

    private boolean libraries() {
        boolean complete = true;
        for (String soname : NativeLibraries.SONAMES) {
            if (!machine.libraryLoads(soname)) {
                complete = false;
                String debianPackage = soname.replaceAll("\\.so\\.", "");
                add(Lack.LIBRARY, soname + " not found; Debian and Ubuntu: apt-get install " + debianPackage);
            }
        }
        return complete;
    }

    private boolean interfaces(List<String> wanted) {
        List<String> existing = machine.interfaces();
        List<String> missing =
                wanted.stream().filter(name -> !existing.contains(name)).toList();
        for (String name : missing) {
            add(
                    Lack.INTERFACE,
                    "interface \"" + name + "\" does not exist in this network namespace; there "
                            + (existing.size() == 1 ? "is " : "are ") + String.join(", ", existing));
        }
        return missing.isEmpty();
    }

    /** How many workers there would be; empty when that cannot be said. */
    private OptionalInt queues(DirectorConfig config) {
        boolean enough = true;
        for (String name : config.interfaces()) {
            int queues = machine.receiveQueues(name);
            int wanted = config.queues().orElse(1);
            if (wanted > queues) {
                enough = false;
                add(
                        Lack.QUEUES,
                        "director.queues = " + wanted + ", but interface \"" + name + "\" uses " + queues + " receive "
                                + (queues == 1 ? "queue" : "queues") + "; lower it, or see ethtool -L");
            }
        }
        int workers = workers(config, machine);
        if (config.cpus() instanceof CpuPinning.Fixed fixed && fixed.cpus().size() != workers && enough) {
            add(
                    Lack.CPUS,
                    "director.cpus lists " + fixed.cpus().size()
                            + (fixed.cpus().size() == 1 ? " CPU" : " CPUs") + ", but the interfaces lead to " + workers
                            + " "
                            + (workers == 1 ? "worker" : "workers")
                            + "; list one CPU for each, or set director.queues");
        }
        return OptionalInt.of(workers);
    }

    private void cpus(CpuPinning pinning) {
        if (!(pinning instanceof CpuPinning.Fixed fixed)) {
            return;
        }
        List<Integer> allowed = machine.allowedCpus();
        List<Integer> absent =
                fixed.cpus().stream().filter(cpu -> !allowed.contains(cpu)).toList();
        if (!absent.isEmpty()) {
            add(
                    Lack.CPUS,
                    "director.cpus: CPU " + join(absent) + " is not there or not allowed to this process; it may use "
                            + join(allowed));
        }
    }

    /** {@code xdp_umem_account_pages} in net/xdp/xdp_umem.c charges a UMEM to the user unless CAP_IPC_LOCK says otherwise. */
    private void memory(DirectorConfig config, int workers) {
        long needed = config.umemBytes() * workers;
        String sum = " (" + workers + (workers == 1 ? " worker" : " workers") + " x " + config.frames() + " frames x "
                + config.frameSizeBytes() + " bytes)";
        long limit = machine.memlockLimitBytes();
        if (limit < needed && !Capability.CAP_IPC_LOCK.in(machine.effectiveCapabilities())) {
            add(
                    Lack.MEMLOCK,
                    "memlock limit too small: the UMEM needs " + kibibytes(needed) + sum + ", RLIMIT_MEMLOCK is "
                            + kibibytes(limit)
                            + "; raise it (ulimit -l, systemd: LimitMEMLOCK=), grant CAP_IPC_LOCK, or lower"
                            + " director.frames");
        }
        long free = machine.freeHugePageBytes();
        if (config.hugePages() == HugePages.ON && free < needed) {
            add(
                    Lack.HUGE_PAGES,
                    "director.hugepages = \"on\", but the UMEM needs " + kibibytes(needed) + sum + " and "
                            + kibibytes(free) + " of huge pages are free; raise vm.nr_hugepages, or use \"auto\"");
        }
    }

    /** In the unit of {@code ulimit -l}. */
    private static String kibibytes(long bytes) {
        return bytes / 1024 + " KiB";
    }

    private static String join(List<Integer> numbers) {
        return Arrays.toString(numbers.stream().mapToInt(Integer::intValue).toArray())
                .replaceAll("[\\[\\]]", "");
    }
}
