package dev.sluice.bpf;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.Errno;
import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.LibXdp;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.NativeLog;
import dev.sluice.ffi.generated.Native;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The steering program on one interface, from attach to detach.
 *
 * <p>It is attached through libxdp, so that it shares the interface with other XDP programs where the kernel can load
 * libxdp's dispatcher, and stands alone otherwise. The attachment outlives the process: a director that was killed
 * leaves its program behind, without sockets and therefore passing every packet, and the next attach takes it away.
 *
 * <p>Owned by: control.
 */
public final class SteeringProgram implements AutoCloseable {
    /** The program's name in C and in the kernel. */
    public static final String NAME = "sluice_steer";

    /** Behind filters (xdp-filter has 10), ahead of programs that say nothing (libxdp gives them 50). */
    private static final int RUN_PRIORITY = 40;

    private static final String SECTION = "xdp";
    private static final String RESOURCE = "/bpf/steer.bpf.o";

    private final String interfaceName;
    private final int interfaceIndex;
    private final List<String> removedLeftovers;
    private final MemorySegment object;
    private final MemorySegment program;
    private final int programId;
    private final int mode;
    private final boolean dispatcher;
    private boolean attached = true;

    private SteeringProgram(
            String interfaceName,
            int interfaceIndex,
            List<String> removedLeftovers,
            MemorySegment object,
            MemorySegment program,
            AttachedPrograms state) {
        this.interfaceName = interfaceName;
        this.interfaceIndex = interfaceIndex;
        this.removedLeftovers = removedLeftovers;
        this.object = object;
        this.program = program;
        this.programId = LibXdp.programId(program);
        this.mode = state.mode();
        this.dispatcher = state.dispatcher();
    }

    /**
     * Attaches the program to an interface of the calling thread's network namespace. Steering works from the first
     * packet on with what the maps hold by then; so services, sockets and the station address come first. Leftovers of
     * killed directors are removed before; a director that runs must be kept out by other means (its XSKs make binding
     * fail).
     *
     * @throws SteeringException when it cannot be attached, with a line fit for users
     */
    public static SteeringProgram attach(String interfaceName, SteeringMaps maps, AttachMode mode) {
        int index = interfaceIndex(interfaceName);
        BpfFileSystem.mountIfMissing();
        List<String> removed = removeLeftovers(interfaceName);
        AttachedPrograms before = attachedTo(interfaceName, index);
        if (before.single() != null) {
            throw new SteeringException(foreign(interfaceName, before.single().toString()));
        }
        if (mode != AttachMode.GENERIC) {
            int error = -Native.EOPNOTSUPP();
            // A dispatcher that is there decides for both.
            if (!before.dispatcher() || before.mode() == Native.XDP_MODE_NATIVE()) {
                Attempt attempt = tryAttach(interfaceName, index, maps, Native.XDP_MODE_NATIVE(), removed);
                if (attempt instanceof Attempt.Attached(SteeringProgram program)) {
                    return program;
                }
                error = ((Attempt.Failed) attempt).error();
            }
            if (mode == AttachMode.NATIVE || before.mode() == Native.XDP_MODE_NATIVE() || isFinal(error)) {
                throw AttachFailure.explain(interfaceName, AttachMode.NATIVE, error);
            }
        }
        Attempt attempt = tryAttach(interfaceName, index, maps, Native.XDP_MODE_SKB(), removed);
        return switch (attempt) {
            case Attempt.Attached(SteeringProgram program) -> program;
            case Attempt.Failed(int error) -> throw AttachFailure.explain(interfaceName, AttachMode.GENERIC, error);
        };
    }

    /**
     * Removes the steering programs that killed directors left on an interface.
     *
     * @return what was removed, each as {@code "sluice_steer" (id 17)}
     */
    public static List<String> removeLeftovers(String interfaceName) {
        try {
            return AttachedPrograms.removeSteering(interfaceIndex(interfaceName)).stream()
                    .map(AttachedPrograms.Program::toString)
                    .toList();
        } catch (NativeException e) {
            throw new SteeringException(
                    interfaceName + ": cannot remove the XDP program of a director that was killed: "
                            + Errno.describe(e.errno()) + "; ip link set dev " + interfaceName + " xdp off removes it",
                    e);
        }
    }

    private sealed interface Attempt {
        record Attached(SteeringProgram program) implements Attempt {}

        /** With {@code -errno}; what the kernel said is in {@link NativeLog}. */
        record Failed(int error) implements Attempt {}
    }

