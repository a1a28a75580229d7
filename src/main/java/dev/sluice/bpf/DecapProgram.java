package dev.sluice.bpf;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.Errno;
import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.NativeLog;
import dev.sluice.ffi.generated.Native;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * The decapsulation program of a real server ({@code bpf/decap.bpf.c}): loaded with what it has to know, and then attached to
 * an interface, where it outlives the process. It is attached alone, not through libxdp's dispatcher, so that taking it off
 * leaves nothing behind.
 *
 * <p>Owned by: control. Interfaces are those of the calling thread's network namespace.
 */
public final class DecapProgram implements AutoCloseable {
    /** The program's name in C and in the kernel. */
    public static final String NAME = "sluice_decap";

    /** How many addresses of each kind fit. */
    public static final int MAX_ADDRESSES = 1024;

    private static final String RESOURCE = "/bpf/decap.bpf.o";
    private static final int KEY_BYTES = 20;
    private static final int FAMILY_INET = 2;
    private static final int FAMILY_INET6 = 10;

    private final MemorySegment object;
    private final int fd;

    private DecapProgram(MemorySegment object) {
        this.object = object;
        this.fd = LibBpf.programFd(object, NAME);
    }

    /**
     * Which tunnels end at the program.
     *
     * @param ipip IP in IP, all four combinations of families
     * @param gre GRE without key
     * @param guePort UDP port of GUE; 0 for none
     */
    public record Tunnels(boolean ipip, boolean gre, int guePort) {}

    /**
     * Has the verifier pass the program, and fills its maps.
     *
     * @param vips the destinations inside, at most {@link #MAX_ADDRESSES}
     * @param local the destinations outside, at most {@link #MAX_ADDRESSES}
     * @throws SteeringException when the kernel refuses
     */
    public static DecapProgram load(Collection<IpAddress> vips, Collection<IpAddress> local, Tunnels tunnels) {
        NativeLog.listen();
        MemorySegment object = LibBpf.objectOpen(image(), "decap");
        boolean done = false;
        try (Arena arena = Arena.ofConfined()) {
            LibBpf.objectLoad(object);
            MemorySegment value = arena.allocate(4, 4);
            value.set(ValueLayout.JAVA_BYTE, 0, (byte) (tunnels.ipip() ? 1 : 0));
            value.set(ValueLayout.JAVA_BYTE, 1, (byte) (tunnels.gre() ? 1 : 0));
            value.set(ValueLayout.JAVA_BYTE, 2, (byte) (tunnels.guePort() >>> 8));
            value.set(ValueLayout.JAVA_BYTE, 3, (byte) tunnels.guePort());
            put(object, "decap_tunnels", arena.allocateFrom(ValueLayout.JAVA_INT, 0), value);
            for (IpAddress vip : vips) {
                put(object, "decap_vips", key(arena, vip), arena.allocateFrom(ValueLayout.JAVA_INT, 1));
            }
            for (IpAddress address : local) {
                put(object, "decap_local", key(arena, address), arena.allocateFrom(ValueLayout.JAVA_INT, 1));
            }
            DecapProgram program = new DecapProgram(object);
            done = true;
            return program;
        } catch (NativeException e) {
            String reason = NativeLog.reason()
                    .map(text -> " (the kernel says: " + text + ")")
                    .orElse("");
            throw new SteeringException(
                    "cannot load the XDP program " + NAME + ": " + Errno.describe(e.errno()) + reason, e);
        } finally {
            if (!done) {
                LibBpf.objectClose(object);
            }
        }
    }

