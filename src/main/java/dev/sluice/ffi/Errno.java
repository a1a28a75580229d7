package dev.sluice.ffi;

import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;

/** Names and texts of {@code errno} values, as glibc gives them. Any thread. */
public final class Errno {
    private static final MemorySegment STRERROR =
            Linker.nativeLinker().defaultLookup().findOrThrow("strerror");
    private static final MemorySegment STRERRORNAME =
            Linker.nativeLinker().defaultLookup().findOrThrow("strerrorname_np");

    private Errno() {}

    /** The symbolic name, {@code "EPERM"} for 1; {@code "errno 4711"} for a number that has none. */
    public static String name(int errno) {
        return Calls.text(Calls.call(STRERRORNAME, errno, 0)).orElse("errno " + errno);
    }

    /** The text and the name, {@code "Operation not permitted (EPERM)"}. */
    public static String describe(int errno) {
        return Calls.text(Calls.call(STRERROR, errno, 0)).orElse("errno " + errno) + " (" + name(errno) + ")";
    }
}
