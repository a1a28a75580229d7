package dev.sluice.testing;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * Network namespaces for one test, with names that nobody else uses, joined by veth pairs; {@link #close} removes them
 * and with them every interface inside.
 *
 * <p>{@link Netns#in} runs Java code inside a namespace by moving the calling thread there and back: sockets opened
 * meanwhile stay in the namespace, whichever thread uses them later. {@link Netns#run} runs a command in it.
 */
public final class NetnsFixture implements AutoCloseable {
    private static final int CLONE_NEWNET = 0x40000000;
    private static final int O_RDONLY_CLOEXEC = 02000000;
    private static final MethodHandle SETNS = Linker.nativeLinker()
            .downcallHandle(
                    Linker.nativeLinker().defaultLookup().findOrThrow("setns"),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle OPEN = Linker.nativeLinker()
            .downcallHandle(
                    Linker.nativeLinker().defaultLookup().findOrThrow("open"),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
                    Linker.Option.firstVariadicArg(2));

    private final String prefix =
            "sluice-%08x".formatted(ThreadLocalRandom.current().nextInt());
    private final List<Netns> namespaces = new ArrayList<>();

    /** A new namespace with {@code lo} up. */
    public Netns add(String label) {
        String name = prefix + "-" + label;
        exec("ip", "netns", "add", name);
        Netns namespace = new Netns(name);
        namespaces.add(namespace);
        namespace.run("ip", "link", "set", "lo", "up");
        return namespace;
    }

    /**
     * A veth pair with both ends up, one queue, and transmit checksum offload off, without which a receiver sees
     * unfinished checksums.
     */
    public void veth(Netns left, String leftInterface, Netns right, String rightInterface) {
        veth(left, leftInterface, right, rightInterface, 1);
    }

    /** As {@link #veth(Netns, String, Netns, String)}, with several queues at both ends. */
    public void veth(Netns left, String leftInterface, Netns right, String rightInterface, int queues) {
        String count = Integer.toString(queues);
        exec(("ip -n " + left.name + " link add " + leftInterface + " numrxqueues " + count + " numtxqueues " + count
                        + " type veth peer name " + rightInterface + " numrxqueues " + count + " numtxqueues " + count
                        + " netns " + right.name)
                .split(" "));
        left.raise(leftInterface);
        right.raise(rightInterface);
    }

    /** Removes every namespace; the last error, if any, is thrown after all were tried. */
    @Override
    public void close() {
        RuntimeException failure = null;
        for (Netns namespace : namespaces.reversed()) {
            try {
                exec("ip", "netns", "del", namespace.name);
            } catch (RuntimeException e) {
                failure = e;
            }
        }
        namespaces.clear();
        if (failure != null) {
            throw failure;
        }
    }

    /** Runs a command where the calling thread is, at most 30 s long; its output, or an error with it. */
    public static String exec(String... command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            // Read on a thread of its own, so that a command that neither ends nor closes its output meets the limit.
            StringBuilder output = new StringBuilder();
            Thread reader = Thread.ofVirtual().start(() -> {
                try {
                    output.append(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
                } catch (IOException e) {
                    output.append(e);
                }
            });
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("timed out: " + String.join(" ", command));
            }
            reader.join();
            if (process.exitValue() != 0) {
                throw new IllegalStateException(
                        String.join(" ", command) + ": exit code " + process.exitValue() + ": " + output);
            }
            return output.toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** One network namespace of the fixture. */
    public static final class Netns {
        private final String name;

        private Netns(String name) {
            this.name = name;
        }

        /** Its name, as {@code ip netns} knows it. */
        public String name() {
            return name;
        }

        /** For {@code nsenter --net=}. */
        public Path path() {
            return Path.of("/run/netns", name);
        }

        /** The command that runs another one inside. Not {@code ip netns exec}, which hides /sys/fs/bpf. */
        public String[] command(String... command) {
            List<String> all = new ArrayList<>(List.of("nsenter", "--net=" + path(), "--"));
            all.addAll(Arrays.asList(command));
            return all.toArray(String[]::new);
        }

        /** Runs a command inside, at most 30 s long; its output, or an error with it. */
        public String run(String... command) {
            return exec(command(command));
        }

        /** Runs code inside, on the calling thread, which must be a platform thread. */
        public <T> T in(Callable<T> code) throws Exception {
            int home = open("/proc/thread-self/ns/net");
            try {
                int there = open(path().toString());
                try {
                    enter(there);
                } finally {
                    LibC.close(CallState.current(), there);
                }
                try {
                    return code.call();
                } finally {
                    enter(home);
                }
            } finally {
                LibC.close(CallState.current(), home);
            }
        }

        private void raise(String interfaceName) {
            // An IPv6 address works at once, without the wait for duplicate address detection.
            run("sysctl", "-qw", "net.ipv6.conf." + interfaceName + ".accept_dad=0");
            run("ethtool", "-K", interfaceName, "tx", "off");
            run("ip", "link", "set", interfaceName, "up");
        }
    }

    private static void enter(int fd) {
        try {
            int result = (int) SETNS.invokeExact(fd, CLONE_NEWNET);
            if (result != 0) {
                throw new IllegalStateException("setns(" + fd + ") failed: root is needed");
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    private static int open(String path) {
        try (Arena arena = Arena.ofConfined()) {
            int fd = (int) OPEN.invokeExact(arena.allocateFrom(path), O_RDONLY_CLOEXEC);
            if (fd < 0) {
                throw new IllegalStateException("open(" + path + ") failed");
            }
            return fd;
        } catch (IllegalStateException e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }
}
