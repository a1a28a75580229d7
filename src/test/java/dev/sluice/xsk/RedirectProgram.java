package dev.sluice.xsk;

import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The smallest XDP program that feeds sockets, redirect.bpf.c: it hands each packet to the socket of its queue. One per
 * interface, attached in the calling thread's network namespace.
 */
final class RedirectProgram implements AutoCloseable {
    private final MemorySegment object;
    private final int mapFd;

    RedirectProgram(Path folder, XskSocket socket, boolean generic) throws IOException {
        Path source = folder.resolve("redirect.bpf.c");
        Path compiled = folder.resolve("redirect.bpf.o");
        if (!Files.exists(compiled)) {
            try (InputStream in = RedirectProgram.class.getResourceAsStream("redirect.bpf.c")) {
                assertNotNull(in);
                Files.copy(in, source);
            }
            String multiarch =
                    NetworkNamespace.runHere("clang", "-print-multiarch").trim();
            NetworkNamespace.runHere(
                    "clang",
                    "-target",
                    "bpf",
                    "-O2",
                    "-g",
                    "-I/usr/include/" + multiarch,
                    "-c",
                    source.toString(),
                    "-o",
                    compiled.toString());
        }
        try (Arena arena = Arena.ofConfined()) {
            byte[] bytes = Files.readAllBytes(compiled);
            object = Native.bpf_object__open_mem(
                    arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes), bytes.length, MemorySegment.NULL);
            assertNotEquals(MemorySegment.NULL, object, "bpf_object__open_mem");
            NativeException.check(Native.bpf_object__load(object), "bpf_object__load");
            mapFd = Native.bpf_map__fd(Native.bpf_object__find_map_by_name(object, arena.allocateFrom("sockets")));
            feed(socket);
            int programFd = Native.bpf_program__fd(
                    Native.bpf_object__find_program_by_name(object, arena.allocateFrom("redirect")));
            NativeException.check(
                    Native.bpf_xdp_attach(
                            socket.interfaceIndex(),
                            programFd,
                            generic ? Native.XDP_FLAGS_SKB_MODE() : Native.XDP_FLAGS_DRV_MODE(),
                            MemorySegment.NULL),
                    "bpf_xdp_attach(" + socket + ")");
        }
    }

    /** Has packets of the socket's queue go to it. */
    void feed(XskSocket socket) {
        try (Arena arena = Arena.ofConfined()) {
            NativeException.check(
                    Native.bpf_map_update_elem(
                            mapFd,
                            arena.allocateFrom(ValueLayout.JAVA_INT, socket.queue()),
                            arena.allocateFrom(ValueLayout.JAVA_INT, socket.fd()),
                            0),
                    "bpf_map_update_elem(" + socket + ")");
        }
    }

    /** Frees the object; the attached program goes with the interface. */
    @Override
    public void close() {
        Native.bpf_object__close(object);
    }
}
