package dev.sluice.bpf;

import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.xsk_ring_cons;
import dev.sluice.ffi.generated.xsk_ring_prod;
import dev.sluice.ffi.generated.xsk_socket_config;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** An XSK made by libxdp itself, bound and otherwise unused: something real to redirect to. */
final class TestSocket implements AutoCloseable {
    private static final int UMEM_BYTES = 64 * 4096;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment umem;
    private final MemorySegment socket;

    TestSocket(String interfaceName, int queue) {
        MemorySegment area = arena.allocate(UMEM_BYTES, 4096);
        MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
        MemorySegment fill = arena.allocate(xsk_ring_prod.layout());
        MemorySegment completion = arena.allocate(xsk_ring_cons.layout());
        NativeException.check(
                Native.xsk_umem__create(out, area, UMEM_BYTES, fill, completion, MemorySegment.NULL),
                "xsk_umem__create()");
        umem = out.get(ValueLayout.ADDRESS, 0);
        MemorySegment config = arena.allocate(xsk_socket_config.layout());
        xsk_socket_config.rx_size(config, 64);
        xsk_socket_config.tx_size(config, 64);
        xsk_socket_config.libxdp_flags(config, Native.XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD());
        xsk_socket_config.bind_flags(config, (short) Native.XDP_COPY());
        MemorySegment rx = arena.allocate(xsk_ring_cons.layout());
        MemorySegment tx = arena.allocate(xsk_ring_prod.layout());
        NativeException.check(
                Native.xsk_socket__create(out, arena.allocateFrom(interfaceName), queue, umem, rx, tx, config),
                "xsk_socket__create(" + interfaceName + ", queue=" + queue + ")");
        socket = out.get(ValueLayout.ADDRESS, 0);
    }

    int fd() {
        return Native.xsk_socket__fd(socket);
    }

    @Override
    public void close() {
        Native.xsk_socket__delete(socket);
        Native.xsk_umem__delete(umem);
        arena.close();
    }
}
