package dev.sluice.xsk;

import dev.sluice.ffi.generated.xsk_ring_prod;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

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
        return pointer(ring, xsk_ring_prod.producer$offset());
    }

    static long consumer(MemorySegment ring) {
        return pointer(ring, xsk_ring_prod.consumer$offset());
    }

    static long flags(MemorySegment ring) {
        return pointer(ring, xsk_ring_prod.flags$offset());
    }

    static long entries(MemorySegment ring) {
        return pointer(ring, xsk_ring_prod.ring$offset());
    }

    /** A pointer's value: all that is wanted of it, and cheaper to begin with than a segment. */
    private static long pointer(MemorySegment ring, long offset) {
        return ring.get(ValueLayout.JAVA_LONG, offset);
    }

    static int size(MemorySegment ring) {
        return xsk_ring_prod.size(ring);
    }
}
