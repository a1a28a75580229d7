package dev.sluice.control.checkpath;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A network namespace with nothing in it but a TUN device, over which all its packets leave. Sockets that are opened in it have
 * the kernel's whole protocol stack, know nothing of the director's addresses, so that a VIP is somebody else's, and may have
 * the director's own addresses as sources.
 *
 * <p>One thread is in it and carries out what is to be done there; the namespace ends with the thread and the sockets. Any
 * thread may call.
 */
final class CheckNamespace implements AutoCloseable {
    /** Whatever outer headers the way has, a packet of this size fits where IPv6 does. */
    static final int MTU_BYTES = 1280;

    private static final String DEVICE = "sluice-checks";
    // sched.h, linux/if_tun.h, asm-generic/fcntl.h.
    private static final int CLONE_NEWNET = 0x4000_0000;
    private static final long TUNSETIFF = 0x400454ca;
    private static final short IFF_TUN = 0x0001;
    private static final short IFF_NO_PI = 0x1000;
    private static final int O_RDWR = 2;
    private static final int O_NONBLOCK = 0x800;
    private static final int O_CLOEXEC = 0x80000;
    private static final int IFREQ_BYTES = 40;

    private static final int COMMAND_TIMEOUT_S = 10;

    private static final Logger LOG = System.getLogger(CheckNamespace.class.getName());

    private final ExecutorService inside = Executors.newSingleThreadExecutor(
            task -> Thread.ofPlatform().name("sluice-check-sockets").daemon().unstarted(task));
    private final Set<IpAddress> sources = new HashSet<>();
    private int tun = -1;

    private CheckNamespace() {}

    /**
     * Makes one.
     *
     * @throws IOException when the kernel refuses, for lack of {@code CAP_SYS_ADMIN} say
     */
    static CheckNamespace open() throws IOException {
        CheckNamespace namespace = new CheckNamespace();
        try {
            namespace.call(() -> {
                namespace.enter();
                return null;
            });
            return namespace;
        } catch (IOException e) {
            namespace.close();
            throw e;
        }
    }

    private void enter() throws IOException {
        CallState state = CallState.current();
        NativeException.check(LibC.unshare(state, CLONE_NEWNET), "unshare(CLONE_NEWNET)");
        int fd = NativeException.check(
                LibC.open(state, "/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), "open(/dev/net/tun)");
        tun = fd;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(IFREQ_BYTES, Long.BYTES);
            request.setString(0, DEVICE, StandardCharsets.US_ASCII);
            request.set(ValueLayout.JAVA_SHORT, Native.IFNAMSIZ(), (short) (IFF_TUN | IFF_NO_PI));
            NativeException.check(LibC.ioctl(state, fd, TUNSETIFF, request), "ioctl(TUNSETIFF, " + DEVICE + ")");
        }
        ip("""
                link set lo up
                link set %1$s mtu %2$d up
                route add default dev %1$s
                """.formatted(DEVICE, MTU_BYTES));
        try {
            ip("route add ::/0 dev " + DEVICE + "\n");
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "no health checks of IPv6 VIPs: {0}", e.getMessage());
        }
        allowPortsInTimeWait();
    }

    /** Checks of one VIP come from one address: without this, some hundred a second would use up all ports. */
    private static void allowPortsInTimeWait() {
        try {
            Files.writeString(Path.of("/proc/sys/net/ipv4/tcp_tw_reuse"), "1");
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "tcp_tw_reuse for health checks via the VIP: {0}", e.getMessage());
        }
    }

    /** Where packets that leave the namespace are read, and those that are to come in are written, without any header; non-blocking. */
    int tun() {
        return tun;
    }

    /** Makes an address one of the namespace's, so that sockets can be bound to it. */
    void addSource(IpAddress source) throws IOException {
        synchronized (sources) {
            if (!sources.contains(source)) {
                boolean inet = source.family() == AddressFamily.INET;
                call(() -> {
                    ip("address add " + source + (inet ? "/32 dev " + DEVICE : "/128 dev " + DEVICE + " nodad") + "\n");
                    return null;
                });
                sources.add(source);
            }
        }
    }

    /** Does something inside, and waits for it. */
    <T> T call(Callable<T> task) throws IOException {
        try {
            return inside.submit(task).get();
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            throw cause instanceof IOException failure
                    ? failure
                    : new IOException(cause == null ? e.getMessage() : cause.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** Runs ip(8) commands; a process belongs to the namespace of the thread that starts it. */
    private static void ip(String commands) throws IOException {
        Process process;
        try {
            process = new ProcessBuilder("ip", "-batch", "-")
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            throw new IOException("cannot run ip(8), of Debian's package iproute2: " + e.getMessage(), e);
        }
        try {
            try (var in = process.outputWriter(StandardCharsets.US_ASCII)) {
                in.write(commands);
            }
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(COMMAND_TIMEOUT_S, TimeUnit.SECONDS) || process.exitValue() != 0) {
                throw new IOException("ip -batch: " + said.lines().findFirst().orElse("no answer"));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            process.destroyForcibly();
        }
    }

    @Override
    public void close() {
        inside.shutdownNow();
        if (tun >= 0) {
            LibC.close(CallState.current(), tun);
            tun = -1;
        }
    }
}
