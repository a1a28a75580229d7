package dev.sluice.bench;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;

/**
 * Sends given frames as they are, one after the other and again from the first, with XDP live frames. {@link ReplayMain} is its
 * command line. What {@link LiveFrames} says of interfaces holds here, too.
 *
 * <p>Owned by one thread.
 */
public final class FrameReplay implements AutoCloseable {
    private static final String RESOURCE = "/bpf/replay.bpf.o";
    private static final int MAX_FRAME_BYTES = 2040;
    private static final int MAX_FRAMES = 1 << 17;
    private static final int BATCH = 64;
    private static final int CHUNK = 1 << 14;

    private final MemorySegment object;
    private final int framesFd;
    private final int interfaceIndex;
    private final byte[] longest;
    private final int frames;

    private FrameReplay(MemorySegment object, int framesFd, int interfaceIndex, byte[] longest, int frames) {
        this.object = object;
        this.framesFd = framesFd;
        this.interfaceIndex = interfaceIndex;
        this.longest = longest;
        this.frames = frames;
    }

    /**
     * Loads frames. Throws {@link IllegalArgumentException} for too many or too long ones, {@link NativeException} also for an
     * interface that does not exist.
     *
     * @param interfaceName in the calling thread's network namespace
     */
    public static FrameReplay open(String interfaceName, List<byte[]> frames) {
        int index = NativeException.check(
                LibC.ifNameToIndex(CallState.current(), interfaceName), "if_nametoindex(" + interfaceName + ")");
        if (frames.isEmpty() || frames.size() > MAX_FRAMES) {
            throw new IllegalArgumentException("1 to " + MAX_FRAMES + " frames can be sent, not " + frames.size()
                    + "; cut the capture with editcap");
        }
        byte[] longest = frames.getFirst();
        for (int i = 0; i < frames.size(); i++) {
            int length = frames.get(i).length;
            if (length < 14 || length > MAX_FRAME_BYTES) {
                throw new IllegalArgumentException(
                        "frame " + (i + 1) + " has " + length + " bytes; 14 to " + MAX_FRAME_BYTES + " can be sent");
            }
            longest = length > longest.length ? frames.get(i) : longest;
        }
        int fd = LibBpf.mapCreate(
                Native.BPF_MAP_TYPE_ARRAY(), "frames", Integer.BYTES, Long.BYTES + MAX_FRAME_BYTES, frames.size(), 0);
        MemorySegment object = MemorySegment.NULL;
        try {
            fill(fd, frames);
            object = LibBpf.objectOpen(LiveFrames.image(RESOURCE), "bench");
            LibBpf.mapReuse(object, "frames", fd);
            LibBpf.objectLoad(object);
            return new FrameReplay(object, fd, index, longest, frames.size());
        } catch (RuntimeException e) {
            if (object.address() != 0) {
                LibBpf.objectClose(object);
            }
            LibC.close(CallState.current(), fd);
            throw e;
        }
    }

    private static void fill(int fd, List<byte[]> frames) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment key = arena.allocate(ValueLayout.JAVA_INT);
            MemorySegment value = arena.allocate(Long.BYTES + MAX_FRAME_BYTES, Long.BYTES);
            for (int i = 0; i < frames.size(); i++) {
                byte[] frame = frames.get(i);
                key.set(ValueLayout.JAVA_INT, 0, i);
                value.set(ValueLayout.JAVA_LONG, 0, frame.length);
                MemorySegment.copy(frame, 0, value, ValueLayout.JAVA_BYTE, Long.BYTES, frame.length);
                NativeException.check(LibBpf.mapUpdate(fd, key, value), "bpf_map_update_elem(frames)");
            }
        }
    }

    /**
     * Sends so many frames within the time.
     *
     * @param count at most so many; {@link Long#MAX_VALUE} for as many as the time allows
     * @param framesPerSecond 0 is as fast as it goes
     */
    public LiveFrames.Report run(Duration duration, long count, long framesPerSecond) {
        long start = System.nanoTime();
        long end = start + duration.toNanos();
        long limit = framesPerSecond == 0
                ? count
                : Math.min(count, Math.round(framesPerSecond * (duration.toNanos() / 1e9)));
        long before = state(0);
        configure(before, start, limit, framesPerSecond);
        while (System.nanoTime() < end && state(1) < limit) {
            int repeat = Math.clamp(limit - state(1), 1, CHUNK);
            int error = ProgramRun.live(
                    LibBpf.programFd(object, "sluice_replay"),
                    longest,
                    interfaceIndex,
                    repeat,
                    Math.min(BATCH, repeat));
            if (error != -Native.EINTR()) {
                NativeException.check(error, "BPF_PROG_TEST_RUN(live frames, interface " + interfaceIndex + ")");
            }
        }
        return new LiveFrames.Report(state(0) - before, Duration.ofNanos(System.nanoTime() - start));
    }

    private long state(int word) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(ValueLayout.JAVA_LONG, 2);
            NativeException.check(
                    LibBpf.mapLookup(LibBpf.mapFd(object, "state"), arena.allocateFrom(ValueLayout.JAVA_INT, 0), value),
                    "bpf_map_lookup_elem(state)");
            return value.getAtIndex(ValueLayout.JAVA_LONG, word);
        }
    }

    private void configure(long sent, long startNs, long limit, long framesPerSecond) {
        long interval = framesPerSecond == 0 ? 0 : Math.max(Math.round(1e9 * (1 << 16) / framesPerSecond), 1);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment zero = arena.allocateFrom(ValueLayout.JAVA_INT, 0);
            update("config", zero, arena.allocateFrom(ValueLayout.JAVA_LONG, frames, startNs, interval, limit));
            update("state", zero, arena.allocateFrom(ValueLayout.JAVA_LONG, sent, 0));
        }
    }

    private void update(String map, MemorySegment key, MemorySegment value) {
        NativeException.check(
                LibBpf.mapUpdate(LibBpf.mapFd(object, map), key, value), "bpf_map_update_elem(" + map + ")");
    }

    /** Unloads the program. */
    @Override
    public void close() {
        LibBpf.objectClose(object);
        LibC.close(CallState.current(), framesFd);
    }
}
