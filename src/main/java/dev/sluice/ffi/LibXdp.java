package dev.sluice.ffi;

import dev.sluice.ffi.generated.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The calls of libxdp that attach XDP programs and tell what is attached. Interfaces are those of the calling thread's
 * network namespace. Failures are {@link NativeException}s, except where a return value is said to be {@code -errno}.
 * Not thread-safe: one control thread.
 */
public final class LibXdp {
    private static final MemorySegment FROM_OBJECT = Calls.function("xdp_program__from_bpf_obj");
    private static final MemorySegment CLOSE = Calls.function("xdp_program__close");
    private static final MemorySegment SET_RUN_PRIO = Calls.function("xdp_program__set_run_prio");
    private static final MemorySegment ATTACH = Calls.function("xdp_program__attach");
    private static final MemorySegment DETACH = Calls.function("xdp_program__detach");
    private static final MemorySegment ID = Calls.function("xdp_program__id");
    private static final MemorySegment FD = Calls.function("xdp_program__fd");
    private static final MemorySegment GET_FROM_IFINDEX = Calls.function("xdp_multiprog__get_from_ifindex");
    private static final MemorySegment NAME = Calls.function("xdp_program__name");
    private static final MemorySegment MULTIPROG_CLOSE = Calls.function("xdp_multiprog__close");
    private static final MemorySegment MULTIPROG_DETACH = Calls.function("xdp_multiprog__detach");
    private static final MemorySegment IS_LEGACY = Calls.function("xdp_multiprog__is_legacy");
    private static final MemorySegment ATTACH_MODE = Calls.function("xdp_multiprog__attach_mode");
    private static final MemorySegment MAIN_PROG = Calls.function("xdp_multiprog__main_prog");
    private static final MemorySegment NEXT_PROG = Calls.function("xdp_multiprog__next_prog");
    private static final MemorySegment GET_ERROR = Calls.function("libxdp_get_error");

    static {
        NativeLog.silence();
    }

    private LibXdp() {}

    /** {@code xdp_program__from_bpf_obj}: the program of a section; the object stays the caller's. */
    public static MemorySegment programFromObject(MemorySegment object, String section) {
        try (Arena arena = Arena.ofConfined()) {
            return checkPointer(
                    MemorySegment.ofAddress(
                            Calls.call(FROM_OBJECT, object.address(), Calls.pointer(arena.allocateFrom(section)))),
                    "xdp_program__from_bpf_obj(section=" + section + ")");
        }
    }

    /** {@code xdp_program__close}: frees the handle; an attached program stays attached. */
    public static void programClose(MemorySegment program) {
        var _ = Calls.call(CLOSE, program.address(), 0);
    }

    /** {@code xdp_program__set_run_prio}: among programs of one dispatcher, lower runs first; 50 is libxdp's default. */
    public static void programSetRunPriority(MemorySegment program, int priority) {
        NativeException.check(
                (int) Calls.call(SET_RUN_PRIO, program.address(), priority),
                "xdp_program__set_run_prio(" + priority + ")");
    }

    /** {@code xdp_program__attach} in an {@code XDP_MODE_…}: 0, or {@code -errno}. Loads the object where it must. */
    public static int programAttach(MemorySegment program, int interfaceIndex, int mode) {
        return (int) Calls.call(ATTACH, program.address(), interfaceIndex, mode, 0);
    }

    /** {@code xdp_program__detach} in an {@code XDP_MODE_…}: 0, or {@code -errno}. */
    public static int programDetach(MemorySegment program, int interfaceIndex, int mode) {
        return (int) Calls.call(DETACH, program.address(), interfaceIndex, mode, 0);
    }

    /** {@code xdp_program__name}: cut to 15 characters where the kernel is all that remembers it. */
    public static String programName(MemorySegment program) {
        return Calls.text(Calls.call(NAME, program.address(), 0)).orElse("");
    }

    /** {@code xdp_program__id}: the kernel's number of a loaded program. */
    public static int programId(MemorySegment program) {
        return (int) Calls.call(ID, program.address(), 0);
    }

    /** {@code xdp_program__fd}: of a loaded program; it belongs to the program. */
    public static int programFd(MemorySegment program) {
        return NativeException.check((int) Calls.call(FD, program.address(), 0), "xdp_program__fd()");
    }

    /**
     * {@code xdp_multiprog__get_from_ifindex}: what is attached to an interface, {@code null} when nothing is. The
     * caller ends it with {@link #attachedClose}; the programs in it belong to it.
     */
    public static @Nullable MemorySegment attached(int interfaceIndex) {
        MemorySegment result = MemorySegment.ofAddress(Calls.call(GET_FROM_IFINDEX, interfaceIndex, 0));
        long error = Calls.call(GET_ERROR, result.address(), 0);
        if (error == -Native.ENOENT()) {
            return null;
        }
        return checkPointer(result, "xdp_multiprog__get_from_ifindex(" + interfaceIndex + ")");
    }

    /** {@code xdp_multiprog__close}. */
    public static void attachedClose(MemorySegment attached) {
        var _ = Calls.call(MULTIPROG_CLOSE, attached.address(), 0);
    }

    /** {@code xdp_multiprog__is_legacy}: true for a single program, false for libxdp's dispatcher with its programs. */
    public static boolean attachedIsSingle(MemorySegment attached) {
        // A bool is a byte; what is above it in the register has no meaning.
        return (byte) Calls.call(IS_LEGACY, attached.address(), 0) != 0;
    }

    /** {@code xdp_multiprog__attach_mode}: an {@code XDP_MODE_…}. */
    public static int attachedMode(MemorySegment attached) {
        return (int) Calls.call(ATTACH_MODE, attached.address(), 0);
    }

    /** {@code xdp_multiprog__main_prog}: the single program or the dispatcher; {@code null} when only hardware has one. */
    public static @Nullable MemorySegment attachedMain(MemorySegment attached) {
        long program = Calls.call(MAIN_PROG, attached.address(), 0);
        return program == 0 ? null : MemorySegment.ofAddress(program);
    }

    /** {@code xdp_multiprog__next_prog}: walks a dispatcher's programs, from {@code null} to {@code null}. */
    public static @Nullable MemorySegment attachedNext(@Nullable MemorySegment program, MemorySegment attached) {
        long next = Calls.call(NEXT_PROG, program == null ? 0 : program.address(), attached.address());
        return next == 0 ? null : MemorySegment.ofAddress(next);
    }

    /** {@code xdp_multiprog__detach}: takes everything off the interface: 0, or {@code -errno}. */
    public static int attachedDetach(MemorySegment attached) {
        return (int) Calls.call(MULTIPROG_DETACH, attached.address(), 0);
    }

    private static MemorySegment checkPointer(MemorySegment pointer, String call) {
        long error = Calls.call(GET_ERROR, pointer.address(), 0);
        if (error < 0 || pointer.address() == 0) {
            throw new NativeException(call, error < 0 ? (int) -error : Native.EINVAL());
        }
        return pointer;
    }
}
