package dev.sluice.bpf;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.LibXdp;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What is attached to an interface at one moment, as libxdp tells it: nothing, a single program, or a dispatcher with
 * programs that share the interface.
 *
 * @param single the program when there is one alone
 * @param shared the programs of the dispatcher
 * @param dispatcher whether there is a dispatcher
 * @param mode libxdp's mode, meaningless when nothing is attached
 */
record AttachedPrograms(@Nullable Program single, List<Program> shared, boolean dispatcher, int mode) {
    private static final Path OWN_STATUS = Path.of("/proc/self/status");
    private static final String EFFECTIVE = "CapEff:";
    /** Its bit in linux/capability.h. */
    private static final int CAP_SYS_ADMIN = 21;

    /** A program's number and name in the kernel. */
    record Program(int id, String name) {
        boolean isSteering() {
            return name.equals(SteeringProgram.NAME);
        }

        @Override
        public String toString() {
            return "\"" + name + "\" (id " + id + ")";
        }
    }

    /** Looking into programs of other processes wants {@code CAP_SYS_ADMIN}; finding none does not. */
    static AttachedPrograms of(int interfaceIndex) {
        MemorySegment attached = LibXdp.attached(interfaceIndex);
        if (attached == null) {
            return new AttachedPrograms(null, List.of(), false, 0);
        }
        try {
            int mode = LibXdp.attachedMode(attached);
            MemorySegment main = LibXdp.attachedMain(attached);
            if (LibXdp.attachedIsSingle(attached)) {
                return new AttachedPrograms(main == null ? null : program(main), List.of(), false, mode);
            }
            List<Program> shared = new ArrayList<>();
            MemorySegment next = LibXdp.attachedNext(null, attached);
            while (next != null) {
                shared.add(program(next));
                next = LibXdp.attachedNext(next, attached);
            }
            return new AttachedPrograms(null, List.copyOf(shared), true, mode);
        } finally {
            LibXdp.attachedClose(attached);
        }
    }

    /** The same for those who may not look: an earlier director's program, known by its noted number. */
    static Optional<AttachedPrograms> noted(int interfaceIndex, ProgramNotes notes) {
        for (int mode : new int[] {Native.XDP_MODE_NATIVE(), Native.XDP_MODE_SKB()}) {
            int id = idInMode(interfaceIndex, mode);
            if (id != 0 && notes.holds(id)) {
                return Optional.of(new AttachedPrograms(new Program(id, SteeringProgram.NAME), List.of(), false, mode));
            }
        }
        return Optional.empty();
    }

    /** Whether this process has {@code CAP_SYS_ADMIN}. */
    static boolean mayLookIntoPrograms() {
        try (Stream<String> status = Files.lines(OWN_STATUS)) {
            return status.filter(line -> line.startsWith(EFFECTIVE))
                    .anyMatch(line -> (Long.parseUnsignedLong(
                                                    line.substring(EFFECTIVE.length())
                                                            .strip(),
                                                    16)
                                            >>> CAP_SYS_ADMIN
                                    & 1)
                            != 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The number of the program, or the dispatcher, that is attached in one of libxdp's modes; 0 for none. No privilege. */
    static int idInMode(int interfaceIndex, int mode) {
        return LibBpf.xdpProgramId(interfaceIndex, flag(mode));
    }

    /** The {@code XDP_FLAGS_…} of one of libxdp's modes. */
    static int flag(int mode) {
        return mode == Native.XDP_MODE_NATIVE() ? Native.XDP_FLAGS_DRV_MODE() : Native.XDP_FLAGS_SKB_MODE();
    }

    /** Every steering program there, which a director has left or still uses. */
    List<Program> steering() {
        List<Program> all = new ArrayList<>(shared);
        if (single != null) {
            all.add(single);
        }
        all.removeIf(program -> !program.isSteering());
        return all;
    }

    /** Takes a program off the interface and leaves all others; nothing happens when it is off already. */
    static void detach(int interfaceIndex, Program program) {
        MemorySegment attached = LibXdp.attached(interfaceIndex);
        if (attached == null) {
            return;
        }
        try {
            String call = "detach(interface " + interfaceIndex + ", program " + program + ")";
            if (LibXdp.attachedIsSingle(attached)) {
                int fd = LibBpf.programFdById(program.id());
                NativeException.check(detach(interfaceIndex, fd, LibXdp.attachedMode(attached)), call);
                LibC.close(CallState.current(), fd);
                return;
            }
            MemorySegment next = LibXdp.attachedNext(null, attached);
            while (next != null && LibXdp.programId(next) != program.id()) {
                next = LibXdp.attachedNext(next, attached);
            }
            if (next != null) {
                NativeException.check(LibXdp.programDetach(next, interfaceIndex, LibXdp.attachedMode(attached)), call);
            }
        } finally {
            LibXdp.attachedClose(attached);
        }
    }

    /** Takes a program that is attached alone off, if it is this one: 0, or {@code -errno}. */
    static int detach(int interfaceIndex, int programFd, int mode) {
        return replace(interfaceIndex, -1, programFd, mode);
    }

    /**
     * Puts a program in the place of another that is attached alone, at once for every packet: 0, or {@code -errno}, when
     * nothing has changed.
     *
     * @param programFd -1 for none
     * @param oldProgramFd -1 for whatever is there
     */
    static int replace(int interfaceIndex, int programFd, int oldProgramFd, int mode) {
        return oldProgramFd < 0
                ? LibBpf.xdpAttach(interfaceIndex, programFd, flag(mode), 0)
                : LibBpf.xdpAttach(interfaceIndex, programFd, flag(mode) | Native.XDP_FLAGS_REPLACE(), oldProgramFd);
    }

    private static Program program(MemorySegment program) {
        return new Program(LibXdp.programId(program), LibXdp.programName(program));
    }
}
