package dev.sluice.bpf;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibBpf;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The BPF file system, which libxdp's dispatcher pins its programs in. Without it a program is attached alone, so a
 * failure to mount it is no error.
 */
final class BpfFileSystem {
    private static final String FOLDER = "/sys/fs/bpf";

    private BpfFileSystem() {}

    /** Mounts it where it is missing and that is allowed; {@code LIBXDP_BPFFS} says that it is elsewhere. */
    static void mountIfMissing() {
        if (System.getenv("LIBXDP_BPFFS") == null && Files.isDirectory(Path.of(FOLDER)) && !isMounted()) {
            // 0 or not, the attach that follows finds out by itself what it has to do with.
            int _ = LibBpf.mountBpfFileSystem(CallState.current(), FOLDER);
        }
    }

    private static boolean isMounted() {
        try (var lines = Files.lines(Path.of("/proc/thread-self/mounts"))) {
            return lines.map(line -> line.split(" ", 4)).anyMatch(f -> f[1].equals(FOLDER) && f[2].equals("bpf"));
        } catch (IOException e) {
            return false;
        }
    }
}
