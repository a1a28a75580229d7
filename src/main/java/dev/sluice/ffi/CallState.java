package dev.sluice.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/**
 * Where a native call that fails leaves its {@code errno}.
 *
 * <p>Owned by one thread: two threads that share one read each other's errors. A caller on the hot path makes one when
 * it starts and keeps it; {@link #current()} serves everything else.
 */
public final class CallState {
    private static final StructLayout LAYOUT = Linker.Option.captureStateLayout();
    private static final long ERRNO_OFFSET = offsetOf("errno");
    private static final ThreadLocal<CallState> CURRENT = ThreadLocal.withInitial(CallState::new);

    private final MemorySegment segment;

    /** What {@code byteOffset} would say, which links half a dozen classes first. */
    private static long offsetOf(String name) {
        long offset = 0;
        for (MemoryLayout member : LAYOUT.memberLayouts()) {
            if (member.name().filter(name::equals).isPresent()) {
                return offset;
            }
            offset += member.byteSize();
        }
        throw new AssertionError("no " + name + " in " + LAYOUT);
    }

    /** Allocates the few bytes off-heap; they live as long as this object is reachable. */
    public CallState() {
        segment = Arena.ofAuto().allocate(LAYOUT);
    }

    /** The state of the calling thread, made at its first use. Not for the hot path: it is a thread-local look-up. */
    public static CallState current() {
        return CURRENT.get();
    }

    /** The {@code errno} of the last failed call that was given this state; meaningless after one that succeeded. */
    public int errno() {
        return segment.get(ValueLayout.JAVA_INT, ERRNO_OFFSET);
    }

    MemorySegment segment() {
        return segment;
    }
}
