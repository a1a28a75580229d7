package dev.sluice.ffi;

import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.cpu_set_t;
import dev.sluice.ffi.generated.rlimit;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The C library's calls that Sluice makes, with {@code errno} captured in the same downcall.
 *
 * <p>Calls that take a {@link CallState} return what the C function returns when that is not negative, and
 * {@code -errno} otherwise: the kernel's own convention, which lets callers on the hot path look at the error without an
 * exception. {@link NativeException#check} turns it into one. No call here is {@code critical}: each may block, and a
 * thread inside a critical call would hold up every safepoint.
 *
 * <p>Any thread, each with a {@code CallState} of its own.
 */
public final class LibC {
    private static final Linker.Option CAPTURE_ERRNO = Linker.Option.captureCallState("errno");

    private static final MethodHandle SOCKET = capturing(Native.socket$address(), Native.socket$descriptor());
    private static final MethodHandle BIND = capturing(Native.bind$address(), Native.bind$descriptor());
    private static final MethodHandle CLOSE = capturing(Native.close$address(), Native.close$descriptor());
    private static final MethodHandle SENDTO = capturing(Native.sendto$address(), Native.sendto$descriptor());
    private static final MethodHandle RECVFROM = capturing(Native.recvfrom$address(), Native.recvfrom$descriptor());
    private static final MethodHandle EVENTFD = capturing(Native.eventfd$address(), Native.eventfd$descriptor());
    private static final MethodHandle READ = capturing(Native.read$address(), Native.read$descriptor());
    private static final MethodHandle WRITE = capturing(Native.write$address(), Native.write$descriptor());
    private static final MethodHandle POLL = capturing(Native.poll$address(), Native.poll$descriptor());
    // For worker threads. A capturing handle slices its state segment at every call, which allocates for as long as the
    // caller is not compiled; these allocate nothing even when interpreted.
    private static final MethodHandle SENDTO_PLAIN = plain(Native.sendto$address(), Native.sendto$descriptor());
    private static final MethodHandle RECVFROM_PLAIN = plain(Native.recvfrom$address(), Native.recvfrom$descriptor());
    private static final MethodHandle POLL_PLAIN = plain(Native.poll$address(), Native.poll$descriptor());
    private static final MethodHandle SETSOCKOPT =
            capturing(Native.setsockopt$address(), Native.setsockopt$descriptor());
    private static final MethodHandle GETSOCKOPT =
            capturing(Native.getsockopt$address(), Native.getsockopt$descriptor());
    private static final MethodHandle MMAP = capturing(Native.mmap$address(), Native.mmap$descriptor());
    private static final MethodHandle MUNMAP = capturing(Native.munmap$address(), Native.munmap$descriptor());
    private static final MethodHandle MADVISE = capturing(Native.madvise$address(), Native.madvise$descriptor());
    private static final MethodHandle IF_NAMETOINDEX =
            capturing(Native.if_nametoindex$address(), Native.if_nametoindex$descriptor());
    private static final MethodHandle SCHED_SETAFFINITY =
            capturing(Native.sched_setaffinity$address(), Native.sched_setaffinity$descriptor());
    private static final MethodHandle GETRLIMIT = capturing(Native.getrlimit$address(), Native.getrlimit$descriptor());
    // ioctl is variadic in C; every request made here takes one pointer.
    private static final MethodHandle IOCTL = Linker.nativeLinker()
            .downcallHandle(
                    Linker.nativeLinker().defaultLookup().findOrThrow("ioctl"),
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS),
                    CAPTURE_ERRNO,
                    Linker.Option.firstVariadicArg(2));

    private static final MethodHandle KILL = capturing(
            Linker.nativeLinker().defaultLookup().findOrThrow("kill"),
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private LibC() {}

    private static MethodHandle capturing(MemorySegment address, FunctionDescriptor descriptor) {
        return Linker.nativeLinker().downcallHandle(address, descriptor, CAPTURE_ERRNO);
    }

    private static MethodHandle plain(MemorySegment address, FunctionDescriptor descriptor) {
        return Linker.nativeLinker().downcallHandle(address, descriptor);
    }

    /** {@code socket(2)}: a file descriptor, or {@code -errno}. */
    public static int socket(CallState state, int domain, int type, int protocol) {
        try {
            int result = (int) SOCKET.invokeExact(state.segment(), domain, type, protocol);
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code bind(2)}: 0, or {@code -errno}. */
    public static int bind(CallState state, int fd, MemorySegment address) {
        try {
            int result = (int) BIND.invokeExact(state.segment(), fd, address, (int) address.byteSize());
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code close(2)}: 0, or {@code -errno}. Never to be repeated, not even on {@code EINTR}. */
    public static int close(CallState state, int fd) {
        try {
            int result = (int) CLOSE.invokeExact(state.segment(), fd);
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code eventfd(2)}: a file descriptor, or {@code -errno}. */
    public static int eventfd(CallState state, int count, int flags) {
        try {
            int result = (int) EVENTFD.invokeExact(state.segment(), count, flags);
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code read(2)} into all of a buffer: bytes read, or {@code -errno}. */
    public static long read(CallState state, int fd, MemorySegment buffer) {
        try {
            long result = (long) READ.invokeExact(state.segment(), fd, buffer, buffer.byteSize());
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code write(2)} of all of a buffer: bytes written, or {@code -errno}. */
    public static long write(CallState state, int fd, MemorySegment buffer) {
        try {
            long result = (long) WRITE.invokeExact(state.segment(), fd, buffer, buffer.byteSize());
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code sendto(2)} without an address: bytes sent, or {@code -errno}. A null buffer of length 0 kicks an XSK. */
    public static long send(CallState state, int fd, MemorySegment buffer, long lengthBytes, int flags) {
        try {
            long result =
                    (long) SENDTO.invokeExact(state.segment(), fd, buffer, lengthBytes, flags, MemorySegment.NULL, 0);
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code sendto(2)} to an address: bytes sent, or {@code -errno}. */
    public static long sendTo(
            CallState state, int fd, MemorySegment buffer, long lengthBytes, int flags, MemorySegment address) {
        try {
            long result = (long) SENDTO.invokeExact(
                    state.segment(), fd, buffer, lengthBytes, flags, address, (int) address.byteSize());
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code kill(2)}: 0, or {@code -errno}. A negative process id means the process group of that number. */
    public static int kill(CallState state, int processId, int signal) {
        try {
            int result = (int) KILL.invokeExact(state.segment(), processId, signal);
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code recvfrom(2)} without an address: bytes received, or {@code -errno}. */
    public static long receive(CallState state, int fd, MemorySegment buffer, long lengthBytes, int flags) {
        try {
            long result = (long) RECVFROM.invokeExact(
                    state.segment(), fd, buffer, lengthBytes, flags, MemorySegment.NULL, MemorySegment.NULL);
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code recvfrom(2)} with the sender's address filled in as far as it has room: bytes received, or {@code -errno}. */
    public static long receiveFrom(
            CallState state, int fd, MemorySegment buffer, long lengthBytes, MemorySegment address) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment addressBytes = arena.allocateFrom(ValueLayout.JAVA_INT, (int) address.byteSize());
            long result =
                    (long) RECVFROM.invokeExact(state.segment(), fd, buffer, lengthBytes, 0, address, addressBytes);
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code poll(2)} over an array of {@code struct pollfd}: how many are ready, or {@code -errno}. */
    public static int poll(CallState state, MemorySegment pollfds, long count, int timeoutMs) {
        try {
            int result = (int) POLL.invokeExact(state.segment(), pollfds, count, timeoutMs);
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /**
     * {@code sendto(2)} of nothing, which has an XSK look at its TX ring: 0 or more, or -1 for an error that
     * {@link #send} names. Never allocates.
     */
    public static long kickTx(int fd, int flags) {
        try {
            return (long) SENDTO_PLAIN.invokeExact(fd, MemorySegment.NULL, 0L, flags, MemorySegment.NULL, 0);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /**
     * {@code recvfrom(2)} of nothing, which has an XSK look at its fill ring: 0 or more, or -1 for an error that
     * {@link #receive} names. Never allocates.
     */
    public static long kickRx(int fd, int flags) {
        try {
            return (long) RECVFROM_PLAIN.invokeExact(
                    fd, MemorySegment.NULL, 0L, flags, MemorySegment.NULL, MemorySegment.NULL);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code poll(2)} as a bounded sleep: how many are ready, or -1 for whatever error. Never allocates. */
    public static int sleepInPoll(MemorySegment pollfds, long count, int timeoutMs) {
        try {
            return (int) POLL_PLAIN.invokeExact(pollfds, count, timeoutMs);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code setsockopt(2)}: 0, or {@code -errno}. */
    public static int setsockopt(CallState state, int fd, int level, int option, MemorySegment value) {
        try {
            int result =
                    (int) SETSOCKOPT.invokeExact(state.segment(), fd, level, option, value, (int) value.byteSize());
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code setsockopt(2)} of an {@code int}: 0, or {@code -errno}. */
    public static int setsockopt(CallState state, int fd, int level, int option, int value) {
        try (Arena arena = Arena.ofConfined()) {
            return setsockopt(state, fd, level, option, arena.allocateFrom(ValueLayout.JAVA_INT, value));
        }
    }

    /** {@code getsockopt(2)} into the whole of {@code value}: the length the kernel filled in, or {@code -errno}. */
    public static int getsockopt(CallState state, int fd, int level, int option, MemorySegment value) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_INT, (int) value.byteSize());
            int result = (int) GETSOCKOPT.invokeExact(state.segment(), fd, level, option, value, length);
            return result < 0 ? -state.errno() : length.get(ValueLayout.JAVA_INT, 0);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code mmap(2)} anywhere: the address, or {@code -errno}. */
    public static long mmap(CallState state, long lengthBytes, int protection, int flags, int fd, long offset) {
        try {
            MemorySegment result = (MemorySegment)
                    MMAP.invokeExact(state.segment(), MemorySegment.NULL, lengthBytes, protection, flags, fd, offset);
            return result.address() == -1 ? -state.errno() : result.address();
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code munmap(2)}: 0, or {@code -errno}. */
    public static int munmap(CallState state, MemorySegment mapping, long lengthBytes) {
        try {
            int result = (int) MUNMAP.invokeExact(state.segment(), mapping, lengthBytes);
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code madvise(2)}: 0, or {@code -errno}. */
    public static int madvise(CallState state, MemorySegment mapping, long lengthBytes, int advice) {
        try {
            int result = (int) MADVISE.invokeExact(state.segment(), mapping, lengthBytes, advice);
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code if_nametoindex(3)}: the interface's index in the caller's network namespace, or {@code -errno}. */
    public static int ifNameToIndex(CallState state, String name) {
        try (Arena arena = Arena.ofConfined()) {
            int result = (int) IF_NAMETOINDEX.invokeExact(state.segment(), arena.allocateFrom(name));
            return result == 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** {@code ioctl(2)} with one pointer: what it returns, or {@code -errno}. */
    public static int ioctl(CallState state, int fd, long request, MemorySegment argument) {
        try {
            int result = (int) IOCTL.invokeExact(state.segment(), fd, request, argument);
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** Pins the calling thread to one processor by {@code sched_setaffinity(2)}: 0, or {@code -errno}. */
    public static int pinCurrentThread(CallState state, int cpu) {
        if (cpu < 0 || cpu >= cpu_set_t.sizeof() * Byte.SIZE) {
            return -Native.EINVAL();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment set = arena.allocate(cpu_set_t.layout());
            long word = (long) cpu / Long.SIZE;
            set.setAtIndex(ValueLayout.JAVA_LONG, word, 1L << (cpu % Long.SIZE));
            int result = (int) SCHED_SETAFFINITY.invokeExact(state.segment(), 0, set.byteSize(), set);
            return result < 0 ? -state.errno() : result;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** The soft limit of {@code RLIMIT_MEMLOCK} in bytes, {@code -1} (all ones) where there is none. */
    public static long memlockLimitBytes(CallState state) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limit = arena.allocate(rlimit.layout());
            int result = (int) GETRLIMIT.invokeExact(state.segment(), Native.RLIMIT_MEMLOCK(), limit);
            NativeException.check(result < 0 ? -state.errno() : result, "getrlimit(RLIMIT_MEMLOCK)");
            return rlimit.rlim_cur(limit);
        } catch (NativeException e) {
            throw e;
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** A downcall handle throws only for a wrong call site, which is a bug here and never a state of the system. */
    private static AssertionError impossible(Throwable t) {
        return new AssertionError("downcall failed", t);
    }
}
