package dev.sluice.ffi;

import dev.sluice.ffi.generated.Native;
import java.lang.foreign.MemorySegment;

/** Names and texts of {@code errno} values, as glibc gives them. Any thread. */
public final class Errno {
    private Errno() {}

    /** The symbolic name, {@code "EPERM"} for 1; {@code "errno 4711"} for a number that has none. */
    public static String name(int errno) {
        MemorySegment name = Native.strerrorname_np(errno);
        return name.equals(MemorySegment.NULL) ? "errno " + errno : name.getString(0);
    }

    /** The text and the name, {@code "Operation not permitted (EPERM)"}. */
    public static String describe(int errno) {
        return Native.strerror(errno).getString(0) + " (" + name(errno) + ")";
    }
}
