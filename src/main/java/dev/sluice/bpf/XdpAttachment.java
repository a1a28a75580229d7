package dev.sluice.bpf;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import java.util.ArrayList;
import java.util.List;

/**
 * Which XDP programs an interface has at one moment, for those who only look.
 *
 * @param programs every program, in the order in which a dispatcher calls them
 * @param dispatcher whether libxdp's dispatcher calls them
 * @param nativeMode whether they run in the driver; meaningless without a program
 */
public record XdpAttachment(List<Program> programs, boolean dispatcher, boolean nativeMode) {
    /**
     * A program.
     *
     * @param id its number in the kernel
     * @param name its name in the kernel
     */
    public record Program(int id, String name) {
        /** Whether it is, by its name, Sluice's steering program. */
        public boolean isSteering() {
            return name.equals(SteeringProgram.NAME);
        }

        /** As {@code "xdp_filter" (id 17)}. */
        @Override
        public String toString() {
            return "\"" + name + "\" (id " + id + ")";
        }
    }

    /**
     * What is attached to an interface of the calling thread's network namespace.
     *
     * @throws NativeException when there is no such interface
     * @throws SteeringException when the programs of others may not be looked at: that needs {@code CAP_SYS_ADMIN}
     */
    public static XdpAttachment of(String interfaceName) {
        int index = NativeException.check(
                LibC.ifNameToIndex(CallState.current(), interfaceName), "if_nametoindex(" + interfaceName + ")");
        AttachedPrograms attached = SteeringProgram.attachedTo(interfaceName, index, ProgramNotes.none());
        List<Program> programs = new ArrayList<>();
        attached.shared().forEach(program -> programs.add(new Program(program.id(), program.name())));
        AttachedPrograms.Program single = attached.single();
        if (single != null) {
            programs.add(new Program(single.id(), single.name()));
        }
        return new XdpAttachment(
                List.copyOf(programs), attached.dispatcher(), attached.mode() == Native.XDP_MODE_NATIVE());
    }

    /** Whether the steering program is among them. */
    public boolean isSteering() {
        return programs.stream().anyMatch(Program::isSteering);
    }
}