    private static Attempt tryAttach(
            String interfaceName, int interfaceIndex, SteeringMaps maps, int mode, List<String> removedLeftovers) {
        NativeLog.clear();
        MemorySegment object = LibBpf.objectOpen(image(), "steer");
        MemorySegment program = null;
        boolean done = false;
        try {
            InterfaceMaps own = maps.ofInterface(interfaceName);
            LibBpf.mapReuse(object, "services", maps.servicesFd());
            LibBpf.mapReuse(object, "vips", maps.vipsFd());
            LibBpf.mapReuse(object, "xsks", own.xsksFd());
            LibBpf.mapReuse(object, "counters", own.countersFd());
            LibBpf.mapReuse(object, "link", own.linkFd());
            program = LibXdp.programFromObject(object, SECTION);
            LibXdp.programSetRunPriority(program, RUN_PRIORITY);
            int error = LibXdp.programAttach(program, interfaceIndex, mode);
            if (error < 0) {
                return new Attempt.Failed(error);
            }
            AttachedPrograms state = AttachedPrograms.of(interfaceIndex);
            done = true;
            return new Attempt.Attached(
                    new SteeringProgram(interfaceName, interfaceIndex, removedLeftovers, object, program, state));
        } finally {
            if (!done) {
                if (program != null) {
                    LibXdp.programClose(program);
                }
                LibBpf.objectClose(object);
            }
        }
    }

    /** Errors that generic mode would run into as well. */
    private static boolean isFinal(int error) {
        return error == -Native.EPERM() || error == -Native.EACCES() || error == -Native.ENODEV();
    }

    private static int interfaceIndex(String interfaceName) {
        int index = LibC.ifNameToIndex(CallState.current(), interfaceName);
        if (index < 0) {
            throw new SteeringException(interfaceName + ": no such network interface");
        }
        return index;
    }

    private static AttachedPrograms attachedTo(String interfaceName, int interfaceIndex) {
        try {
            return AttachedPrograms.of(interfaceIndex);
        } catch (NativeException e) {
            throw AttachFailure.explain(interfaceName, AttachMode.AUTO, -e.errno());
        }
    }

    private static String foreign(String interfaceName, String program) {
        return interfaceName + ": XDP program " + program
                + " is attached already and cannot be shared with; remove it with"
                + " \"ip link set dev " + interfaceName + " xdp off\","
                + " or load it through libxdp (xdp-loader) where the kernel can share";
    }

    private static byte[] image() {
        try (InputStream in = SteeringProgram.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException(RESOURCE + " is not on the class path: the build left it out");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The interface it was attached to. */
    public String interfaceName() {
        return interfaceName;
    }

    /** The mode in use: {@code NATIVE} or {@code GENERIC}. */
    public AttachMode mode() {
        return mode == Native.XDP_MODE_NATIVE() ? AttachMode.NATIVE : AttachMode.GENERIC;
    }

    /** Whether it shares the interface through libxdp's dispatcher. */
    public boolean viaDispatcher() {
        return dispatcher;
    }

    /** The kernel's number of the program, as {@code bpftool prog} shows it. */
    public int id() {
        return programId;
    }

    /** The programs of killed directors that attaching took away, each as {@code "sluice_steer" (id 17)}. */
    public List<String> removedLeftovers() {
        return removedLeftovers;
    }

    /** The file descriptor of the loaded program, owned by it: for {@code BPF_PROG_TEST_RUN}. */
    int fd() {
        return LibXdp.programFd(program);
    }

    /**
     * Takes the program off the interface; packets go to the kernel from then on. Nothing happens when it is off
     * already, by an earlier call, with the interface, or by someone else's hand.
     *
     * @throws SteeringException when it is still attached
     */
    public void detach() {
        if (!attached) {
            return;
        }
        NativeLog.clear();
        int error = LibXdp.programDetach(program, interfaceIndex, mode);
        if (error < 0 && isStillAttached()) {
            throw new SteeringException(interfaceName + ": cannot detach XDP program \"" + NAME + "\" (id " + programId
                    + "): " + Errno.describe(-error) + "; ip link set dev " + interfaceName + " xdp off removes it");
        }
        attached = false;
        LibXdp.programClose(program);
        LibBpf.objectClose(object);
    }

    private boolean isStillAttached() {
        try {
            return AttachedPrograms.of(interfaceIndex).contains(programId);
        } catch (NativeException e) {
            // An interface that is gone took its program along.
            return e.errno() != Native.ENODEV();
        }
    }

    /** As {@link #detach()}. */
    @Override
    public void close() {
        detach();
    }
}
