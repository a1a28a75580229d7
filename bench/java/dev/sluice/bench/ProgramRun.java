package dev.sluice.bench;

import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.bpf_test_run_opts;
import dev.sluice.ffi.generated.xdp_md;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@code BPF_PROG_TEST_RUN}: a loaded XDP program run on a frame that never was on a wire, or sent on one from here. */
public final class ProgramRun {
    /** The longest frame the kernel takes for one run: a page less headroom and {@code skb_shared_info}. */
    public static final int MAX_FRAME_BYTES = 4096 - 256 - 320;

    private ProgramRun() {}

    /** Runs a program once and returns its verdict. The frame is 14 to {@link #MAX_FRAME_BYTES} bytes long. */
    public static int verdict(int programFd, byte[] frame) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment options = options(arena, frame, 1);
            NativeException.check(
                    LibBpf.programTestRun(programFd, options), "BPF_PROG_TEST_RUN(" + frame.length + " bytes)");
            return bpf_test_run_opts.retval(options);
        }
    }

    /** What a program made of a frame. */
    public static final class Result {
        private final int verdict;
        private final byte[] frame;

        private Result(int verdict, byte[] frame) {
            this.verdict = verdict;
            this.frame = frame;
        }

        /** What it returned. */
        public int verdict() {
            return verdict;
        }

        /** The frame after it. */
        public byte[] frame() {
            return frame.clone();
        }
    }

    /** As {@link #verdict}, for programs that change frames. */
    public static Result run(int programFd, byte[] frame) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment options = options(arena, frame, 1);
            MemorySegment out = arena.allocate(MAX_FRAME_BYTES + 256);
            bpf_test_run_opts.data_out(options, out);
            bpf_test_run_opts.data_size_out(options, (int) out.byteSize());
            NativeException.check(
                    LibBpf.programTestRun(programFd, options), "BPF_PROG_TEST_RUN(" + frame.length + " bytes)");
            byte[] after =
                    out.asSlice(0, bpf_test_run_opts.data_size_out(options)).toArray(ValueLayout.JAVA_BYTE);
            return new Result(bpf_test_run_opts.retval(options), after);
        }
    }

    /**
     * Runs a program on {@code repeat} live frames that came in on queue 0 of an interface; what it returns
     * {@code XDP_TX} for goes out there.
     *
     * @return 0, or {@code -errno}; {@code -EINTR} when a signal cut the run short
     */
    public static int live(int programFd, byte[] frame, int interfaceIndex, int repeat, int batch) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment options = options(arena, frame, repeat);
            MemorySegment context = arena.allocate(xdp_md.layout());
            xdp_md.data_end(context, frame.length);
            xdp_md.ingress_ifindex(context, interfaceIndex);
            bpf_test_run_opts.ctx_in(options, context);
            bpf_test_run_opts.ctx_size_in(options, (int) context.byteSize());
            bpf_test_run_opts.flags(options, Native.BPF_F_TEST_XDP_LIVE_FRAMES());
            bpf_test_run_opts.batch_size(options, batch);
            return LibBpf.programTestRun(programFd, options);
        }
    }

    private static MemorySegment options(Arena arena, byte[] frame, int repeat) {
        MemorySegment options = arena.allocate(bpf_test_run_opts.layout());
        bpf_test_run_opts.sz(options, options.byteSize());
        bpf_test_run_opts.data_in(options, arena.allocateFrom(ValueLayout.JAVA_BYTE, frame));
        bpf_test_run_opts.data_size_in(options, frame.length);
        bpf_test_run_opts.repeat(options, repeat);
        return options;
    }
}
