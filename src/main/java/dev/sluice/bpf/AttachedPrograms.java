package dev.sluice.bpf;

import dev.sluice.ffi.LibXdp;
import dev.sluice.ffi.NativeException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
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

    /** Whether a program with this number is among them. */
    boolean contains(int id) {
        return (single != null && single.id() == id) || shared.stream().anyMatch(program -> program.id() == id);
    }

    /** Takes every steering program off the interface and leaves the others; what was taken off. */
    static List<Program> removeSteering(int interfaceIndex) {
        List<Program> removed = new ArrayList<>();
        // One at a time: taking a program out of a dispatcher puts another dispatcher in its place.
        Program program = of(interfaceIndex).firstSteering();
        while (program != null && !removed.contains(program)) {
            detach(interfaceIndex, program);
            removed.add(program);
            program = of(interfaceIndex).firstSteering();
        }
        return removed;
    }

    private @Nullable Program firstSteering() {
        if (single != null && single.isSteering()) {
            return single;
        }
        return shared.stream().filter(Program::isSteering).findFirst().orElse(null);
    }

    private static void detach(int interfaceIndex, Program program) {
        MemorySegment attached = LibXdp.attached(interfaceIndex);
        if (attached == null) {
            return;
        }
        try {
            String call = "detach(interface " + interfaceIndex + ", program " + program + ")";
            if (LibXdp.attachedIsSingle(attached)) {
                NativeException.check(LibXdp.attachedDetach(attached), call);
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

    private static Program program(MemorySegment program) {
        return new Program(LibXdp.programId(program), LibXdp.programName(program));
    }
}