    private static byte[] image() {
        try (InputStream in = DecapProgram.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException(RESOURCE + " is not on the class path: the build left it out");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void put(MemorySegment object, String map, MemorySegment key, MemorySegment value) {
        NativeException.check(
                LibBpf.mapUpdate(LibBpf.mapFd(object, map), key, value), "bpf_map_update_elem(" + map + ")");
    }

    /** {@code struct address_key}. */
    private static MemorySegment key(Arena arena, IpAddress address) {
        MemorySegment key = arena.allocate(KEY_BYTES, 4);
        byte[] bytes = address.toBytes();
        MemorySegment.copy(bytes, 0, key, ValueLayout.JAVA_BYTE, 16 - bytes.length, bytes.length);
        key.set(ValueLayout.JAVA_INT, 16, address.family() == AddressFamily.INET ? FAMILY_INET : FAMILY_INET6);
        return key;
    }

    /** The kernel's number of the program, as {@code bpftool prog} shows it. */
    public int id() {
        return LibBpf.programId(fd);
    }

    /** The file descriptor of the loaded program, owned by it: for {@code BPF_PROG_TEST_RUN}. */
    int fd() {
        return fd;
    }

    /**
     * Attaches the program to an interface that has none: natively, where the driver cannot in generic mode.
     *
     * @return {@code NATIVE} or {@code GENERIC}
     * @throws SteeringException when the kernel refuses or another program is there
     */
    public AttachMode attach(String interfaceName) {
        int index = index(interfaceName);
        NativeLog.listen();
        int ifNothingElse = Native.XDP_FLAGS_UPDATE_IF_NOEXIST();
        int error = LibBpf.xdpAttach(index, fd, Native.XDP_FLAGS_DRV_MODE() | ifNothingElse, 0);
        if (error >= 0) {
            return AttachMode.NATIVE;
        }
        if (error != -Native.EBUSY() && error != -Native.EEXIST() && error != -Native.EPERM()) {
            error = LibBpf.xdpAttach(index, fd, Native.XDP_FLAGS_SKB_MODE() | ifNothingElse, 0);
        }
        if (error < 0) {
            throw AttachFailure.explain(interfaceName, AttachMode.GENERIC, error);
        }
        return AttachMode.GENERIC;
    }

    /** Closes the descriptors; an attached program stays attached. */
    @Override
    public void close() {
        LibBpf.objectClose(object);
    }

    /** The XDP programs on an interface, by whomever, each as {@code "name" (id 17)}; empty for none. */
    public static List<String> programsOn(String interfaceName) {
        List<String> texts = new ArrayList<>();
        programs(interfaceName).forEach(program -> texts.add(program.toString()));
        return List.copyOf(texts);
    }

    /** The number of a decapsulation program on an interface. */
    public static OptionalInt idOn(String interfaceName) {
        return programs(interfaceName).stream()
                .filter(program -> program.name().equals(NAME))
                .mapToInt(AttachedPrograms.Program::id)
                .findFirst();
    }

    private static List<AttachedPrograms.Program> programs(String interfaceName) {
        try {
            AttachedPrograms attached = AttachedPrograms.of(index(interfaceName));
            List<AttachedPrograms.Program> all = new ArrayList<>(attached.shared());
            AttachedPrograms.Program single = attached.single();
            if (single != null) {
                all.add(single);
            }
            return all;
        } catch (NativeException e) {
            throw AttachFailure.explain(interfaceName, AttachMode.AUTO, -e.errno());
        }
    }

    /**
     * Takes the program with this number off an interface; nothing happens when another one or none is there.
     *
     * @throws SteeringException when it is still attached
     */
    public static void detach(String interfaceName, int id) {
        int index = index(interfaceName);
        try {
            for (int mode : new int[] {Native.XDP_MODE_NATIVE(), Native.XDP_MODE_SKB()}) {
                if (AttachedPrograms.idInMode(index, mode) != id) {
                    continue;
                }
                int programFd = LibBpf.programFdById(id);
                int error = AttachedPrograms.detach(index, programFd, mode);
                LibC.close(CallState.current(), programFd);
                NativeException.check(error, "bpf_xdp_attach(" + interfaceName + ", -1)");
            }
        } catch (NativeException e) {
            throw new SteeringException(
                    interfaceName + ": cannot detach XDP program \"" + NAME + "\" (id " + id + "): "
                            + Errno.describe(e.errno()) + "; ip link set dev " + interfaceName + " xdp off removes it",
                    e);
        }
    }

    /**
     * Packets by outcome since the program was loaded, summed over all processors.
     *
     * @param id the number of a decapsulation program of any process
     * @throws SteeringException when there is none, or the kernel does not tell
     */
    public static Map<DecapOutcome, Long> counters(int id) {
        CallState state = CallState.current();
        int program = -1;
        int map = -1;
        try (Arena arena = Arena.ofConfined()) {
            program = LibBpf.programFdById(id);
            map = LibBpf.programMapFd(program, "decap_counters");
            int cpus = LibBpf.possibleCpus();
            MemorySegment values = arena.allocate(ValueLayout.JAVA_LONG, cpus);
            Map<DecapOutcome, Long> packets = new EnumMap<>(DecapOutcome.class);
            for (DecapOutcome outcome : DecapOutcome.values()) {
                MemorySegment key = arena.allocateFrom(ValueLayout.JAVA_INT, outcome.index());
                NativeException.check(LibBpf.mapLookup(map, key, values), "bpf_map_lookup_elem(decap_counters)");
                long sum = 0;
                for (int cpu = 0; cpu < cpus; cpu++) {
                    sum += values.getAtIndex(ValueLayout.JAVA_LONG, cpu);
                }
                packets.put(outcome, sum);
            }
            return packets;
        } catch (NativeException e) {
            throw new SteeringException(
                    "cannot read the counters of XDP program " + id + ": " + Errno.describe(e.errno()), e);
        } finally {
            closeIfOpen(state, map);
            closeIfOpen(state, program);
        }
    }

    private static void closeIfOpen(CallState state, int fd) {
        if (fd >= 0) {
            LibC.close(state, fd);
        }
    }

    private static int index(String interfaceName) {
        int index = LibC.ifNameToIndex(CallState.current(), interfaceName);
        if (index < 0) {
            throw new SteeringException(interfaceName + ": no such network interface");
        }
        return index;
    }
}
