package dev.sluice.control.realserver;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.ffi.NetworkNamespaceCookie;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * The state files of the calling thread's network namespace. Namespaces share {@code /run}, so a file bears the namespace's
 * cookie in its name; cookies are not given out twice between two starts of the machine.
 */
final class StateFiles {
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String SUFFIX = ".json";

    private final Path folder;
    private final String prefix;
    private final String boot;

    /**
     * @param folder where they are
     */
    StateFiles(Path folder) throws EnvironmentException {
        this.folder = folder;
        this.prefix = "real-server-" + Long.toUnsignedString(NetworkNamespaceCookie.read()) + "-";
        try {
            this.boot = Files.readString(BOOT_ID).strip();
        } catch (IOException e) {
            throw new EnvironmentException(List.of("cannot read " + BOOT_ID + ": " + e.getMessage()));
        }
    }

    String boot() {
        return boot;
    }

    Path path(String interfaceName) {
        return folder.resolve(prefix + interfaceName + SUFFIX);
    }

    /** The state for an interface, if there is one of this start of the machine. */
    Optional<SetupState> load(String interfaceName) throws EnvironmentException {
        Path path = path(interfaceName);
        try {
            SetupState state = MAPPER.readValue(Files.readString(path), SetupState.class);
            return Optional.of(state).filter(found -> found.boot().equals(boot));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (JsonProcessingException e) {
            throw new EnvironmentException(List.of(path + " is not what sluice real-server wrote: "
                    + e.getOriginalMessage() + "; restore it, or undo by hand and delete it"));
        } catch (IOException e) {
            throw new EnvironmentException(List.of("cannot read " + path + ": " + e.getMessage()));
        }
    }

    /** All states of this namespace, by the interface's name. */
    List<SetupState> all() throws EnvironmentException {
        TreeSet<String> names = new TreeSet<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, prefix + "*" + SUFFIX)) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                names.add(name.substring(prefix.length(), name.length() - SUFFIX.length()));
            }
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw new EnvironmentException(List.of("cannot read " + folder + ": " + e.getMessage()));
        }
        List<SetupState> states = new ArrayList<>();
        for (String name : names) {
            load(name).ifPresent(states::add);
        }
        return states;
    }

    /** Writes a state so that it is there as a whole, or the one before is. */
    void save(SetupState state) throws EnvironmentException {
        Path path = path(state.interfaceName());
        Path next = path.resolveSibling(path.getFileName() + ".new");
        try {
            Files.createDirectories(folder);
            Files.writeString(next, MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(state) + "\n");
            try (FileChannel channel = FileChannel.open(next, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            Files.move(next, path, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new EnvironmentException(List.of("cannot write " + path
                    + ", without which a setup could not be undone: " + e.getMessage() + "; run as root"));
        }
    }

    void delete(String interfaceName) throws EnvironmentException {
        try {
            Files.deleteIfExists(path(interfaceName));
        } catch (IOException e) {
            throw new EnvironmentException(List.of("cannot delete " + path(interfaceName) + ": " + e.getMessage()));
        }
    }
}
