package dev.sluice.xsk;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.Errno;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.LibXsk;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.xsk_umem_config;
import dev.sluice.xsk.UmemOptions.Hugepages;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A UMEM: the frames that the kernel and one worker share, and the sockets that use them
 * (Documentation/networking/af_xdp.rst of the kernel).
 *
 * <p>The first socket of a UMEM is special: it takes the UMEM's own descriptor and its first fill and completion ring,
 * and decides for all that follow whether they run zero-copy. {@link XskSocket#open} sees to that. What remains
 * visible: once the first socket has closed, its queue stays bound until the UMEM closes.
 *
 * <p>Owned by: worker; made, and closed, by whichever one thread has it then.
 */
public final class Umem implements AutoCloseable {
    private final UmemOptions options;
    private final boolean hugepages;
    private final Arena arena;
    private final MemorySegment frames;
    private final MemorySegment handle;
    private final MemorySegment firstFill;
    private final MemorySegment firstCompletion;
    private final List<XskSocket> sockets = new ArrayList<>();
    private boolean firstTaken;
    private boolean closed;

    /**
     * Maps the frames and registers them.
     *
     * @throws MemlockException when the limit on locked memory is too small
     * @throws XskException when huge pages were demanded and are not there, or the privilege for AF_XDP is missing
     * @throws NativeException for any other failure
     */
    public static Umem open(UmemOptions options) {
        Arena arena = Arena.ofShared();
        try {
            return new Umem(options, arena);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    private Umem(UmemOptions options, Arena arena) {
        this.options = options;
        this.arena = arena;
        long sizeBytes = options.sizeBytes();
        long address = -1;
        if (options.hugepages() != Hugepages.OFF) {
            address = mapHuge(sizeBytes, arena);
            if (address < 0 && options.hugepages() == Hugepages.ON) {
                throw new XskException(
                        "no huge pages for a UMEM of " + sizeBytes
                                + " bytes: reserve them (sysctl vm.nr_hugepages) or set huge pages to auto or off",
                        new NativeException("mmap(length=" + sizeBytes + ", MAP_HUGETLB)", (int) -address));
            }
        }
        hugepages = address >= 0;
        if (!hugepages) {
            address = map(sizeBytes, 0, arena);
            NativeException.check(address, "mmap(length=" + sizeBytes + ")");
        }
        frames = MemorySegment.ofAddress(address).reinterpret(sizeBytes, arena, null);
        firstFill = RingStruct.allocate(arena);
        firstCompletion = RingStruct.allocate(arena);
        MemorySegment config = arena.allocate(xsk_umem_config.layout());
        xsk_umem_config.fill_size(config, options.fillSize());
        xsk_umem_config.comp_size(config, options.completionSize());
        xsk_umem_config.frame_size(config, options.frameSizeBytes());
        xsk_umem_config.frame_headroom(config, options.headroomBytes());
        try {
            handle = LibXsk.umemCreate(frames, firstFill, firstCompletion, config);
        } catch (NativeException e) {
            throw explain(e, sizeBytes);
        }
    }

    /** The whole UMEM as one segment: an address in a ring is an offset into it. Unusable once closed. */
    public MemorySegment frames() {
        return frames;
    }

    /** What it was made with. */
    public UmemOptions options() {
        return options;
    }

    /** Whether the frames lie in huge pages. */
    public boolean inHugepages() {
        return hugepages;
    }

    /** A pool of all frames of this UMEM. To be made once. */
    public FramePool newFramePool() {
        return new FramePool(options.frameCount(), options.frameSizeBytes());
    }

    /** Closes the sockets that are still open, newest first, then unregisters and unmaps the frames. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (XskSocket socket : List.copyOf(sockets).reversed()) {
            socket.close();
        }
        LibXsk.umemDelete(handle);
        arena.close();
    }

    MemorySegment handle() {
        return handle;
    }

    MemorySegment firstFill() {
        return firstFill;
    }

    MemorySegment firstCompletion() {
        return firstCompletion;
    }

    /** Whether the next socket to open is the first; throws where it cannot be opened any more. */
    boolean admit(String interfaceName, int interfaceIndex, int queue) {
        if (closed) {
            throw new IllegalStateException("the UMEM is closed");
        }
        if (firstTaken && sockets.isEmpty()) {
            throw new IllegalStateException("all sockets of the UMEM have closed: a new socket needs a new UMEM");
        }
        for (XskSocket socket : sockets) {
            if (socket.interfaceIndex() == interfaceIndex && socket.queue() == queue) {
                throw new IllegalStateException(
                        "queue " + queue + " of " + interfaceName + " already has a socket on this UMEM");
            }
        }
        return !firstTaken;
    }

    void opened(XskSocket socket) {
        firstTaken = true;
        sockets.add(socket);
    }

    void closed(XskSocket socket) {
        sockets.remove(socket);
    }

    private static long mapHuge(long sizeBytes, Arena arena) {
        long page = hugepageSizeBytes();
        if (page == 0) {
            return -Native.ENOMEM();
        }
        // A mapping of huge pages is unmapped in whole ones as well, hence the rounding.
        return map((sizeBytes + page - 1) / page * page, Native.MAP_HUGETLB(), arena);
    }

    /** Maps memory that is unmapped when the arena closes: the address, or {@code -errno}. */
    private static long map(long lengthBytes, int flags, Arena arena) {
        CallState state = CallState.current();
        long address = LibC.mmap(
                state,
                lengthBytes,
                Native.PROT_READ() | Native.PROT_WRITE(),
                Native.MAP_PRIVATE() | Native.MAP_ANONYMOUS() | flags,
                -1,
                0);
        if (address >= 0) {
            MemorySegment.ofAddress(address)
                    .reinterpret(lengthBytes, arena, mapping -> LibC.munmap(CallState.current(), mapping, lengthBytes));
        }
        return address;
    }

    /** The default huge page size, which {@code MAP_HUGETLB} takes; 0 where the kernel has none. */
    private static long hugepageSizeBytes() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
                if (line.startsWith("Hugepagesize:")) {
                    return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
                }
            }
            return 0;
        } catch (IOException e) {
            return 0;
        }
    }

    /** Says which limit or privilege is missing: the kernel has one error number for several causes. */
    private static RuntimeException explain(NativeException e, long sizeBytes) {
        CallState state = CallState.current();
        int errno = e.errno();
        if (errno == Native.EPERM()) {
            int fd = LibC.socket(state, Native.AF_XDP(), Native.SOCK_RAW(), 0);
            if (fd < 0) {
                return new XskException("no permission to open an AF_XDP socket: run as root or grant CAP_NET_RAW", e);
            }
            LibC.close(state, fd);
        }
        if (Errno.name(errno).equals("EAFNOSUPPORT")) {
            return new XskException("this kernel has no AF_XDP (CONFIG_XDP_SOCKETS)", e);
        }
        long limitBytes = LibC.memlockLimitBytes(state);
        boolean aboveLimit = limitBytes >= 0 && sizeBytes > limitBytes;
        // xdp_umem_account_pages() reports the limit as ENOBUFS, and nothing else in the registration does.
        if (errno == Native.ENOBUFS() || (aboveLimit && (errno == Native.ENOMEM() || errno == Native.EPERM()))) {
            return new MemlockException(sizeBytes, limitBytes, e);
        }
        return e;
    }
}
