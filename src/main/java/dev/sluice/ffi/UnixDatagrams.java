package dev.sluice.ffi;

import dev.sluice.ffi.generated.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * Sends datagrams to one Unix socket, which the JDK, whose Unix sockets are streams, cannot. Never waits: a receiver that does not
 * read loses datagrams.
 *
 * <p>Any thread.
 */
public final class UnixDatagrams implements AutoCloseable {
    /** {@code sun_path} of linux/un.h. */
    private static final int PATH_BYTES = 108;

    private static final short AF_UNIX = 1;
    /** Of sys/socket.h: no SIGPIPE. */
    private static final int MSG_NOSIGNAL = 0x4000;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment address;
    private final int fd;
    private boolean closed;

    private UnixDatagrams(String name) {
        byte[] path = name.getBytes(StandardCharsets.UTF_8);
        boolean isAbstract = name.startsWith("@");
        address = arena.allocate(Short.BYTES + path.length + (isAbstract ? 0 : 1), Short.BYTES);
        address.set(ValueLayout.JAVA_SHORT, 0, AF_UNIX);
        MemorySegment.copy(path, 0, address, ValueLayout.JAVA_BYTE, Short.BYTES, path.length);
        if (isAbstract) {
            // unix(7): a name of the abstract namespace begins with a zero and is as long as the address says.
            address.set(ValueLayout.JAVA_BYTE, Short.BYTES, (byte) 0);
        }
        fd = LibC.socket(CallState.current(), AF_UNIX, Native.SOCK_DGRAM() | Native.SOCK_CLOEXEC(), 0);
        if (fd < 0) {
            arena.close();
        }
        NativeException.check(fd, "socket(AF_UNIX, SOCK_DGRAM)");
    }

    /**
     * Opens a socket to send from.
     *
     * @param name the receiver's absolute path, or {@code @} and a name of the abstract namespace
     * @throws IllegalArgumentException when it is neither, or too long for the kernel
     * @throws NativeException when there is no socket to be had
     */
    public static UnixDatagrams to(String name) {
        int length = name.getBytes(StandardCharsets.UTF_8).length;
        if (!(name.startsWith("/") || name.startsWith("@")) || length < 2 || length >= PATH_BYTES) {
            throw new IllegalArgumentException("no Unix socket: \"" + name
                    + "\"; it is an absolute path, or @ and a name, of at most " + (PATH_BYTES - 1) + " bytes");
        }
        return new UnixDatagrams(name);
    }

    /** Sends a text as UTF-8: 0, or {@code -errno}. */
    public synchronized int send(String text) {
        if (closed) {
            return -Native.EBADF();
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        try (Arena message = Arena.ofConfined()) {
            MemorySegment buffer = message.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            long sent = LibC.sendTo(
                    CallState.current(), fd, buffer, bytes.length, Native.MSG_DONTWAIT() | MSG_NOSIGNAL, address);
            return (int) Math.min(sent, 0);
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            LibC.close(CallState.current(), fd);
            arena.close();
        }
    }
}
