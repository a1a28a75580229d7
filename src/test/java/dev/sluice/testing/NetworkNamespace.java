package dev.sluice.testing;

import dev.sluice.ffi.Errno;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * A network namespace with a name of its own, deleted with everything in it by {@link #close()}.
 *
 * <p>{@link #enter()} moves the calling thread alone ({@code setns(2)}): what it opens then belongs to the namespace,
 * and so do threads it starts afterwards.
 */
public final class NetworkNamespace implements AutoCloseable {
    private static final int O_RDONLY = 0;
    private static final int O_CLOEXEC = 0x80000;
    private static final int CLONE_NEWNET = 0x40000000;
    private static final int COMMAND_TIMEOUT_S = 30;

    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final MethodHandle OPEN = Linker.nativeLinker()
            .downcallHandle(
                    Linker.nativeLinker().defaultLookup().findOrThrow("open"),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
                    Linker.Option.captureCallState("errno"),
                    Linker.Option.firstVariadicArg(2));
    private static final MethodHandle CLOSE = Linker.nativeLinker()
            .downcallHandle(
                    Linker.nativeLinker().defaultLookup().findOrThrow("close"),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle SETNS = Linker.nativeLinker()
            .downcallHandle(
                    Linker.nativeLinker().defaultLookup().findOrThrow("setns"),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT),
                    Linker.Option.captureCallState("errno"));

    /** What an exec'd command wrote, standard error included, and how it ended. */
    public record Result(int exitCode, String output) {}

    /** The way back for a thread that entered a namespace; closing it takes the same thread back. */
    public interface Entered extends AutoCloseable {
        @Override
        void close();
    }

    private final String name;
    private final Path path;
    private final boolean isOwned;

    private NetworkNamespace(String name, Path path, boolean isOwned) {
        this.name = name;
        this.path = path;
        this.isOwned = isOwned;
    }

    /** One that somebody else has made and will delete. Throws {@link IllegalArgumentException} for a name that none has. */
    public static NetworkNamespace existing(String name) {
        Path path = Path.of("/run/netns", name);
        if (!Files.exists(path)) {
            throw new IllegalArgumentException("there is no network namespace \"" + name + "\"; ip netns lists them");
        }
        return new NetworkNamespace(name, path, false);
    }

    /** That of this process. */
    public static NetworkNamespace here() {
        return new NetworkNamespace("", Path.of("/proc/self/ns/net"), false);
    }

    /** Creates a namespace {@code prefix-random} with its loopback up. */
    public static NetworkNamespace create(String prefix) {
        String name = prefix + "-"
                + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt());
        NetworkNamespace netns = new NetworkNamespace(name, Path.of("/run/netns", name), true);
        check(List.of("ip", "netns", "add", netns.name));
        netns.run("ip", "link", "set", "lo", "up");
        return netns;
    }

    /** The name, as {@code ip netns} lists it. */
    public String name() {
        return name;
    }

    /** The file whose descriptor stands for the namespace. */
    public Path path() {
        return path;
    }

    /**
     * Makes a veth pair between this namespace and another (or the same), both ends up and with checksum offload off,
     * because frames on AF_XDP get no checksum filled in.
     */
    public void veth(String end, NetworkNamespace other, String otherEnd) {
        veth(end, other, otherEnd, 1);
    }

    /** As {@link #veth(String, NetworkNamespace, String)}, with several queues at both ends. */
    public void veth(String end, NetworkNamespace other, String otherEnd, int queues) {
        String count = Integer.toString(queues);
        run(("ip link add " + end + " numrxqueues " + count + " numtxqueues " + count + " type veth peer name "
                        + otherEnd + " numrxqueues " + count + " numtxqueues " + count + " netns " + other.name)
                .split(" ", -1));
        raise(end);
        other.raise(otherEnd);
    }

    private void raise(String interfaceName) {
        // An IPv6 address works at once, without the wait for duplicate address detection.
        run("sysctl", "-qw", "net.ipv6.conf." + interfaceName + ".accept_dad=0");
        run("ethtool", "-K", interfaceName, "tx", "off");
        run("ip", "link", "set", interfaceName, "up");
    }

    /** Runs a command inside and returns its output; a failure or more than 30 seconds is an error. */
    public String run(String... command) {
        return check(inside(command));
    }

    /** Runs a command inside and returns how it ended; more than 30 seconds is an error. */
    public Result tryRun(String... command) {
        return execute(inside(command));
    }

    /** A command that keeps running inside; the caller ends it. */
    public Process start(String... command) throws IOException {
        return new ProcessBuilder(inside(command)).redirectErrorStream(true).start();
    }

    /** Runs code inside, on the calling thread, which must be a platform thread. */
    public <T> T in(Callable<T> code) throws Exception {
        try (var _ = enter()) {
            return code.call();
        }
    }

    /** The command that runs another one inside. */
    public String[] command(String... command) {
        return inside(command).toArray(String[]::new);
    }

    private List<String> inside(String... command) {
        // Unlike "ip netns exec" this keeps the mounts, /sys/fs/bpf among them.
        List<String> whole = new ArrayList<>(List.of("nsenter", "--net=" + path()));
        whole.addAll(List.of(command));
        return whole;
    }

    /** Moves the calling thread into the namespace, until the result is closed by the same thread. */
    public Entered enter() {
        int before = open("/proc/thread-self/ns/net");
        try {
            int inside = open(path().toString());
            try {
                setns(inside);
            } finally {
                close(inside);
            }
        } catch (RuntimeException e) {
            close(before);
            throw e;
        }
        return () -> {
            setns(before);
            close(before);
        };
    }

    /** Deletes the namespace, if it was created here; its interfaces and what is attached to them go once the last user is gone. */
    @Override
    public void close() {
        if (!isOwned) {
            return;
        }
        Result result = execute(List.of("ip", "netns", "delete", name));
        if (result.exitCode() != 0 && Files.exists(path())) {
            throw new IllegalStateException("ip netns delete " + name + ": " + result.output());
        }
    }

    /** Runs a command where the test is, and returns its output; a failure or more than 30 seconds is an error. */
    public static String runHere(String... command) {
        return check(List.of(command));
    }

    /** Runs a command where the caller is, and returns how it ended; more than 30 seconds is an error. */
    public static Result tryHere(String... command) {
        return execute(List.of(command));
    }

    private static String check(List<String> command) {
        Result result = execute(command);
        if (result.exitCode() != 0) {
            throw new IllegalStateException(
                    String.join(" ", command) + " ended with " + result.exitCode() + ": " + result.output());
        }
        return result.output();
    }

    private static Result execute(List<String> command) {
        try {
            Path output = Files.createTempFile("sluice-it", ".out");
            try {
                Process process = new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
                if (!process.waitFor(COMMAND_TIMEOUT_S, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                    throw new IllegalStateException(String.join(" ", command) + " did not end");
                }
                return new Result(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
            } finally {
                Files.delete(output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static int open(String path) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            int fd = (int) OPEN.invokeExact(state, arena.allocateFrom(path), O_RDONLY | O_CLOEXEC);
            if (fd < 0) {
                throw new IllegalStateException("open(" + path + "): " + Errno.describe((int) ERRNO.get(state, 0L)));
            }
            return fd;
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    private static void setns(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            if ((int) SETNS.invokeExact(state, fd, CLONE_NEWNET) < 0) {
                throw new IllegalStateException("setns(): " + Errno.describe((int) ERRNO.get(state, 0L)));
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    private static void close(int fd) {
        try {
            int _ = (int) CLOSE.invokeExact(fd);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }
}
