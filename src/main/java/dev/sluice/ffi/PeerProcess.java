package dev.sluice.ffi;

import dev.sluice.ffi.generated.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The process at the other end of a Unix socket, as the kernel took it down when it connected: {@code SO_PEERCRED} in unix(7). */
public final class PeerProcess {
    // asm-generic/socket.h
    private static final int SO_PEERCRED = 17;

    /** {@code struct ucred}: pid, uid, gid. */
    private static final int UCRED_BYTES = 12;

    private PeerProcess() {}

    /** Its process id; 0 for one of another PID namespace, or when the kernel does not tell. Any thread. */
    public static int id(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(UCRED_BYTES, Integer.BYTES);
            int length = LibC.getsockopt(CallState.current(), fd, Native.SOL_SOCKET(), SO_PEERCRED, credentials);
            return length == UCRED_BYTES ? credentials.get(ValueLayout.JAVA_INT, 0) : 0;
        }
    }
}
