package dev.sluice.ffi;

import dev.sluice.ffi.generated.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** An eventfd(2): wakes a thread that sleeps in {@code poll}. Any thread may {@link #signal} until it is closed. */
public final class EventFd implements AutoCloseable {
    private final int fd;
    /** For the number of signals, which nobody looks at. */
    private final MemorySegment taken = Arena.ofAuto().allocate(ValueLayout.JAVA_LONG);

    private final MemorySegment one = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_LONG, 1L);
    private boolean closed;

    private EventFd(int fd) {
        this.fd = fd;
    }

    /**
     * A new one, without a signal.
     *
     * @throws NativeException when the kernel gives none
     */
    public static EventFd open() {
        int fd = LibC.eventfd(CallState.current(), 0, Native.EFD_CLOEXEC() | Native.EFD_NONBLOCK());
        return new EventFd(NativeException.check(fd, "eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)"));
    }

    /** To be polled for {@code POLLIN}. */
    public int fd() {
        return fd;
    }

    /** Makes the descriptor readable until {@link #clear}; nothing happens once it is closed. */
    public synchronized void signal() {
        if (!closed) {
            // The only error of a non-blocking one is a full counter, which is readable too.
            LibC.write(CallState.current(), fd, one);
        }
    }

    /** Takes the signals back. */
    public void clear() {
        LibC.read(CallState.current(), fd, taken);
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            LibC.close(CallState.current(), fd);
        }
    }
}
