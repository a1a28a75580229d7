package dev.sluice.xsk;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.LibXsk;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.xdp_options;
import dev.sluice.ffi.generated.xdp_statistics;
import dev.sluice.ffi.generated.xsk_socket_config;
import dev.sluice.xsk.XskOptions.BindMode;
import dev.sluice.xsk.XskOptions.BusyPoll;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * An AF_XDP socket: one queue of one interface, with an RX, a TX, a fill and a completion ring of its own, over a UMEM
 * that it may share with other sockets. Which packets it receives is for an XDP program to say, which redirects to
 * {@link #fd()} by an XSKMAP; none is loaded here.
 *
 * <p>Owned by: worker; made, and closed, by whichever one thread has it then.
 */
public final class XskSocket implements AutoCloseable {
    /** A queue whose socket has just closed stays taken until the kernel has cleaned up behind it. */
    private static final long BUSY_RETRY_MS = 500;

    private static final long BUSY_PAUSE_NS = 5_000_000;

    /** TX_BATCH_SIZE of net/xdp/xsk.c: how many frames one system call sends in copy mode. */
    private static final int KICK_FRAMES = 32;

    /** {@code XDP_USE_SG} of linux/if_xdp.h (Linux 6.6). */
    private static final int USE_SG = 1 << 4;

    private static final int AGAIN = -Native.EAGAIN();
    private static final int MSG_DONTWAIT = Native.MSG_DONTWAIT();

    /** Null in a rehearsal, which closes what there is itself. */
    private final @Nullable Umem umem;

    private final String interfaceName;
    private final int interfaceIndex;
    private final int queue;
    private final Arena structs;
    private final Arena mappings;
    private final MemorySegment handle;
    private final int fd;
    private final boolean zeroCopy;
    private final boolean busyPolled;
    private final boolean multiBuffer;
    private final RxRing rx;
    private final TxRing tx;
    private final FillRing fill;
    private final CompletionRing completion;
    private final CallState state = new CallState();
    private boolean closed;

    /**
     * Opens and binds a socket, in the network namespace of the calling thread. A busy queue is tried again for half a
     * second, for the kernel frees the queue of a closed socket late.
     *
     * @throws XskException with a line for the user: no such interface or queue, interface down, queue in use, no
     *     zero-copy, busy polling refused, privilege missing
     * @throws NativeException for any other failure
     * @throws IllegalStateException when the UMEM has a socket on that queue, or had one and lost its last
     */
    public static XskSocket open(Umem umem, String interfaceName, int queue, XskOptions options) {
        int interfaceIndex = LibC.ifNameToIndex(CallState.current(), interfaceName);
        if (interfaceIndex < 0) {
            throw new XskException(
                    "interface " + interfaceName + " does not exist",
                    new NativeException("if_nametoindex(" + interfaceName + ")", -interfaceIndex));
        }
        boolean first = umem.admit(interfaceName, interfaceIndex, queue);
        Structs structs = new Structs(umem, first);
        MemorySegment handle;
        try {
            handle = create(interfaceName, queue, umem, structs, options);
        } catch (RuntimeException e) {
            structs.arena.close();
            throw e instanceof NativeException failure ? explain(failure, interfaceName, queue, first, options) : e;
        }
        XskSocket socket = new XskSocket(umem, interfaceName, interfaceIndex, queue, options, structs, handle);
        umem.opened(socket);
        try {
            socket.requireZeroCopy(options.bindMode());
            socket.setBusyPoll(options.busyPoll());
        } catch (RuntimeException e) {
            socket.close();
            throw e;
        }
        return socket;
    }

    /**
     * A socket whose other side is not the kernel but {@link RehearsalPort}, for rehearsals of a worker: same classes, same code.
     *
     * @param fd takes what kicks the kernel
     */
    XskSocket(String interfaceName, int fd, Arena memory, Ring.Mapping[] rings, boolean multiBuffer) {
        this.umem = null;
        this.interfaceName = interfaceName;
        this.interfaceIndex = 0;
        this.queue = 0;
        this.structs = memory;
        this.mappings = memory;
        this.handle = MemorySegment.NULL;
        this.fd = fd;
        this.zeroCopy = false;
        this.busyPolled = false;
        this.multiBuffer = multiBuffer;
        rx = new RxRing(rings[0]);
        tx = new TxRing(rings[1]);
        fill = new FillRing(rings[2]);
        completion = new CompletionRing(rings[3]);
        closed = true;
    }

    private XskSocket(
            Umem umem,
            String interfaceName,
            int interfaceIndex,
            int queue,
            XskOptions options,
            Structs structs,
            MemorySegment handle) {
        this.umem = umem;
        this.interfaceName = interfaceName;
        this.interfaceIndex = interfaceIndex;
        this.queue = queue;
        this.structs = structs.arena;
        this.handle = handle;
        mappings = Arena.ofShared();
        fd = LibXsk.socketFd(handle);
        busyPolled = options.busyPoll() != null;
        multiBuffer = options.multiBuffer();
        rx = new RxRing(Ring.Mapping.of(structs.rx, RxRing.ENTRY_SIZE_BYTES, mappings));
        tx = new TxRing(Ring.Mapping.of(structs.tx, TxRing.ENTRY_SIZE_BYTES, mappings));
        fill = new FillRing(Ring.Mapping.of(structs.fill, FillRing.ENTRY_SIZE_BYTES, mappings));
        completion = new CompletionRing(Ring.Mapping.of(structs.completion, CompletionRing.ENTRY_SIZE_BYTES, mappings));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment flags = arena.allocate(xdp_options.layout());
            zeroCopy = LibC.getsockopt(state, fd, Native.SOL_XDP(), Native.XDP_OPTIONS(), flags) >= 0
                    && (xdp_options.flags(flags) & Native.XDP_OPTIONS_ZEROCOPY()) != 0;
        }
    }

    /** The socket's descriptor, for an XSKMAP and for {@code poll}. */
    public int fd() {
        return fd;
    }

    /** The ring of received frames. */
    public RxRing rx() {
        return rx;
    }

    /** The ring of frames to send. */
    public TxRing tx() {
        return tx;
    }

    /** The ring of frames to receive into. */
    public FillRing fill() {
        return fill;
    }

    /** The ring of frames sent. */
    public CompletionRing completion() {
        return completion;
    }

    /** The interface's name when the socket was opened. */
    public String interfaceName() {
        return interfaceName;
    }

    /** The interface's index. */
    public int interfaceIndex() {
        return interfaceIndex;
    }

    /** The queue it is bound to. */
    public int queue() {
        return queue;
    }

    /** Whether the driver works in the UMEM itself ({@code XDP_OPTIONS}). */
    public boolean isZeroCopy() {
        return zeroCopy;
    }

    /** Whether packets may take several entries of its rings. */
    public boolean isMultiBuffer() {
        return multiBuffer;
    }

    /**
     * Has the kernel send what is in the TX ring, where it asks to be told. In copy mode one system call sends about 32
     * frames, so the call is repeated while that helps, and at most once per 32 frames pending and once more.
     *
     * @return 0, or the error that ended it: {@code -EAGAIN} nothing taken, usually for a full completion ring;
     *     {@code -EBUSY} and {@code -ENOBUFS} the device's queue or memory is full; {@code -ENETDOWN} and
     *     {@code -ENXIO} the interface is down or gone. What is pending stays so, and a later kick sends it.
     */
    public int kickTx() {
        int pending = tx.pending();
        if (pending == 0 || !tx.needsWakeup()) {
            return 0;
        }
        for (int tries = zeroCopy ? 1 : pending / KICK_FRAMES + 1; tries > 0; tries--) {
            long result = LibC.kickTx(fd, MSG_DONTWAIT);
            int left = tx.pending();
            if (left == 0) {
                return 0;
            }
            if (left == pending) {
                // Only a call that got nowhere is worth asking why; asking is another try.
                return result < 0 ? (int) LibC.send(state, fd, MemorySegment.NULL, 0, MSG_DONTWAIT) : 0;
            }
            pending = left;
        }
        return 0;
    }

    /**
     * Has the kernel look at the fill ring, where it asks to be told; with busy polling, has it poll the queue.
     *
     * @return 0, or a negative error number: {@code -ENETDOWN} and {@code -ENXIO} the interface is down or gone
     */
    public int wakeRx() {
        if (!busyPolled && !fill.needsWakeup()) {
            return 0;
        }
        if (LibC.kickRx(fd, MSG_DONTWAIT) >= 0) {
            return 0;
        }
        int result = (int) LibC.receive(state, fd, MemorySegment.NULL, 0, MSG_DONTWAIT);
        return result == AGAIN ? 0 : result;
    }

    /** Reads the kernel's counters; not for the hot path. Any thread, while the socket is open. */
    public XskStatistics statistics() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment counters = arena.allocate(xdp_statistics.layout());
            NativeException.check(
                    LibC.getsockopt(CallState.current(), fd, Native.SOL_XDP(), Native.XDP_STATISTICS(), counters),
                    "getsockopt(fd=" + fd + ", SOL_XDP, XDP_STATISTICS)");
            return new XskStatistics(
                    xdp_statistics.rx_dropped(counters),
                    xdp_statistics.rx_invalid_descs(counters),
                    xdp_statistics.tx_invalid_descs(counters),
                    xdp_statistics.rx_ring_full(counters),
                    xdp_statistics.rx_fill_ring_empty_descs(counters),
                    xdp_statistics.tx_ring_empty_descs(counters));
        }
    }

    /** Unmaps the rings and closes the socket. The frames in its rings are lost to the UMEM until that closes too. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        Objects.requireNonNull(umem).closed(this);
        // Before libxdp unmaps the rings, so that a late user of one gets an exception and not a crash.
        mappings.close();
        LibXsk.socketDelete(handle);
        structs.close();
    }

    @Override
    public String toString() {
        return interfaceName + " queue " + queue;
    }

    private static MemorySegment create(
            String interfaceName, int queue, Umem umem, Structs structs, XskOptions options) {
        long deadlineNs = System.nanoTime() + BUSY_RETRY_MS * 1_000_000;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment config = arena.allocate(xsk_socket_config.layout());
            xsk_socket_config.rx_size(config, options.rxSize());
            xsk_socket_config.tx_size(config, options.txSize());
            xsk_socket_config.libxdp_flags(config, Native.XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD());
            xsk_socket_config.bind_flags(config, (short) (Native.XDP_USE_NEED_WAKEUP() | bindFlags(options)));
            while (true) {
                try {
                    return LibXsk.socketCreateShared(
                            interfaceName,
                            queue,
                            umem.handle(),
                            structs.rx,
                            structs.tx,
                            structs.fill,
                            structs.completion,
                            config);
                } catch (NativeException e) {
                    if (e.errno() != Native.EBUSY() || System.nanoTime() - deadlineNs >= 0) {
                        throw e;
                    }
                }
                LockSupport.parkNanos(BUSY_PAUSE_NS);
            }
        }
    }

    private static int bindFlags(XskOptions options) {
        return (options.multiBuffer() ? USE_SG : 0) | copyFlags(options);
    }

    private static int copyFlags(XskOptions options) {
        if (options.genericXdp()) {
            return Native.XDP_COPY();
        }
        return switch (options.bindMode()) {
            // With neither flag the kernel tries zero-copy itself and falls back for whatever reason the driver gives.
            case AUTO -> 0;
            case ZEROCOPY -> Native.XDP_ZEROCOPY();
            case COPY -> Native.XDP_COPY();
        };
    }

    /** Only the first socket's flags count, so a later one may have come out other than asked for. */
    private void requireZeroCopy(BindMode mode) {
        if (mode == BindMode.ZEROCOPY && !zeroCopy) {
            throw new XskException(
                    this + ": no zero-copy, because the first socket on this UMEM runs in copy mode",
                    new NativeException("bind(XDP_ZEROCOPY)", Native.EOPNOTSUPP()));
        }
    }

    private void setBusyPoll(@Nullable BusyPoll busyPoll) {
        if (busyPoll == null) {
            return;
        }
        setOption(Native.SO_PREFER_BUSY_POLL(), "SO_PREFER_BUSY_POLL", 1);
        setOption(Native.SO_BUSY_POLL(), "SO_BUSY_POLL", busyPoll.usecs());
        setOption(Native.SO_BUSY_POLL_BUDGET(), "SO_BUSY_POLL_BUDGET", busyPoll.budget());
    }

    private void setOption(int option, String name, int value) {
        int result = LibC.setsockopt(state, fd, Native.SOL_SOCKET(), option, value);
        if (result < 0) {
            NativeException cause =
                    new NativeException("setsockopt(fd=" + fd + ", " + name + ", " + value + ")", -result);
            throw new XskException(
                    this + ": the kernel refuses busy polling: " + cause.getMessage()
                            + "; it needs Linux 5.11 and CAP_NET_ADMIN",
                    cause);
        }
    }

    private static RuntimeException explain(
            NativeException e, String interfaceName, int queue, boolean first, XskOptions options) {
        String what = "queue " + queue + " of " + interfaceName;
        int errno = e.errno();
        if (errno == Native.EBUSY()) {
            return new XskException(what + " is in use by another AF_XDP socket", e);
        }
        if (errno == Native.EOPNOTSUPP()) {
            return new XskException(
                    first
                            ? what + ": its driver offers no zero-copy; choose mode copy or auto"
                            : what
                                    + ": its driver offers no zero-copy, which the first interface of the worker runs in;"
                                    + " choose mode copy",
                    e);
        }
        if (errno == Native.ENETDOWN()) {
            return new XskException("interface " + interfaceName + " is down: ip link set " + interfaceName + " up", e);
        }
        if (errno == Native.EPERM()) {
            return new XskException(what + ": no permission for AF_XDP: run as root or grant CAP_NET_RAW", e);
        }
        int queues = InterfaceQueues.count(interfaceName);
        if (errno == Native.EINVAL() && queue >= queues) {
            return new XskException(what + " does not exist: the interface has " + queues + " (ethtool -l)", e);
        }
        if (errno == Native.EINVAL() && first && options.multiBuffer()) {
            return new XskException(
                    what
                            + ": the kernel has no packets of several buffers (XDP_USE_SG), which Linux 6.6 brought; lower the"
                            + " MTU so that a packet fits a frame",
                    e);
        }
        return e;
    }

    /** The structs libxdp fills in, and keeps while the socket lives; the first socket's are partly the UMEM's. */
    private static final class Structs {
        final Arena arena = Arena.ofShared();
        final MemorySegment rx = RingStruct.allocate(arena);
        final MemorySegment tx = RingStruct.allocate(arena);
        final MemorySegment fill;
        final MemorySegment completion;

        Structs(Umem umem, boolean first) {
            fill = first ? umem.firstFill() : RingStruct.allocate(arena);
            completion = first ? umem.firstCompletion() : RingStruct.allocate(arena);
        }
    }
}
