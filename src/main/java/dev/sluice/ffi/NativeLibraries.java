package dev.sluice.ffi;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The shared libraries that the bindings load, asked for one by one: the bindings themselves fail as a whole at their first
 * use when one is missing. Any thread.
 */
public final class NativeLibraries {
    /** The sonames, those that the generated class {@code Native} opens. */
    public static final List<String> SONAMES = List.of("libxdp.so.1", "libbpf.so.1");

    private NativeLibraries() {}

    /** Whether the dynamic linker finds and loads the library. */
    public static boolean loads(String soname) {
        try {
            // For good: who asks is about to use it.
            SymbolLookup.libraryLookup(soname, Arena.global());
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /**
     * The file that a soname stands for on this machine, whose name tells its version: {@code libbpf.so.1.1.2}.
     *
     * @return empty when the library cannot be loaded
     */
    public static Optional<Path> file(String soname) {
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup.libraryLookup(soname, arena);
            String stem = soname.substring(0, soname.indexOf(".so"));
            // Unloaded again when the arena closes, so the map is read while it is open. See proc(5), /proc/pid/maps.
            try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
                return maps.map(line -> line.substring(line.lastIndexOf(' ') + 1))
                        .filter(path -> path.startsWith("/"))
                        .map(Path::of)
                        .filter(path -> path.getFileName().toString().startsWith(stem + ".so"))
                        .findFirst();
            }
        } catch (IllegalArgumentException | IOException e) {
            return Optional.empty();
        }
    }
}
