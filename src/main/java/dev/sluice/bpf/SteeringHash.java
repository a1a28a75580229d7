package dev.sluice.bpf;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

/**
 * A hash map of the steering program, from {@code struct service_key} to four bytes.
 *
 * <p>Owned by: control. Failures of the kernel are {@link NativeException}s.
 */
final class SteeringHash implements AutoCloseable {
    private final String name;
    private final int fd;

    /** Creates the map, empty. */
    SteeringHash(String name) {
        this.name = name;
        fd = LibBpf.mapCreate(
                Native.BPF_MAP_TYPE_HASH(),
                name,
                SteeringKey.BYTES,
                Integer.BYTES,
                SteeringMaps.MAX_SERVICES,
                Native.BPF_F_NO_PREALLOC());
    }

    String name() {
        return name;
    }

    int fd() {
        return fd;
    }

    /** Puts an entry there, or gives the one that is there another value. */
    void put(SteeringKey key, int value) {
        try (Arena arena = Arena.ofConfined()) {
            int result = LibBpf.mapUpdate(fd, key.bytes(arena), arena.allocateFrom(ValueLayout.JAVA_INT, value));
            if (result < 0) {
                throw new NativeException("bpf_map_update_elem(" + name + ", " + key + ")", -result);
            }
        }
    }

    /** Takes an entry away; nothing happens without one. */
    void remove(SteeringKey key) {
        try (Arena arena = Arena.ofConfined()) {
            int result = LibBpf.mapDelete(fd, key.bytes(arena));
            if (result < 0 && result != -Native.ENOENT()) {
                throw new NativeException("bpf_map_delete_elem(" + name + ", " + key + ")", -result);
            }
        }
    }

    /** Closes the descriptor; the kernel keeps the map of a program that is still attached. */
    @Override
    public void close() {
        LibC.close(CallState.current(), fd);
    }
}
