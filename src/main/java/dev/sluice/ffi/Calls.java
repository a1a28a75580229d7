package dev.sluice.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Calls of native functions by one linked shape for all: linking a shape spins a dozen classes and more, and a director makes some
 * forty different calls while its clients wait for it to start.
 *
 * <p>Each argument goes as a long in a register of its own. The calling conventions of 64-bit Linux (System V x86-64, AAPCS64,
 * RISC-V, s390x) take a widened int for an int, leave the upper half of an int result to the caller, let a callee ignore registers
 * beyond its parameters, and pass variadic arguments such as those of open and ioctl alike. Functions of more than six parameters, or
 * of other than integers and pointers, are not for this.
 *
 * <p>Any thread. No call is {@code critical}.
 */
final class Calls {
    private static final FunctionDescriptor SHAPE = FunctionDescriptor.of(
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG);
    private static final MethodHandle CAPTURING =
            Linker.nativeLinker().downcallHandle(SHAPE, Linker.Option.captureCallState("errno"));
    // For worker threads as well. A capturing handle slices its state segment at every call, which allocates for as
    // long as the caller is not compiled; this one allocates nothing even when interpreted.
    private static final MethodHandle PLAIN = Linker.nativeLinker().downcallHandle(SHAPE);

    private Calls() {}

    /** A function of one of {@link NativeLibraries#SONAMES}. Throws what the bindings throw where it is missing. */
    static MemorySegment function(String name) {
        for (String soname : NativeLibraries.SONAMES) {
            MemorySegment found = SymbolLookup.libraryLookup(soname, Arena.global())
                    .find(name)
                    .orElse(MemorySegment.NULL);
            if (found.address() != 0) {
                return found;
            }
        }
        throw new UnsatisfiedLinkError("unresolved symbol: " + name);
    }

    /** Calls, with {@code errno} left in a state. */
    static long capturing(MemorySegment function, CallState state, long a, long b, long c, long d, long e, long f) {
        try {
            return (long) CAPTURING.invokeExact(function, state.segment(), a, b, c, d, e, f);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** Calls. Never allocates. */
    static long call(MemorySegment function, long a, long b, long c, long d, long e, long f) {
        try {
            return (long) PLAIN.invokeExact(function, a, b, c, d, e, f);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    static long call(MemorySegment function, long a, long b, long c, long d) {
        return call(function, a, b, c, d, 0, 0);
    }

    static long call(MemorySegment function, long a, long b) {
        return call(function, a, b, 0, 0, 0, 0);
    }

    /** What a pointer to a segment is in C. Who calls keeps the segment reachable until after the call. */
    static long pointer(MemorySegment segment) {
        if (!segment.isNative() || !segment.scope().isAlive()) {
            throw new IllegalArgumentException("not in native memory, or no longer: " + segment);
        }
        return segment.address();
    }

    /** A downcall handle throws only for a wrong call site, which is a bug here and never a state of the system. */
    private static AssertionError impossible(Throwable t) {
        return new AssertionError("downcall failed", t);
    }
}
