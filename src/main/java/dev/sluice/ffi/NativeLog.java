package dev.sluice.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Keeps what libbpf and libxdp would print to standard error from it, and the last lines of it for whoever has to explain a failure
 * and has said so by {@link #listen} before: a function of Java's that C can call is dear, and most starts do not fail. One for
 * the process. Any thread.
 */
public final class NativeLog {
    private static final int LINES_KEPT = 50;
    private static final int LEVEL_INFO = 1;
    private static final String KERNEL_MESSAGE = "Kernel error message: ";

    private static final MemorySegment VASPRINTF =
            Linker.nativeLinker().defaultLookup().findOrThrow("vasprintf");
    private static final MemorySegment FREE =
            Linker.nativeLinker().defaultLookup().findOrThrow("free");

    private static final Deque<String> LINES = new ArrayDeque<>(LINES_KEPT);
    private static boolean listening;

    static {
        setPrinter(0);
    }

    private NativeLog() {}

    /** Makes sure that nothing is printed; the work is done once, by the class initializer. */
    static void silence() {}

    /** Whether {@link #listen} has been called. */
    public static synchronized boolean isListening() {
        return listening;
    }

    /** Forgets everything, and listens from now on: to be called before the call whose failure is to be explained. */
    public static synchronized void listen() {
        LINES.clear();
        if (!listening) {
            setPrinter(printer().address());
            listening = true;
        }
    }

    private static void setPrinter(long printer) {
        // Both return the printer before, of no use here.
        var _ = Calls.call(Calls.function("libbpf_set_print"), printer, 0);
        var _ = Calls.call(Calls.function("libxdp_set_print"), printer, 0);
    }

    private static MemorySegment printer() {
        try {
            MethodHandle print = MethodHandles.lookup()
                    .findStatic(
                            NativeLog.class,
                            "print",
                            MethodType.methodType(int.class, int.class, MemorySegment.class, MemorySegment.class));
            // A va_list parameter is a pointer in both ABIs that matter: to a register save area on x86-64, to the
            // caller's copy of the structure on aarch64.
            return Linker.nativeLinker()
                    .upcallStub(
                            print,
                            FunctionDescriptor.of(
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.ADDRESS,
                                    ValueLayout.ADDRESS),
                            Arena.global());
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(e.getMessage(), e);
        }
    }

    /** Called by the libraries. An exception that left it would end the JVM. */
    @SuppressWarnings({"UnusedMethod", "CatchAndPrintStackTrace"}) // called through the upcall stub
    private static int print(int level, MemorySegment format, MemorySegment arguments) {
        if (level > LEVEL_INFO) {
            return 0;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            int length = (int) Calls.call(VASPRINTF, Calls.pointer(out), format.address(), arguments.address(), 0);
            if (length < 0) {
                return 0;
            }
            MemorySegment text = out.get(ValueLayout.ADDRESS, 0);
            try {
                keep(text.reinterpret(length + 1L).getString(0));
            } finally {
                var _ = Calls.call(FREE, text.address(), 0);
            }
            return length;
        } catch (Throwable t) {
            return 0;
        }
    }

    private static synchronized void keep(String text) {
        text.lines().map(String::strip).filter(line -> !line.isEmpty()).forEach(line -> {
            if (LINES.size() == LINES_KEPT) {
                LINES.removeFirst();
            }
            LINES.addLast(line);
        });
    }

    /** The last lines of warnings and information, oldest first. */
    public static synchronized List<String> lines() {
        return List.copyOf(LINES);
    }

    /**
     * The one line that says most about the last failure: the kernel's own message (netlink extended acknowledgement)
     * where there is one, otherwise what the verifier said last.
     */
    public static synchronized Optional<String> reason() {
        String previous = "";
        String verifier = "";
        String kernel = "";
        for (String line : LINES) {
            int at = line.indexOf(KERNEL_MESSAGE);
            if (at >= 0) {
                kernel = line.substring(at + KERNEL_MESSAGE.length());
            } else if (line.startsWith("processed ") && line.contains(" insns ")) {
                verifier = previous;
            }
            if (!line.startsWith("verification time ") && !line.startsWith("stack depth ")) {
                previous = line;
            }
        }
        return Optional.of(kernel.isEmpty() ? verifier : kernel).filter(text -> !text.isEmpty());
    }
}
