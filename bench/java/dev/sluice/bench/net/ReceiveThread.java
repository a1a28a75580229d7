package dev.sluice.bench.net;

import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * NAPI threads of an interface in place of softirqs ({@code /sys/class/net/…/threaded}), pinned to CPUs: on a veth they take
 * the receive path off the sender's CPU.
 */
final class ReceiveThread implements AutoCloseable {
    private final NetworkNamespace namespace;
    private final String interfaceName;

    /**
     * Asks the kernel for threads and pins them. The interface has NAPI: on a veth by an XDP program or GRO. Throws
     * {@link IllegalStateException} where the kernel has no such threads.
     */
    ReceiveThread(NetworkNamespace namespace, String interfaceName, List<Integer> cpus) {
        this.namespace = namespace;
        this.interfaceName = interfaceName;
        threaded(1);
        List<Long> threads = threads();
        if (threads.isEmpty()) {
            threaded(0);
            throw new IllegalStateException(interfaceName + " has no NAPI thread");
        }
        for (int queue = 0; queue < threads.size(); queue++) {
            String cpu = Integer.toString(cpus.get(queue % cpus.size()));
            NetworkNamespace.runHere("taskset", "-p", "-c", cpu, Long.toString(threads.get(queue)));
        }
    }

    private void threaded(int value) {
        // What /sys shows depends on the namespace of who mounted it.
        namespace.run(
                "unshare",
                "--mount",
                "sh",
                "-c",
                "mount -t sysfs none /sys && echo " + value + " >/sys/class/net/" + interfaceName + "/threaded");
    }

    /** In the order of the queues, for that is how the kernel makes them. */
    private List<Long> threads() {
        List<Long> ids = new ArrayList<>();
        try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
            for (Path process : processes.toList()) {
                String id = process.getFileName().toString();
                if (Character.isDigit(id.charAt(0)) && nameOf(process).startsWith("napi/" + interfaceName + "-")) {
                    ids.add(Long.parseLong(id));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        ids.sort(null);
        return ids;
    }

    private static String nameOf(Path process) {
        try {
            return Files.readString(process.resolve("comm"));
        } catch (IOException _) {
            // It has ended meanwhile.
            return "";
        }
    }

    @Override
    public void close() {
        threaded(0);
    }
}
