package dev.sluice.bpf;

import dev.sluice.bpf.AttachedPrograms.Program;
import dev.sluice.ffi.CallState;
import dev.sluice.ffi.Errno;
import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.LibXdp;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.NativeLog;
import dev.sluice.ffi.generated.Native;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The steering program on one interface, from attach to leave or detach.
 *
 * <p>It is attached through libxdp, so that it shares the interface with other XDP programs where the kernel can load
 * libxdp's dispatcher, and stands alone otherwise. The attachment outlives the process: what {@link #leave} or a killed
 * director leaves behind keeps steering, to sockets that are not there, and does with packets what {@link
 * InterfaceMaps#setWithoutDirector} said. The next attach takes its place without a packet in between.
 *
 * <p>Owned by: control.
 */
public final class SteeringProgram implements AutoCloseable {
    /** The program's name in C and in the kernel. */
    public static final String NAME = "sluice_steer";

    private final String interfaceName;
    private final int interfaceIndex;
    private final SteeringObject object;
    private final int programId;
    private final int mode;
    private final boolean dispatcher;
    private final List<String> takenOver;
    private boolean open = true;

    private SteeringProgram(
            String interfaceName,
            int interfaceIndex,
            SteeringObject object,
            int programId,
            int mode,
            boolean dispatcher,
            List<Program> takenOver) {
        this.interfaceName = interfaceName;
        this.interfaceIndex = interfaceIndex;
        this.object = object;
        this.programId = programId;
        this.mode = mode;
        this.dispatcher = dispatcher;
        this.takenOver = texts(takenOver);
    }

    /**
     * Attaches the program to an interface of the calling thread's network namespace. Steering works from the first
     * packet on with what the maps hold by then; so services, sockets and the station address come first.
     *
     * <p>What an earlier director left is taken over: without dispatcher its program is replaced in one step, with one it is
     * detached after this one is attached, so no packet for a service of both reaches the kernel. {@link AttachMode#AUTO}
     * keeps the mode it finds then; changing from native to generic or back is the one case with a gap, for the kernel has no
     * both at a time. When that fails, the earlier program is attached again. A director that runs must be kept out by other
     * means (its XSKs make binding fail).
     *
     * @throws SteeringException when it cannot be attached, with a line fit for users; what was attached before still is
     */
    public static SteeringProgram attach(String interfaceName, SteeringMaps maps, AttachMode mode) {
        return attach(interfaceName, maps, mode, ProgramNotes.none());
    }

    /**
     * The same for a director that may lack {@code CAP_SYS_ADMIN}: it then attaches without libxdp, whose dispatcher only that
     * capability can look into, and takes over what is noted. Such a takeover puts the new program in the place of whatever is
     * attached in that moment, for the kernel compares with programs that the caller can open.
     *
     * @param notes where the program's number is noted
     */
    public static SteeringProgram attach(String interfaceName, SteeringMaps maps, AttachMode mode, ProgramNotes notes) {
        try {
            return attachOnce(interfaceName, maps, mode, notes);
        } catch (SteeringException e) {
            if (NativeLog.isListening()) {
                throw e;
            }
            // Once more, for what libraries and kernel have to say about it.
            NativeLog.listen();
            return attachOnce(interfaceName, maps, mode, notes);
        }
    }

    private static SteeringProgram attachOnce(
            String interfaceName, SteeringMaps maps, AttachMode mode, ProgramNotes notes) {
        int index = interfaceIndex(interfaceName);
        BpfFileSystem.mountIfMissing();
        AttachedPrograms before = withoutForeign(interfaceName, index, notes);
        Program single = before.single();
        if (single != null) {
            return takeOver(interfaceName, index, maps, mode, single, before.mode(), notes);
        }
        if (mode != AttachMode.GENERIC) {
            int error = -Native.EOPNOTSUPP();
            // A dispatcher that is there decides for both.
            if (!before.dispatcher() || before.mode() == Native.XDP_MODE_NATIVE()) {
                Attempt attempt = tryAttach(interfaceName, index, maps, Native.XDP_MODE_NATIVE(), before, notes);
                if (attempt instanceof Attempt.Attached(SteeringProgram program)) {
                    return program;
                }
                error = ((Attempt.Failed) attempt).error();
            }
            if (mode == AttachMode.NATIVE || before.mode() == Native.XDP_MODE_NATIVE() || isFinal(error)) {
                throw AttachFailure.explain(interfaceName, AttachMode.NATIVE, error);
            }
        }
        Attempt attempt = tryAttach(interfaceName, index, maps, Native.XDP_MODE_SKB(), before, notes);
        return switch (attempt) {
            case Attempt.Attached(SteeringProgram program) -> program;
            case Attempt.Failed(int error) -> throw AttachFailure.explain(interfaceName, AttachMode.GENERIC, error);
        };
    }

    /**
     * Looks for what would make {@link #attach} fail, and touches nothing.
     *
     * @throws SteeringException when a program that is not a director's is attached alone
     */
    public static void check(String interfaceName, ProgramNotes notes) {
        withoutForeign(interfaceName, interfaceIndex(interfaceName), notes);
    }

    private static AttachedPrograms withoutForeign(String interfaceName, int index, ProgramNotes notes) {
        AttachedPrograms attached = attachedTo(interfaceName, index, notes);
        Program single = attached.single();
        if (single != null && !single.isSteering()) {
            throw new SteeringException(foreign(interfaceName, single.toString()));
        }
        return attached;
    }

    private sealed interface Attempt {
        record Attached(SteeringProgram program) implements Attempt {}

        /** With {@code -errno}; what the kernel said is in {@link NativeLog}. */
        record Failed(int error) implements Attempt {}
    }

    /** By libxdp where it may look into programs, where nothing is attached or a dispatcher. */
    private static Attempt tryAttach(
            String interfaceName, int index, SteeringMaps maps, int mode, AttachedPrograms before, ProgramNotes notes) {
        SteeringObject object = SteeringObject.open(interfaceName, maps);
        boolean done = false;
        try {
            boolean shares = AttachedPrograms.mayLookIntoPrograms();
            int error = shares
                    ? LibXdp.programAttach(object.program(), index, mode)
                    : attachAlone(index, object, mode, notes);
            if (error < 0) {
                return new Attempt.Failed(error);
            }
            int id = LibBpf.programId(object.fd());
            notes.add(id);
            boolean dispatcher = AttachedPrograms.idInMode(index, mode) != id;
            List<Program> earlier = before.steering();
            for (Program program : earlier) {
                AttachedPrograms.detach(index, program);
            }
            done = true;
            return new Attempt.Attached(
                    new SteeringProgram(interfaceName, index, object, id, mode, dispatcher, earlier));
        } finally {
            if (!done) {
                object.close();
            }
        }
    }

    /** Where nothing is attached: 0, or {@code -errno}. */
    private static int attachAlone(int index, SteeringObject object, int mode, ProgramNotes notes) {
        try {
            object.load();
        } catch (NativeException e) {
            return -e.errno();
        }
        // Before it is attached, so that there is no moment in which nobody would know it again.
        notes.add(LibBpf.programId(object.fd()));
        return LibBpf.xdpAttach(
                index, object.fd(), AttachedPrograms.flag(mode) | Native.XDP_FLAGS_UPDATE_IF_NOEXIST(), 0);
    }

    /** In the place of an earlier director's program that is attached alone. */
    private static SteeringProgram takeOver(
            String interfaceName,
            int index,
            SteeringMaps maps,
            AttachMode wanted,
            Program old,
            int oldMode,
            ProgramNotes notes) {
        int mode = switch (wanted) {
            case AUTO -> oldMode;
            case NATIVE -> Native.XDP_MODE_NATIVE();
            case GENERIC -> Native.XDP_MODE_SKB();
        };
        SteeringObject object = SteeringObject.open(interfaceName, maps);
        boolean done = false;
        int oldFd = -1;
        try {
            object.load();
            notes.add(LibBpf.programId(object.fd()));
            oldFd = AttachedPrograms.mayLookIntoPrograms() ? LibBpf.programFdById(old.id()) : -1;
            if (oldFd < 0 && mode != oldMode) {
                throw new SteeringException(interfaceName + ": changing an earlier director's XDP program " + old
                        + " between native and generic mode needs CAP_SYS_ADMIN; as root, \"sluice release --interface "
                        + interfaceName + "\" removes it");
            }
            int error = mode == oldMode
                    ? AttachedPrograms.replace(index, object.fd(), oldFd, mode)
                    : changeMode(index, object.fd(), mode, oldFd, oldMode);
            if (error < 0) {
                throw AttachFailure.explain(
                        interfaceName,
                        mode == Native.XDP_MODE_NATIVE() ? AttachMode.NATIVE : AttachMode.GENERIC,
                        error);
            }
            int id = AttachedPrograms.idInMode(index, mode);
            done = true;
            return new SteeringProgram(interfaceName, index, object, id, mode, false, List.of(old));
        } catch (NativeException e) {
            throw AttachFailure.explain(interfaceName, wanted, -e.errno());
        } finally {
            if (oldFd >= 0) {
                LibC.close(CallState.current(), oldFd);
            }
            if (!done) {
                object.close();
            }
        }
    }

    private static int changeMode(int index, int fd, int mode, int oldFd, int oldMode) {
        int error = AttachedPrograms.detach(index, oldFd, oldMode);
        if (error < 0) {
            return error;
        }
        int ifNothingElse = Native.XDP_FLAGS_UPDATE_IF_NOEXIST();
        error = LibBpf.xdpAttach(index, fd, AttachedPrograms.flag(mode) | ifNothingElse, 0);
        if (error < 0) {
            LibBpf.xdpAttach(index, oldFd, AttachedPrograms.flag(oldMode) | ifNothingElse, 0);
        }
        return error;
    }

    /**
     * Removes the steering programs that earlier directors left on an interface.
     *
     * @return what was removed, each as {@code "sluice_steer" (id 17)}
     * @throws SteeringException when one is still there
     */
    public static List<String> removeLeftovers(String interfaceName) {
        int index = interfaceIndex(interfaceName);
        try {
            List<Program> leftovers = AttachedPrograms.of(index).steering();
            leftovers.forEach(program -> AttachedPrograms.detach(index, program));
            return texts(leftovers);
        } catch (NativeException e) {
            throw new SteeringException(
                    interfaceName + ": cannot remove the XDP program of an earlier director: "
                            + Errno.describe(e.errno()) + "; ip link set dev " + interfaceName + " xdp off removes it",
                    e);
        }
    }

    /** The steering programs on an interface, each as {@code "sluice_steer" (id 17)}. */
    public static List<String> on(String interfaceName) {
        return texts(attachedTo(interfaceName, interfaceIndex(interfaceName), ProgramNotes.none())
                .steering());
    }

    private static List<String> texts(List<Program> programs) {
        List<String> texts = new ArrayList<>();
        programs.forEach(program -> texts.add(program.toString()));
        return List.copyOf(texts);
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

    static AttachedPrograms attachedTo(String interfaceName, int interfaceIndex, ProgramNotes notes) {
        try {
            return AttachedPrograms.of(interfaceIndex);
        } catch (NativeException e) {
            if (e.errno() == Native.EPERM()) {
                Optional<AttachedPrograms> noted = AttachedPrograms.noted(interfaceIndex, notes);
                if (noted.isPresent()) {
                    return noted.get();
                }
                throw new SteeringException(
                        interfaceName
                                + ": an XDP program is attached already that this director did not note, and without"
                                + " CAP_SYS_ADMIN the kernel does not tell whose it is; as root, \"sluice release --interface "
                                + interfaceName
                                + "\" removes that of an earlier director",
                        e);
            }
            throw AttachFailure.explain(interfaceName, AttachMode.AUTO, -e.errno());
        }
    }

    private static String foreign(String interfaceName, String program) {
        return interfaceName + ": XDP program " + program
                + " is attached already and cannot be shared with; remove it with"
                + " \"ip link set dev " + interfaceName + " xdp off\","
                + " or load it through libxdp (xdp-loader) where the kernel can share";
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

    /** The programs of earlier directors whose place it took, each as {@code "sluice_steer" (id 17)}. */
    public List<String> takenOver() {
        return takenOver;
    }

    /** The file descriptor of the loaded program, owned by it: for {@code BPF_PROG_TEST_RUN}. */
    int fd() {
        return object.fd();
    }

    /**
     * Takes the program off the interface; packets go to the kernel from then on. Nothing happens when it is off
     * already, by an earlier call, with the interface, or by someone else's hand, and after {@link #leave}.
     *
     * @throws SteeringException when it is still attached
     */
    public void detach() {
        if (!open) {
            return;
        }
        int error = dispatcher
                ? LibXdp.programDetach(object.program(), interfaceIndex, mode)
                : AttachedPrograms.detach(interfaceIndex, fd(), mode);
        if (error < 0 && isStillAttached()) {
            throw new SteeringException(interfaceName + ": cannot detach XDP program \"" + NAME + "\" (id " + programId
                    + "): " + Errno.describe(-error) + "; ip link set dev " + interfaceName + " xdp off removes it");
        }
        leave();
    }

    /**
     * Closes the descriptors and leaves the program attached: it goes on with the maps as they are. Nothing happens after an
     * earlier call or {@link #detach}.
     */
    public void leave() {
        if (open) {
            open = false;
            object.close();
        }
    }

    private boolean isStillAttached() {
        try {
            if (!dispatcher) {
                return AttachedPrograms.idInMode(interfaceIndex, mode) == programId;
            }
            return AttachedPrograms.of(interfaceIndex).steering().stream()
                    .anyMatch(program -> program.id() == programId);
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
