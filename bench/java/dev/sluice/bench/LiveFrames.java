package dev.sluice.bench;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * The packet generator: sends frames of many flows out of an interface with XDP live frames, several million a second
 * from one core. {@link LiveFramesMain} is its command line.
 *
 * <p>At a rate the program waits actively for the moment at which a frame is due, so the rate is exact to the length of a
 * batch, and a frame that was late does not delay those after it.
 *
 * <p>Frames leave by the interface's {@code ndo_xdp_xmit}. On a veth that takes a peer with NAPI on: one with an XDP
 * program, or {@code ethtool -K PEER gro on}. Frames that find the peer's ring full are lost, unnoticed here.
 *
 * <p>Owned by one thread, but for {@link #sent()} and {@link #stop()}.
 */
public final class LiveFrames implements Generator {
    private static final String RESOURCE = "/bpf/flood.bpf.o";
    private static final int BATCH = 64;
    /** So long a call may take: a call costs some tens of microseconds by itself, in which no frame is sent. */
    private static final long CALL_NS = 50_000_000;

    private static final int FIRST_CHUNK = 1 << 12;
    private static final int LAST_CHUNK = 1 << 22;
    private static final int CHOICES = 1 << 20;
    private static final int STAMP_BYTES = 8;
    private static final int MAP_SHARED = 1;
    /** As in {@code flood.bpf.c}, where headers of every kind fit. */
    private static final int HEADER_BYTES = 80;

    private static final int TEMPLATE_BYTES = 2 * Integer.BYTES + HEADER_BYTES;

    /** As in {@code flood.bpf.c}. */
    private static final StructLayout CONFIG = MemoryLayout.structLayout(
            ValueLayout.JAVA_INT.withName("flows"),
            ValueLayout.JAVA_INT.withName("source"),
            ValueLayout.JAVA_INT.withName("choices"),
            ValueLayout.JAVA_INT.withName("stamps"),
            ValueLayout.JAVA_INT.withName("kinds"),
            ValueLayout.JAVA_INT.withName("distinct"),
            ValueLayout.JAVA_INT.withName("cycle"),
            MemoryLayout.paddingLayout(Integer.BYTES),
            ValueLayout.JAVA_LONG.withName("start_ns"),
            ValueLayout.JAVA_LONG.withName("interval"),
            ValueLayout.JAVA_LONG.withName("limit"));

    /** How many frames went into the driver, in what time. */
    public record Report(long frames, Duration elapsed) {
        /** Frames a second. */
        public double framesPerSecond() {
            return frames * 1e9 / Math.max(elapsed.toNanos(), 1);
        }
    }

    private final MemorySegment object;
    private final int programFd;
    private final int stateFd;
    private final int interfaceIndex;
    private final byte[] frame;
    private final OfferedTraffic traffic;
    private final boolean isMixed;
    private int choices;
    private volatile boolean isStopped;
    /** Grows when the present run is to end. */
    private volatile int runs;

    private LiveFrames(MemorySegment object, int interfaceIndex, OfferedTraffic traffic) {
        this.object = object;
        this.programFd = LibBpf.programFd(object, "sluice_flood");
        this.stateFd = LibBpf.mapFd(object, "state");
        this.interfaceIndex = interfaceIndex;
        this.traffic = traffic;
        this.frame = longest(traffic);
        this.isMixed = traffic.kinds() > 1 || !traffic.sizes().isOne();
        if (isMixed) {
            templates();
        }
    }

    private static byte[] longest(OfferedTraffic traffic) {
        byte[] longest = new byte[0];
        for (int kind = 0; kind < traffic.kinds(); kind++) {
            byte[] frame = traffic.first(kind, traffic.sizes().longest());
            longest = frame.length > longest.length ? frame : longest;
        }
        return longest;
    }

    /** Writes down what every kind and size of frame begins with, and in which order sizes come. */
    private void templates() {
        List<Integer> sizes = traffic.sizes().distinct();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment key = arena.allocate(ValueLayout.JAVA_INT);
            for (int kind = 0; kind < traffic.kinds(); kind++) {
                for (int size = 0; size < sizes.size(); size++) {
                    byte[] bytes = traffic.first(kind, sizes.get(size));
                    MemorySegment template = arena.allocate(TEMPLATE_BYTES, Integer.BYTES);
                    template.set(ValueLayout.JAVA_INT, 0, bytes.length);
                    template.set(ValueLayout.JAVA_INT, Integer.BYTES, (int)
                            traffic.endsOf(kind).source().low());
                    MemorySegment.copy(
                            MemorySegment.ofArray(bytes),
                            0,
                            template,
                            2 * Integer.BYTES,
                            Math.min(bytes.length, HEADER_BYTES));
                    key.set(ValueLayout.JAVA_INT, 0, kind * sizes.size() + size);
                    update("templates", key, template);
                }
            }
            int[] cycle = traffic.sizes().cycle();
            for (int place = 0; place < cycle.length; place++) {
                key.set(ValueLayout.JAVA_INT, 0, place);
                update("sizes", key, arena.allocateFrom(ValueLayout.JAVA_INT, cycle[place]));
            }
        }
    }

    /** Loads the generator's program. Throws {@link NativeException}, also for an interface that does not exist. */
    public static LiveFrames open(OfferedTraffic traffic) {
        int index = NativeException.check(
                LibC.ifNameToIndex(CallState.current(), traffic.interfaceName()),
                "if_nametoindex(" + traffic.interfaceName() + ")");
        MemorySegment object = load(RESOURCE);
        try {
            return new LiveFrames(object, index, traffic);
        } catch (RuntimeException e) {
            LibBpf.objectClose(object);
            throw e;
        }
    }

    /** Opens and loads an object file from the class path; the caller closes it. */
    public static MemorySegment load(String resource) {
        MemorySegment object = LibBpf.objectOpen(image(resource), "bench");
        try {
            LibBpf.objectLoad(object);
            return object;
        } catch (NativeException e) {
            LibBpf.objectClose(object);
            throw e;
        }
    }

    /** An object file from the class path. */
    static byte[] image(String resource) {
        try (InputStream in = LiveFrames.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException(resource + " is not on the class path: the build makes it");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void choose(int[] flows) {
        if (Integer.bitCount(flows.length) != 1 || flows.length > CHOICES) {
            throw new IllegalArgumentException(
                    "a table of choices has a power of two of entries up to " + CHOICES + ", not " + flows.length);
        }
        long bytes = (long) CHOICES * Long.BYTES;
        CallState state = CallState.current();
        long address = LibC.mmap(
                state, bytes, Native.PROT_READ() | Native.PROT_WRITE(), MAP_SHARED, LibBpf.mapFd(object, "choice"), 0);
        if (address < 0) {
            throw new NativeException("mmap(choice)", (int) -address);
        }
        MemorySegment table = MemorySegment.ofAddress(address).reinterpret(bytes);
        for (int i = 0; i < flows.length; i++) {
            table.setAtIndex(ValueLayout.JAVA_LONG, i, flows[i]);
        }
        NativeException.check(LibC.munmap(state, table, bytes), "munmap(choice)");
        choices = flows.length;
    }

    /** How frames of a run follow each other. */
    public record Pace(long framesPerSecond, boolean stamps, int batch) {
        /** As fast as it goes. */
        public static final Pace FULL = new Pace(0, false, BATCH);

        /** Throws {@link IllegalArgumentException} for stamps without a rate: such frames are never due. */
        public Pace {
            if (framesPerSecond < 0) {
                throw new IllegalArgumentException("a rate must be 0 or more frames a second, not " + framesPerSecond);
            }
            if (stamps && framesPerSecond == 0) {
                throw new IllegalArgumentException("frames with stamps need a rate");
            }
        }

        /** So many a second. */
        public static Pace of(long framesPerSecond) {
            return new Pace(framesPerSecond, false, BATCH);
        }
    }

    /** Sends for so long; {@code framesPerSecond} 0 is as fast as it goes. */
    public Report run(Duration duration, long framesPerSecond) {
        return run(duration, framesPerSecond == 0 ? Pace.FULL : Pace.of(framesPerSecond));
    }

    @Override
    public Report run(Duration duration, Pace pace) {
        if (pace.stamps()) {
            checkStamps();
        }
        boolean isPaced = pace.framesPerSecond() > 0;
        int run = runs;
        long limit = Math.round(pace.framesPerSecond() * (duration.toNanos() / 1e9));
        long before = sent();
        long start = System.nanoTime();
        long end = start + duration.toNanos();
        configure(pace, start, limit);
        long chunk = FIRST_CHUNK;
        long now = start;
        while (now < end && !isStopped && runs == run && (!isPaced || sent() - before < limit)) {
            int error = ProgramRun.live(programFd, frame, interfaceIndex, (int) chunk, pace.batch());
            if (error != -Native.EINTR()) {
                NativeException.check(error, "BPF_PROG_TEST_RUN(live frames, interface " + interfaceIndex + ")");
            }
            long after = System.nanoTime();
            double runNs = Math.max((double) (after - now) / chunk, 1);
            long wantedNs = Math.min(CALL_NS, end - after);
            chunk = Math.clamp((long) (wantedNs / runNs), pace.batch(), Math.min(2 * chunk, LAST_CHUNK));
            now = after;
        }
        return new Report(sent() - before, Duration.ofNanos(System.nanoTime() - start));
    }

    @Override
    public Report send(int frames) {
        long before = sent();
        long start = System.nanoTime();
        configure(Pace.FULL, start, 0);
        int left = frames;
        while (left > 0 && !isStopped) {
            int error = ProgramRun.live(programFd, frame, interfaceIndex, left, Math.min(BATCH, left));
            if (error != -Native.EINTR()) {
                NativeException.check(error, "BPF_PROG_TEST_RUN(live frames, interface " + interfaceIndex + ")");
            }
            left = (int) (frames - (sent() - before));
        }
        return new Report(sent() - before, Duration.ofNanos(System.nanoTime() - start));
    }

    /** Has the present run end within some tens of milliseconds, and no later one. Any thread. */
    @Override
    public synchronized void pause() {
        runs++;
    }

    /** Has a run end within some tens of milliseconds, and every later one at once. Any thread. */
    @Override
    public void stop() {
        isStopped = true;
    }

    @Override
    public long sent() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(ValueLayout.JAVA_LONG, 2);
            NativeException.check(
                    LibBpf.mapLookup(stateFd, arena.allocateFrom(ValueLayout.JAVA_INT, 0), value),
                    "bpf_map_lookup_elem(state)");
            return value.getAtIndex(ValueLayout.JAVA_LONG, 0);
        }
    }

    @Override
    public String command() {
        return "bench/run LiveFramesMain --interface " + traffic.interfaceName() + " --src "
                + traffic.ends().stream().map(each -> each.source().toString()).collect(Collectors.joining(","))
                + " --dst "
                + traffic.ends().stream()
                        .map(each -> each.destination().toString())
                        .collect(Collectors.joining(","))
                + " --port " + traffic.port() + " --protocols "
                + traffic.protocols().stream()
                        .map(each -> each.name().toLowerCase(Locale.ROOT))
                        .collect(Collectors.joining(","))
                + " --flows " + traffic.flows() + " --sizes " + traffic.sizes();
    }

    private void checkStamps() {
        if (!traffic.sizes().isOne()) {
            throw new IllegalArgumentException("frames with stamps have one size, not " + traffic.sizes());
        }
        for (int kind = 0; kind < traffic.kinds(); kind++) {
            int length = traffic.first(kind, traffic.sizes().longest()).length;
            int payload = length - traffic.headerBytes(kind);
            if (length % 2 != 0 || payload < STAMP_BYTES) {
                throw new IllegalArgumentException("a frame with a stamp has an even length and " + STAMP_BYTES
                        + " bytes of payload or more; this one has " + length + " bytes, " + payload
                        + " of them payload");
            }
        }
    }

    private void configure(Pace pace, long startNs, long limit) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment zero = arena.allocateFrom(ValueLayout.JAVA_INT, 0);
            MemorySegment config = arena.allocate(CONFIG);
            set(config, "flows", traffic.flows());
            set(config, "source", (int) traffic.endsOf(0).source().low());
            set(config, "choices", choices);
            set(config, "stamps", pace.stamps() ? 1 : 0);
            if (isMixed) {
                set(config, "kinds", traffic.kinds());
                set(config, "distinct", traffic.sizes().distinct().size());
                set(config, "cycle", traffic.sizes().cycle().length);
            }
            if (pace.framesPerSecond() > 0) {
                // System.nanoTime() reads CLOCK_MONOTONIC, as bpf_ktime_get_ns() does.
                set(config, "start_ns", startNs);
                set(config, "interval", Math.max(Math.round(1e9 * (1 << 16) / pace.framesPerSecond()), 1));
                set(config, "limit", limit);
            }
            MemorySegment state = arena.allocate(ValueLayout.JAVA_LONG, 2);
            state.setAtIndex(ValueLayout.JAVA_LONG, 0, sent());
            update("config", zero, config);
            update("state", zero, state);
        }
    }

    private void update(String map, MemorySegment key, MemorySegment value) {
        NativeException.check(
                LibBpf.mapUpdate(LibBpf.mapFd(object, map), key, value), "bpf_map_update_elem(" + map + ")");
    }

    private static void set(MemorySegment config, String field, int value) {
        config.set(ValueLayout.JAVA_INT, CONFIG.byteOffset(MemoryLayout.PathElement.groupElement(field)), value);
    }

    private static void set(MemorySegment config, String field, long value) {
        config.set(ValueLayout.JAVA_LONG, CONFIG.byteOffset(MemoryLayout.PathElement.groupElement(field)), value);
    }

    /** Unloads the program. */
    @Override
    public void close() {
        LibBpf.objectClose(object);
    }
}
