package dev.sluice.ffi;

import dev.sluice.ffi.generated.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;

/**
 * Large zeroed memory straight from the kernel, which provides each page when it is first used: unlike an {@link Arena},
 * whose allocations are zeroed at once, it costs nothing before. Any thread may allocate and use it.
 */
public final class PageMemory implements SegmentAllocator, AutoCloseable {
    private static final long PAGE_BYTES = 4096;

    private final Arena arena = Arena.ofShared();

    /** Nothing allocated yet. */
    public PageMemory() {}

    /**
     * Maps whole pages.
     *
     * @param byteAlignment at most a page
     * @throws NativeException when the kernel gives no such memory
     */
    @Override
    public MemorySegment allocate(long byteSize, long byteAlignment) {
        if (byteSize <= 0 || byteAlignment > PAGE_BYTES) {
            throw new IllegalArgumentException(byteSize + " bytes aligned to " + byteAlignment);
        }
        long address = LibC.mmap(
                CallState.current(),
                byteSize,
                Native.PROT_READ() | Native.PROT_WRITE(),
                Native.MAP_PRIVATE() | Native.MAP_ANONYMOUS(),
                -1,
                0);
        NativeException.check(address, "mmap(length=" + byteSize + ")");
        return MemorySegment.ofAddress(address)
                .reinterpret(byteSize, arena, mapping -> LibC.munmap(CallState.current(), mapping, byteSize));
    }

    /** Unmaps everything that was allocated; its segments can no longer be used. */
    @Override
    public void close() {
        arena.close();
    }
}
