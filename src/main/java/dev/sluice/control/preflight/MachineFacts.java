package dev.sluice.control.preflight;

import dev.sluice.ffi.NativeLibraries;
import dev.sluice.ffi.NetworkDevice;
import dev.sluice.xsk.InterfaceQueues;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What this process can know about the machine without privileges and without touching anything. Most of it is text under
 * {@code /proc}, see proc(5). Any thread.
 */
public final class MachineFacts {
    private final Path proc;
    private final Predicate<String> libraryLoads;
    private final ToIntFunction<String> receiveQueues;
    private final ToIntFunction<String> mtus;

    /**
     * @param proc where procfs is mounted
     * @param libraryLoads whether the library of a soname can be loaded
     * @param receiveQueues how many receive queues the interface of a name uses
     * @param mtus the MTU of the interface of a name
     */
    MachineFacts(
            Path proc,
            Predicate<String> libraryLoads,
            ToIntFunction<String> receiveQueues,
            ToIntFunction<String> mtus) {
        this.proc = proc;
        this.libraryLoads = libraryLoads;
        this.receiveQueues = receiveQueues;
        this.mtus = mtus;
    }

    /** The machine this runs on. */
    public static MachineFacts ofThisMachine() {
        return new MachineFacts(Path.of("/proc"), NativeLibraries::loads, InterfaceQueues::count, NetworkDevice::mtu);
    }

    /** The kernel's release, {@code 6.1.0-18-cloud-amd64}. */
    public String kernelRelease() {
        return read("sys/kernel/osrelease").strip();
    }

    /** The CPUs this process may run on, ascending; at least one. */
    public List<Integer> allowedCpus() {
        List<Integer> cpus = new ArrayList<>();
        for (String range : status("Cpus_allowed_list").split(",", -1)) {
            String[] ends = range.split("-", -1);
            for (int cpu = Integer.parseInt(ends[0]); cpu <= Integer.parseInt(ends[ends.length - 1]); cpu++) {
                cpus.add(cpu);
            }
        }
        return cpus;
    }

    /** The receive queues the named interface uses. */
    public int receiveQueues(String interfaceName) {
        return receiveQueues.applyAsInt(interfaceName);
    }

    /** The MTU of the named interface in bytes. */
    int mtu(String interfaceName) {
        return mtus.applyAsInt(interfaceName);
    }

    long effectiveCapabilities() {
        return Long.parseUnsignedLong(status("CapEff"), 16);
    }

    boolean libraryLoads(String soname) {
        return libraryLoads.test(soname);
    }

    /** The interfaces of this network namespace, in the kernel's order. */
    List<String> interfaces() {
        return read("self/net/dev")
                .lines()
                .skip(2)
                .map(line -> line.substring(0, line.lastIndexOf(':')).strip())
                .toList();
    }

    /** The soft limit {@code RLIMIT_MEMLOCK}, {@link Long#MAX_VALUE} where there is none. */
    long memlockLimitBytes() {
        String soft = find("self/limits", "^Max locked memory +(\\S+)");
        return soft.equals("unlimited") ? Long.MAX_VALUE : Long.parseLong(soft);
    }

    /** Bytes in huge pages of the default size that nobody uses or has reserved. */
    long freeHugePageBytes() {
        String memory = read("meminfo");
        if (!memory.contains("HugePages_Free:")) {
            return 0;
        }
        long free = Long.parseLong(find("meminfo", "^HugePages_Free: +(\\d+)"));
        long reserved = Long.parseLong(find("meminfo", "^HugePages_Rsvd: +(\\d+)"));
        long sizeKib = Long.parseLong(find("meminfo", "^Hugepagesize: +(\\d+) kB"));
        return Math.max(0, free - reserved) * sizeKib * 1024;
    }

    private String status(String field) {
        return find("self/status", "^" + field + ":\\s+(\\S+)");
    }

    private String find(String file, String pattern) {
        Matcher matcher = Pattern.compile(pattern, Pattern.MULTILINE).matcher(read(file));
        if (!matcher.find()) {
            throw new IllegalStateException(proc.resolve(file) + " has no line " + pattern);
        }
        return matcher.group(1);
    }

    private String read(String file) {
        try {
            return Files.readString(proc.resolve(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
