package dev.sluice.ffi;

import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.rlimit;
import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.util.Collection;
import java.util.List;

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
    /** Of sys/socket.h. */
    private static final int AF_UNIX = 1;

    /** Of sys/resource.h; 0 behind it is the calling thread. */
    private static final int PRIO_PROCESS = 0;

    /** As many processors as Linux knows at the most (CONFIG_NR_CPUS): a bit for each, in longs. */
    private static final int CPU_SET_BYTES = 1024;

    private static final MemorySegment SOCKET = function("socket");
    private static final MemorySegment BIND = function("bind");
    private static final MemorySegment CLOSE = function("close");
    private static final MemorySegment SENDTO = function("sendto");
    private static final MemorySegment RECVFROM = function("recvfrom");
    private static final MemorySegment EVENTFD = function("eventfd");
    private static final MemorySegment READ = function("read");
    private static final MemorySegment WRITE = function("write");
    private static final MemorySegment POLL = function("poll");
    private static final MemorySegment SETSOCKOPT = function("setsockopt");
    private static final MemorySegment GETSOCKOPT = function("getsockopt");
    private static final MemorySegment MMAP = function("mmap");
    private static final MemorySegment MUNMAP = function("munmap");
    private static final MemorySegment MADVISE = function("madvise");
    private static final MemorySegment IF_NAMETOINDEX = function("if_nametoindex");
    private static final MemorySegment SCHED_SETAFFINITY = function("sched_setaffinity");
    private static final MemorySegment SETPRIORITY = function("setpriority");
    private static final MemorySegment GETRLIMIT = function("getrlimit");
    private static final MemorySegment IOCTL = function("ioctl");
    private static final MemorySegment OPEN = function("open");
    private static final MemorySegment UNSHARE = function("unshare");
    private static final MemorySegment KILL = function("kill");
    private static final MemorySegment SOCKETPAIR = function("socketpair");

    private LibC() {}

    private static MemorySegment function(String name) {
        return Linker.nativeLinker().defaultLookup().findOrThrow(name);
    }

    /** Calls a function that returns an {@code int}, -1 with {@code errno} set when it fails. */
    private static int callInt(
            MemorySegment function, CallState state, long a, long b, long c, long d, long e, long f) {
        int result = (int) Calls.capturing(function, state, a, b, c, d, e, f);
        return result < 0 ? -state.errno() : result;
    }

    /** The same for a function that returns a {@code ssize_t}. */
    private static long callLong(
            MemorySegment function, CallState state, long a, long b, long c, long d, long e, long f) {
        long result = Calls.capturing(function, state, a, b, c, d, e, f);
        return result < 0 ? -state.errno() : result;
    }

    /** {@code socket(2)}: a file descriptor, or {@code -errno}. */
    public static int socket(CallState state, int domain, int type, int protocol) {
        return callInt(SOCKET, state, domain, type, protocol, 0, 0, 0);
    }

    /** {@code socketpair(2)} of the Unix domain: 0 and two file descriptors, or {@code -errno}. */
    public static int socketPair(CallState state, int type, int[] fds) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pair = arena.allocate(ValueLayout.JAVA_INT, 2);
            int result = callInt(SOCKETPAIR, state, AF_UNIX, type, 0, Calls.pointer(pair), 0, 0);
            MemorySegment.copy(pair, ValueLayout.JAVA_INT, 0, fds, 0, 2);
            return result;
        }
    }

    /** {@code bind(2)}: 0, or {@code -errno}. */
    public static int bind(CallState state, int fd, MemorySegment address) {
        try {
            return callInt(BIND, state, fd, Calls.pointer(address), address.byteSize(), 0, 0, 0);
        } finally {
            Reference.reachabilityFence(address);
        }
    }

    /** {@code close(2)}: 0, or {@code -errno}. Never to be repeated, not even on {@code EINTR}. */
    public static int close(CallState state, int fd) {
        return callInt(CLOSE, state, fd, 0, 0, 0, 0, 0);
    }

    /** {@code eventfd(2)}: a file descriptor, or {@code -errno}. */
    public static int eventfd(CallState state, int count, int flags) {
        return callInt(EVENTFD, state, count, flags, 0, 0, 0, 0);
    }

    /** {@code read(2)} into all of a buffer: bytes read, or {@code -errno}. */
    public static long read(CallState state, int fd, MemorySegment buffer) {
        try {
            return callLong(READ, state, fd, Calls.pointer(buffer), buffer.byteSize(), 0, 0, 0);
        } finally {
            Reference.reachabilityFence(buffer);
        }
    }

    /** {@code write(2)} of all of a buffer: bytes written, or {@code -errno}. */
    public static long write(CallState state, int fd, MemorySegment buffer) {
        try {
            return callLong(WRITE, state, fd, Calls.pointer(buffer), buffer.byteSize(), 0, 0, 0);
        } finally {
            Reference.reachabilityFence(buffer);
        }
    }

    /** {@code sendto(2)} without an address: bytes sent, or {@code -errno}. A null buffer of length 0 kicks an XSK. */
    public static long send(CallState state, int fd, MemorySegment buffer, long lengthBytes, int flags) {
        try {
            return callLong(SENDTO, state, fd, Calls.pointer(buffer), lengthBytes, flags, 0, 0);
        } finally {
            Reference.reachabilityFence(buffer);
        }
    }

    /** {@code sendto(2)} to an address: bytes sent, or {@code -errno}. */
    public static long sendTo(
            CallState state, int fd, MemorySegment buffer, long lengthBytes, int flags, MemorySegment address) {
        try {
            return callLong(
                    SENDTO,
                    state,
                    fd,
                    Calls.pointer(buffer),
                    lengthBytes,
                    flags,
                    Calls.pointer(address),
                    address.byteSize());
        } finally {
            Reference.reachabilityFence(buffer);
            Reference.reachabilityFence(address);
        }
    }

    /** {@code open(2)} of a file that is there: a file descriptor, or {@code -errno}. */
    public static int open(CallState state, String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            return callInt(OPEN, state, Calls.pointer(arena.allocateFrom(path)), flags, 0, 0, 0, 0);
        }
    }

    /** {@code unshare(2)}, of the calling thread: 0, or {@code -errno}. */
    public static int unshare(CallState state, int flags) {
        return callInt(UNSHARE, state, flags, 0, 0, 0, 0, 0);
    }

    /** {@code kill(2)}: 0, or {@code -errno}. A negative process id means the process group of that number. */
    public static int kill(CallState state, int processId, int signal) {
        return callInt(KILL, state, processId, signal, 0, 0, 0, 0);
    }

    /** {@code recvfrom(2)} without an address: bytes received, or {@code -errno}. */
    public static long receive(CallState state, int fd, MemorySegment buffer, long lengthBytes, int flags) {
        try {
            return callLong(RECVFROM, state, fd, Calls.pointer(buffer), lengthBytes, flags, 0, 0);
        } finally {
            Reference.reachabilityFence(buffer);
        }
    }

    /** {@code recvfrom(2)} with the sender's address filled in as far as it has room: bytes received, or {@code -errno}. */
    public static long receiveFrom(
            CallState state, int fd, MemorySegment buffer, long lengthBytes, MemorySegment address) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment addressBytes = arena.allocateFrom(ValueLayout.JAVA_INT, (int) address.byteSize());
            try {
                return callLong(
                        RECVFROM,
                        state,
                        fd,
                        Calls.pointer(buffer),
                        lengthBytes,
                        0,
                        Calls.pointer(address),
                        Calls.pointer(addressBytes));
            } finally {
                Reference.reachabilityFence(buffer);
                Reference.reachabilityFence(address);
            }
        }
    }

    /** {@code poll(2)} over an array of {@code struct pollfd}: how many are ready, or {@code -errno}. */
    public static int poll(CallState state, MemorySegment pollfds, long count, int timeoutMs) {
        try {
            return callInt(POLL, state, Calls.pointer(pollfds), count, timeoutMs, 0, 0, 0);
        } finally {
            Reference.reachabilityFence(pollfds);
        }
    }

    /**
     * {@code sendto(2)} of nothing, which has an XSK look at its TX ring: 0 or more, or -1 for an error that
     * {@link #send} names. Never allocates.
     */
    public static long kickTx(int fd, int flags) {
        return Calls.Plain.call(SENDTO, fd, 0, 0, flags, 0, 0);
    }

    /**
     * {@code recvfrom(2)} of nothing, which has an XSK look at its fill ring: 0 or more, or -1 for an error that
     * {@link #receive} names. Never allocates.
     */
    public static long kickRx(int fd, int flags) {
        return Calls.Plain.call(RECVFROM, fd, 0, 0, flags, 0, 0);
    }

    /** {@code poll(2)} as a bounded sleep: how many are ready, or -1 for whatever error. Never allocates. */
    public static int sleepInPoll(MemorySegment pollfds, long count, int timeoutMs) {
        try {
            return (int) Calls.Plain.call(POLL, pollfds.address(), count, timeoutMs, 0, 0, 0);
        } finally {
            Reference.reachabilityFence(pollfds);
        }
    }

    /** {@code setsockopt(2)}: 0, or {@code -errno}. */
    public static int setsockopt(CallState state, int fd, int level, int option, MemorySegment value) {
        try {
            return callInt(SETSOCKOPT, state, fd, level, option, Calls.pointer(value), value.byteSize(), 0);
        } finally {
            Reference.reachabilityFence(value);
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
            try {
                int result =
                        callInt(GETSOCKOPT, state, fd, level, option, Calls.pointer(value), Calls.pointer(length), 0);
                return result < 0 ? result : length.get(ValueLayout.JAVA_INT, 0);
            } finally {
                Reference.reachabilityFence(value);
            }
        }
    }

    /** {@code mmap(2)} anywhere: the address, or {@code -errno}. */
    public static long mmap(CallState state, long lengthBytes, int protection, int flags, int fd, long offset) {
        long result = Calls.capturing(MMAP, state, 0, lengthBytes, protection, flags, fd, offset);
        return result == -1 ? -state.errno() : result;
    }

    /** {@code munmap(2)}: 0, or {@code -errno}. */
    public static int munmap(CallState state, MemorySegment mapping, long lengthBytes) {
        return callInt(MUNMAP, state, Calls.pointer(mapping), lengthBytes, 0, 0, 0, 0);
    }

    /** {@code madvise(2)}: 0, or {@code -errno}. */
    public static int madvise(CallState state, MemorySegment mapping, long lengthBytes, int advice) {
        try {
            return callInt(MADVISE, state, Calls.pointer(mapping), lengthBytes, advice, 0, 0, 0);
        } finally {
            Reference.reachabilityFence(mapping);
        }
    }

    /** {@code if_nametoindex(3)}: the interface's index in the caller's network namespace, or {@code -errno}. */
    public static int ifNameToIndex(CallState state, String name) {
        try (Arena arena = Arena.ofConfined()) {
            int result = (int)
                    Calls.capturing(IF_NAMETOINDEX, state, Calls.pointer(arena.allocateFrom(name)), 0, 0, 0, 0, 0);
            return result == 0 ? -state.errno() : result;
        }
    }

    /** {@code ioctl(2)} with one pointer: what it returns, or {@code -errno}. */
    public static int ioctl(CallState state, int fd, long request, MemorySegment argument) {
        try {
            return callInt(IOCTL, state, fd, request, Calls.pointer(argument), 0, 0, 0);
        } finally {
            Reference.reachabilityFence(argument);
        }
    }

    /** Pins the calling thread to one processor by {@code sched_setaffinity(2)}: 0, or {@code -errno}. */
    public static int pinCurrentThread(CallState state, int cpu) {
        return setAffinity(state, 0, List.of(cpu));
    }

    /**
     * Says on which processors a thread may run, and those that it starts from then on, by {@code sched_setaffinity(2)}: 0, or
     * {@code -errno}.
     *
     * @param thread the kernel's number of it, 0 for the calling one
     */
    public static int setAffinity(CallState state, int thread, Collection<Integer> cpus) {
        if (cpus.stream().anyMatch(cpu -> cpu < 0 || cpu >= CPU_SET_BYTES * Byte.SIZE)) {
            return -Native.EINVAL();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment set = arena.allocate(CPU_SET_BYTES, Long.BYTES);
            for (int cpu : cpus) {
                long word = (long) cpu / Long.SIZE;
                set.setAtIndex(
                        ValueLayout.JAVA_LONG,
                        word,
                        set.getAtIndex(ValueLayout.JAVA_LONG, word) | 1L << (cpu % Long.SIZE));
            }
            return callInt(SCHED_SETAFFINITY, state, thread, set.byteSize(), Calls.pointer(set), 0, 0, 0);
        }
    }

    /**
     * Gives the calling thread, and threads that it starts from then on, another nice value by {@code setpriority(2)}: 0, or
     * {@code -errno}. Raising it, up to 19, takes no privilege.
     */
    public static int niceCurrentThread(CallState state, int nice) {
        return callInt(SETPRIORITY, state, PRIO_PROCESS, 0, nice, 0, 0, 0);
    }

    /** The soft limit of {@code RLIMIT_MEMLOCK} in bytes, {@code -1} (all ones) where there is none. */
    public static long memlockLimitBytes(CallState state) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limit = arena.allocate(rlimit.layout());
            NativeException.check(
                    callInt(GETRLIMIT, state, Native.RLIMIT_MEMLOCK(), Calls.pointer(limit), 0, 0, 0, 0),
                    "getrlimit(RLIMIT_MEMLOCK)");
            return rlimit.rlim_cur(limit);
        }
    }
}
