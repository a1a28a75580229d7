package dev.sluice.xsk;

import dev.sluice.ffi.generated.xsk_ring_prod;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Access to libxdp's {@code struct xsk_ring_prod} and {@code struct xsk_ring_cons}, which one macro defines alike
 * (xdp/xsk.h). Java takes the addresses from it and keeps indices of its own; libxdp's cached ones go unused.
 */
final class RingStruct {
    private RingStruct() {}

    /** A zeroed struct for libxdp to fill in. */
    static MemorySegment allocate(Arena arena) {
        return arena.allocate(xsk_ring_prod.layout());
    }

    static long producer(MemorySegment ring) {
        return xsk_ring_prod.producer(ring).address();
    }

    static long consumer(MemorySegment ring) {
        return xsk_ring_prod.consumer(ring).address();
    }

    static long flags(MemorySegment ring) {
        return xsk_ring_prod.flags(ring).address();
    }

    static long entries(MemorySegment ring) {
        return xsk_ring_prod.ring(ring).address();
    }

    static int size(MemorySegment ring) {
        return xsk_ring_prod.size(ring);
    }
}
