package dev.sluice.bench;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * The packet generator: sends frames of many flows out of an interface with XDP live frames, several million a second
 * from one core. {@link LiveFramesMain} is its command line.
 *
 * <p>Frames leave by the interface's {@code ndo_xdp_xmit}. On a veth that takes a peer with NAPI on: one with an XDP
 * program, or {@code ethtool -K PEER gro on}. Frames that find the peer's ring full are lost, unnoticed here.
 *
 * <p>Owned by one thread, but for {@link #sent()}.
 */
public final class LiveFrames implements AutoCloseable {
    private static final String RESOURCE = "/bpf/flood.bpf.o";
    private static final int BATCH = 64;
    /** So many frames a call at full rate: some tens of milliseconds. */
    private static final int FULL_RATE_CHUNK = 1 << 17;

    private static final long PACE_NS = 5_000_000;

    /**
     * What to send.
     *
     * @param interfaceName in the calling thread's network namespace
     * @param sourceMac 48 bits, first octet most significant, as the next
     * @param source of flow 0; 64,000 flows differ in port alone, then the address counts up
     * @param flows how many, at least 1
     * @param frameBytes whole frame without frame check sequence; raised to what the headers need
     */
    public record Traffic(
            String interfaceName,
            long sourceMac,
            long destinationMac,
            IpAddress source,
            IpAddress destination,
            Protocol protocol,
            int port,
            int flows,
            int frameBytes) {
        /** Throws {@link IllegalArgumentException} for traffic that cannot be sent. */
        public Traffic {
            if (flows < 1) {
                throw new IllegalArgumentException("flows must be 1 or more, not " + flows);
            }
            if (protocol == Protocol.SCTP) {
                throw new IllegalArgumentException("the generator sends TCP or UDP, not SCTP");
            }
            if (frameBytes > ProgramRun.MAX_FRAME_BYTES) {
                throw new IllegalArgumentException(
                        "a frame has " + ProgramRun.MAX_FRAME_BYTES + " bytes at most, not " + frameBytes);
            }
        }

        /** The frame that every one sent is a variation of. */
        public byte[] frame() {
            PacketBuilder packet =
                    PacketBuilder.ethernet().macs(sourceMac, destinationMac).ip(source, destination);
            if (protocol == Protocol.TCP) {
                packet.tcp(1024, port);
            } else {
                packet.udp(1024, port);
            }
            int headers = packet.build().length;
            return packet.payloadLength(Math.max(frameBytes - headers, 0)).build();
        }
    }

    /** How many frames went into the driver, in what time. */
    public record Report(long frames, Duration elapsed) {
        /** Frames a second. */
        public double framesPerSecond() {
            return frames * 1e9 / Math.max(elapsed.toNanos(), 1);
        }
    }

    private final MemorySegment object;
    private final int programFd;
    private final int sentFd;
    private final int interfaceIndex;
    private final byte[] frame;

    private LiveFrames(MemorySegment object, int interfaceIndex, byte[] frame) {
        this.object = object;
        this.programFd = LibBpf.programFd(object, "sluice_flood");
        this.sentFd = LibBpf.mapFd(object, "sent");
        this.interfaceIndex = interfaceIndex;
        this.frame = frame;
    }

    /** Loads the generator's program. Throws {@link NativeException}, also for an interface that does not exist. */
    public static LiveFrames open(Traffic traffic) {
        int index = NativeException.check(
                LibC.ifNameToIndex(CallState.current(), traffic.interfaceName()),
                "if_nametoindex(" + traffic.interfaceName() + ")");
        MemorySegment object = load(RESOURCE);
        try (Arena arena = Arena.ofConfined()) {
            IpAddress source = traffic.source();
            MemorySegment config = arena.allocateFrom(ValueLayout.JAVA_INT, traffic.flows(), (int) source.low());
            NativeException.check(
                    LibBpf.mapUpdate(
                            LibBpf.mapFd(object, "config"), arena.allocateFrom(ValueLayout.JAVA_INT, 0), config),
                    "bpf_map_update_elem(config)");
            return new LiveFrames(object, index, traffic.frame());
        } catch (RuntimeException e) {
            LibBpf.objectClose(object);
            throw e;
        }
    }

    /** Opens and loads an object file from the class path; the caller closes it. */
    static MemorySegment load(String resource) {
        byte[] elf;
        try (InputStream in = LiveFrames.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException(resource + " is not on the class path: the build makes it");
            }
            elf = in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        MemorySegment object = LibBpf.objectOpen(elf, "bench");
        try {
            LibBpf.objectLoad(object);
            return object;
        } catch (NativeException e) {
            LibBpf.objectClose(object);
            throw e;
        }
    }

    /** Sends for so long; {@code framesPerSecond} 0 is as fast as it goes. */
    public Report run(Duration duration, long framesPerSecond) {
        long before = sent();
        long start = System.nanoTime();
        long end = start + duration.toNanos();
        long now = start;
        while (now < end) {
            long due = FULL_RATE_CHUNK;
            if (framesPerSecond > 0) {
                long target = (long) (framesPerSecond * ((now - start + PACE_NS) / 1e9));
                due = Math.min(target - (sent() - before), FULL_RATE_CHUNK);
            }
            if (due > 0) {
                send((int) due);
            }
            if (framesPerSecond > 0) {
                LockSupport.parkNanos(Math.min(PACE_NS, end - System.nanoTime()));
            }
            now = System.nanoTime();
        }
        return new Report(sent() - before, Duration.ofNanos(System.nanoTime() - start));
    }

    /** Sends so many frames at once. */
    public Report send(int frames) {
        long before = sent();
        long start = System.nanoTime();
        int left = frames;
        while (left > 0) {
            int error = ProgramRun.live(programFd, frame, interfaceIndex, left, Math.min(BATCH, left));
            if (error != -Native.EINTR()) {
                NativeException.check(error, "BPF_PROG_TEST_RUN(live frames, interface " + interfaceIndex + ")");
            }
            left = (int) (frames - (sent() - before));
        }
        return new Report(sent() - before, Duration.ofNanos(System.nanoTime() - start));
    }

    /** Frames sent since it was opened. Any thread, until it is closed. */
    public long sent() {
        try (Arena arena = Arena.ofConfined()) {
            int cpus = LibBpf.possibleCpus();
            MemorySegment values = arena.allocate(ValueLayout.JAVA_LONG, cpus);
            NativeException.check(
                    LibBpf.mapLookup(sentFd, arena.allocateFrom(ValueLayout.JAVA_INT, 0), values),
                    "bpf_map_lookup_elem(sent)");
            long sum = 0;
            for (int cpu = 0; cpu < cpus; cpu++) {
                sum += values.getAtIndex(ValueLayout.JAVA_LONG, cpu);
            }
            return sum;
        }
    }

    /** Unloads the program. */
    @Override
    public void close() {
        LibBpf.objectClose(object);
    }
}
