package dev.sluice.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Collections;
import java.util.Optional;

/**
 * Calls of native functions by one linked shape for all: linking a shape spins a dozen classes and more, and a director makes some
 * forty different calls while its clients wait for it to start.
 *
 * <p>Each argument goes as a long of its own, the first six in registers. The calling conventions of 64-bit Linux (System V x86-64,
 * AAPCS64, RISC-V, s390x) take a widened int for an int, leave the upper half of an int result to the caller, let a callee ignore
 * what is beyond its parameters, and pass variadic arguments such as those of open and ioctl alike. Functions of more than nine
 * parameters, or of other than integers and pointers, are not for this.
 *
 * <p>Any thread. No call is {@code critical}.
 */
final class Calls {
    private static final MethodHandle CAPTURING =
            Linker.nativeLinker().downcallHandle(shape(9), Linker.Option.captureCallState("errno"));

    /**
     * For worker threads. A capturing handle slices its state segment at every call, which allocates for as long as the caller is
     * not compiled; this one allocates nothing even when interpreted. In a class of its own: nobody waits for it but workers.
     */
    static final class Plain {
        private static final MethodHandle HANDLE = Linker.nativeLinker().downcallHandle(shape(6));

        private Plain() {}

        /** Calls. Never allocates. */
        static long call(MemorySegment function, long a, long b, long c, long d, long e, long f) {
            try {
                return (long) HANDLE.invokeExact(function, a, b, c, d, e, f);
            } catch (Throwable t) {
                throw impossible(t);
            }
        }
    }

    private Calls() {}

    private static FunctionDescriptor shape(int parameters) {
        return FunctionDescriptor.of(
                ValueLayout.JAVA_LONG,
                Collections.nCopies(parameters, ValueLayout.JAVA_LONG).toArray(MemoryLayout[]::new));
    }

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
        return capturing(function, state, a, b, c, d, e, f, 0, 0, 0);
    }

    /** The same with nine arguments. */
    static long capturing(
            MemorySegment function,
            CallState state,
            long a,
            long b,
            long c,
            long d,
            long e,
            long f,
            long g,
            long h,
            long i) {
        try {
            return (long) CAPTURING.invokeExact(function, state.segment(), a, b, c, d, e, f, g, h, i);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** Calls; {@code errno} is of no interest. Not for the hot path. */
    static long call(MemorySegment function, long a, long b, long c, long d, long e, long f) {
        return capturing(function, CallState.current(), a, b, c, d, e, f);
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

    /** The text that a {@code const char *} points to; empty for a null pointer. */
    static Optional<String> text(long address) {
        return address == 0
                ? Optional.empty()
                : Optional.of(MemorySegment.ofAddress(address)
                        .reinterpret(Long.MAX_VALUE)
                        .getString(0));
    }

    /** A downcall handle throws only for a wrong call site, which is a bug here and never a state of the system. */
    private static AssertionError impossible(Throwable t) {
        return new AssertionError("downcall failed", t);
    }
}
