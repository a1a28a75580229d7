package dev.sluice.bench.net;

import dev.sluice.bench.LiveFrames;
import dev.sluice.ffi.CallState;
import dev.sluice.ffi.Errno;
import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.testing.NetworkNamespace;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.function.LongConsumer;

/** A loaded object of {@code bench/bpf} and the interface its program is attached to, natively. Owned by one thread. */
final class XdpObject implements AutoCloseable {
    private final MemorySegment object;
    private final int programFd;
    private final NetworkNamespace namespace;
    private final int interfaceIndex;

    private XdpObject(MemorySegment object, int programFd, NetworkNamespace namespace, int interfaceIndex) {
        this.object = object;
        this.programFd = programFd;
        this.namespace = namespace;
        this.interfaceIndex = interfaceIndex;
    }

    /** Loads and attaches; {@code prepare} is called with the object in between. */
    static XdpObject attach(String resource, String program, NetworkNamespace namespace, String interfaceName) {
        MemorySegment object = LiveFrames.load(resource);
        try (var _ = namespace.enter()) {
            int index = indexOf(interfaceName);
            int programFd = LibBpf.programFd(object, program);
            NativeException.check(
                    LibBpf.xdpAttach(index, programFd, Native.XDP_FLAGS_DRV_MODE(), -1),
                    "bpf_xdp_attach(" + interfaceName + ")");
            return new XdpObject(object, programFd, namespace, index);
        } catch (RuntimeException e) {
            LibBpf.objectClose(object);
            throw e;
        }
    }

    /**
     * Has an interface of somebody else's transmit live frames: with a program that lets everything pass, where it has none yet.
     * Empty where it has one, which is left alone. Throws {@link IllegalArgumentException} where the driver has no native XDP.
     */
    static Optional<XdpObject> enable(NetworkNamespace namespace, String interfaceName) {
        MemorySegment object = LiveFrames.load("/bpf/pass.bpf.o");
        try (var _ = namespace.enter()) {
            int index = indexOf(interfaceName);
            int programFd = LibBpf.programFd(object, "sluice_pass");
            int flags = Native.XDP_FLAGS_DRV_MODE() | Native.XDP_FLAGS_UPDATE_IF_NOEXIST();
            int result = LibBpf.xdpAttach(index, programFd, flags, -1);
            if (result == -Native.EBUSY() || result == -Native.EEXIST()) {
                LibBpf.objectClose(object);
                return Optional.empty();
            }
            if (result < 0) {
                throw new IllegalArgumentException("--generator ours needs native XDP on " + interfaceName + ", but: "
                        + Errno.describe(-result) + "; pktgen and trafgen do without");
            }
            return Optional.of(new XdpObject(object, programFd, namespace, index));
        } catch (RuntimeException e) {
            LibBpf.objectClose(object);
            throw e;
        }
    }

    /** An interface of the calling thread's namespace. */
    static int indexOf(String interfaceName) {
        return NativeException.check(
                LibC.ifNameToIndex(CallState.current(), interfaceName), "if_nametoindex(" + interfaceName + ")");
    }

    void update(String map, int index, MemorySegment value) {
        try (Arena arena = Arena.ofConfined()) {
            NativeException.check(
                    LibBpf.mapUpdate(LibBpf.mapFd(object, map), arena.allocateFrom(ValueLayout.JAVA_INT, index), value),
                    "bpf_map_update_elem(" + map + ")");
        }
    }

    /** The value of an entry; of a per-CPU map, {@code valueBytes} for each CPU. */
    void lookup(String map, int index, MemorySegment value) {
        try (Arena arena = Arena.ofConfined()) {
            lookup(LibBpf.mapFd(object, map), map, arena.allocateFrom(ValueLayout.JAVA_INT, index), value);
        }
    }

    private static void lookup(int fd, String map, MemorySegment key, MemorySegment value) {
        NativeException.check(LibBpf.mapLookup(fd, key, value), "bpf_map_lookup_elem(" + map + ")");
    }

    /** Sums of the words of a per-CPU entry over all CPUs. */
    long[] sums(String map, int index, int words) {
        int cpus = LibBpf.possibleCpus();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = arena.allocate(ValueLayout.JAVA_LONG, (long) cpus * words);
            lookup(map, index, values);
            long[] sums = new long[words];
            for (int i = 0; i < cpus * words; i++) {
                sums[i % words] += values.getAtIndex(ValueLayout.JAVA_LONG, i);
            }
            return sums;
        }
    }

    /** The sums over all CPUs of a per-CPU map's entries of one word each, in their order. */
    void eachSum(String map, int entries, LongConsumer sums) {
        int cpus = LibBpf.possibleCpus();
        int fd = LibBpf.mapFd(object, map);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment key = arena.allocate(ValueLayout.JAVA_INT);
            MemorySegment values = arena.allocate(ValueLayout.JAVA_LONG, cpus);
            for (int entry = 0; entry < entries; entry++) {
                key.set(ValueLayout.JAVA_INT, 0, entry);
                lookup(fd, map, key, values);
                long sum = 0;
                for (int cpu = 0; cpu < cpus; cpu++) {
                    sum += values.getAtIndex(ValueLayout.JAVA_LONG, cpu);
                }
                sums.accept(sum);
            }
        }
    }

    /** Detaches, and nobody else's program, and unloads. */
    @Override
    public void close() {
        try (var _ = namespace.enter()) {
            NativeException.check(
                    LibBpf.xdpAttach(interfaceIndex, -1, Native.XDP_FLAGS_DRV_MODE(), programFd), "bpf_xdp_detach");
        } finally {
            LibBpf.objectClose(object);
        }
    }
}
