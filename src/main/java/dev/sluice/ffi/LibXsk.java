package dev.sluice.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * libxdp's calls that make and end UMEMs and AF_XDP sockets ({@code xdp/xsk.h}).
 *
 * <p>None is on the hot path: each throws {@link NativeException} where libxdp returns an error. The structs handed in
 * are kept by libxdp, so their memory must outlive the UMEM or socket made with them. libxdp does not lock: all calls
 * about one UMEM and its sockets come from one thread at a time.
 */
public final class LibXsk {
    private static final MemorySegment UMEM_CREATE = Calls.function("xsk_umem__create");
    private static final MemorySegment UMEM_DELETE = Calls.function("xsk_umem__delete");
    private static final MemorySegment UMEM_FD = Calls.function("xsk_umem__fd");
    private static final MemorySegment SOCKET_CREATE_SHARED = Calls.function("xsk_socket__create_shared");
    private static final MemorySegment SOCKET_FD = Calls.function("xsk_socket__fd");
    private static final MemorySegment SOCKET_DELETE = Calls.function("xsk_socket__delete");

    private LibXsk() {}

    /**
     * {@code xsk_umem__create}: registers memory as a UMEM and makes the fill and completion ring of its first socket.
     *
     * @param area page-aligned memory for the frames; its whole size is registered
     * @param fill a zeroed {@code struct xsk_ring_prod}, filled in
     * @param completion a zeroed {@code struct xsk_ring_cons}, filled in
     * @param config {@code struct xsk_umem_config}
     * @return the {@code struct xsk_umem *}
     */
    public static MemorySegment umemCreate(
            MemorySegment area, MemorySegment fill, MemorySegment completion, MemorySegment config) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment result = arena.allocate(ValueLayout.JAVA_LONG);
            NativeException.check(
                    (int) Calls.call(
                            UMEM_CREATE,
                            Calls.pointer(result),
                            Calls.pointer(area),
                            area.byteSize(),
                            Calls.pointer(fill),
                            Calls.pointer(completion),
                            Calls.pointer(config)),
                    "xsk_umem__create(size=" + area.byteSize() + ")");
            return MemorySegment.ofAddress(result.get(ValueLayout.JAVA_LONG, 0));
        }
    }

    /** {@code xsk_umem__delete}: unregisters and frees. Throws with {@code EBUSY} while a socket uses the UMEM. */
    public static void umemDelete(MemorySegment umem) {
        NativeException.check((int) Calls.call(UMEM_DELETE, umem.address(), 0), "xsk_umem__delete");
    }

    /** {@code xsk_umem__fd}: the descriptor that the UMEM was registered with; its first socket's as well. */
    public static int umemFd(MemorySegment umem) {
        return NativeException.check((int) Calls.call(UMEM_FD, umem.address(), 0), "xsk_umem__fd");
    }

    /**
     * {@code xsk_socket__create_shared}: opens a socket and binds it to one queue, in the caller's network namespace.
     *
     * @param rx a zeroed {@code struct xsk_ring_cons}, filled in
     * @param tx a zeroed {@code struct xsk_ring_prod}, filled in
     * @param fill what {@link #umemCreate} was given for the first socket of a UMEM, else a zeroed struct
     * @param completion as {@code fill}
     * @param config {@code struct xsk_socket_config}; libxdp ignores its bind flags for all but the first socket
     * @return the {@code struct xsk_socket *}
     */
    public static MemorySegment socketCreateShared(
            String interfaceName,
            int queue,
            MemorySegment umem,
            MemorySegment rx,
            MemorySegment tx,
            MemorySegment fill,
            MemorySegment completion,
            MemorySegment config) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment result = arena.allocate(ValueLayout.JAVA_LONG);
            NativeException.check(
                    (int) Calls.capturing(
                            SOCKET_CREATE_SHARED,
                            CallState.current(),
                            Calls.pointer(result),
                            Calls.pointer(arena.allocateFrom(interfaceName)),
                            queue,
                            umem.address(),
                            Calls.pointer(rx),
                            Calls.pointer(tx),
                            Calls.pointer(fill),
                            Calls.pointer(completion),
                            Calls.pointer(config)),
                    "xsk_socket__create_shared(ifname=" + interfaceName + ", queue_id=" + queue + ")");
            return MemorySegment.ofAddress(result.get(ValueLayout.JAVA_LONG, 0));
        }
    }

    /** {@code xsk_socket__delete}: unmaps the socket's rings and closes it; the first socket's queue stays bound. */
    public static void socketDelete(MemorySegment socket) {
        var _ = Calls.call(SOCKET_DELETE, socket.address(), 0);
    }

    /** {@code xsk_socket__fd}: the socket's descriptor. */
    public static int socketFd(MemorySegment socket) {
        return NativeException.check((int) Calls.call(SOCKET_FD, socket.address(), 0), "xsk_socket__fd");
    }
}
