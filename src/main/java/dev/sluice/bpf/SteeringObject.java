package dev.sluice.bpf;

import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.LibXdp;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The compiled steering program with one interface's maps: opened, and then loaded either by {@link #load} or by libxdp when
 * it attaches {@link #program}.
 *
 * <p>Owned by: control.
 */
final class SteeringObject implements AutoCloseable {
    /** Behind filters (xdp-filter has 10), ahead of programs that say nothing (libxdp gives them 50). */
    private static final int RUN_PRIORITY = 40;

    private static final String SECTION = "xdp.frags";
    private static final String RESOURCE = "/bpf/steer.bpf.o";

    private final MemorySegment object;
    private @Nullable MemorySegment program;

    private SteeringObject(MemorySegment object) {
        this.object = object;
    }

    static SteeringObject open(String interfaceName, SteeringMaps maps) {
        InterfaceMaps own = maps.ofInterface(interfaceName);
        SteeringObject opened = new SteeringObject(LibBpf.objectOpen(image(), "steer"));
        boolean done = false;
        try {
            for (SteeringHash hash : maps.hashes()) {
                LibBpf.mapReuse(opened.object, hash.name(), hash.fd());
            }
            LibBpf.mapReuse(opened.object, "fwmark_rules", maps.fwmarkRulesFd());
            LibBpf.mapReuse(opened.object, "fwmark_gate", maps.fwmarkGateFd());
            LibBpf.mapReuse(opened.object, "xsks", own.xsksFd());
            LibBpf.mapReuse(opened.object, "counters", own.countersFd());
            LibBpf.mapReuse(opened.object, "nic", own.nicFd());
            done = true;
            return opened;
        } finally {
            if (!done) {
                opened.close();
            }
        }
    }

    private static byte[] image() {
        try (InputStream in = SteeringObject.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException(RESOURCE + " is not on the class path: the build left it out");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** libxdp's handle of the program; belongs to this object. */
    MemorySegment program() {
        MemorySegment handle = program;
        if (handle == null) {
            handle = LibXdp.programFromObject(object, SECTION);
            program = handle;
            LibXdp.programSetRunPriority(handle, RUN_PRIORITY);
        }
        return handle;
    }

    /** Has the verifier pass the program, for an attach without libxdp. */
    void load() {
        LibBpf.objectLoad(object);
    }

    /** The descriptor of the program, once it is loaded; belongs to this object. */
    int fd() {
        return program == null ? LibBpf.programFd(object, SteeringProgram.NAME) : LibXdp.programFd(program);
    }

    /** Frees everything here; an attached program stays attached and keeps its maps. */
    @Override
    public void close() {
        if (program != null) {
            LibXdp.programClose(program);
            program = null;
        }
        LibBpf.objectClose(object);
    }
}
