package dev.sluice.ffi;

import dev.sluice.ffi.generated.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The number by which the kernel knows a network namespace: unlike the inode under {@code /proc/PID/ns}, it is not given out
 * again before the machine starts anew. Linux 5.14, socket(7).
 */
public final class NetworkNamespaceCookie {
    // asm-generic/socket.h
    private static final int SO_NETNS_COOKIE = 71;

    private NetworkNamespaceCookie() {}

    /**
     * That of the calling thread's network namespace.
     *
     * @throws NativeException when the kernel does not tell
     */
    public static long read() {
        CallState state = CallState.current();
        int socket = NativeException.check(
                LibC.socket(state, Native.AF_INET(), Native.SOCK_DGRAM() | Native.SOCK_CLOEXEC(), 0),
                "socket(AF_INET, SOCK_DGRAM)");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment cookie = arena.allocate(ValueLayout.JAVA_LONG);
            NativeException.check(
                    LibC.getsockopt(state, socket, Native.SOL_SOCKET(), SO_NETNS_COOKIE, cookie),
                    "getsockopt(SO_NETNS_COOKIE)");
            return cookie.get(ValueLayout.JAVA_LONG, 0);
        } finally {
            LibC.close(state, socket);
        }
    }
}
