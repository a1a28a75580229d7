package dev.sluice.bpf;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The numbers of the steering programs that directors have attached since the machine booted, in a file.
 *
 * <p>The kernel tells everybody the number of an interface's program, and its name only {@code CAP_SYS_ADMIN}
 * ({@code bpf_prog_get_fd_by_id} in kernel/bpf/syscall.c). Numbers are not used again before all two thousand million of them have
 * been ({@code idr_alloc_cyclic}). So a director without that capability knows an earlier director's program by the number that
 * was noted when it was attached. Notes of another boot count for nothing, nor does a file that somebody else could have
 * written.
 *
 * <p>Owned by: control.
 */
public final class ProgramNotes {
    /** Many more than a director has interfaces. */
    private static final int MOST = 1024;

    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    private static final Path OWN_STATUS = Path.of("/proc/self/status");

    private final @Nullable Path file;
    private final String boot;
    private final List<Integer> ids;

    private ProgramNotes(@Nullable Path file, String boot, List<Integer> ids) {
        this.file = file;
        this.boot = boot;
        this.ids = ids;
    }

    /** Notes that are not kept. */
    static ProgramNotes none() {
        return new ProgramNotes(null, "", new ArrayList<>());
    }

    /**
     * Reads what is noted.
     *
     * @param file its directory must be there before the first {@link #add}; the file need not be
     */
    public static ProgramNotes in(Path file) {
        try {
            return in(file, Files.readString(BOOT_ID).strip());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** For tests: with another boot. */
    static ProgramNotes in(Path file, String boot) {
        List<Integer> ids = new ArrayList<>();
        try {
            if (Files.exists(file, LinkOption.NOFOLLOW_LINKS) && isTrusted(file)) {
                List<String> lines = Files.readAllLines(file);
                if (!lines.isEmpty() && lines.getFirst().equals(boot)) {
                    lines.stream().skip(1).map(Integer::valueOf).forEach(ids::add);
                }
            }
        } catch (IOException | NumberFormatException e) {
            // As if nothing had been noted: whose program is attached is then not known, and it is left alone.
            ids.clear();
        }
        return new ProgramNotes(file, boot, ids);
    }

    private static boolean isTrusted(Path file) throws IOException {
        PosixFileAttributes found = Files.readAttributes(file, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        Set<PosixFilePermission> permissions = found.permissions();
        int uid = (int) Files.getAttribute(file, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        return found.isRegularFile()
                && (uid == 0 || uid == effectiveUid())
                && !permissions.contains(PosixFilePermission.GROUP_WRITE)
                && !permissions.contains(PosixFilePermission.OTHERS_WRITE);
    }

    /** The second number of its line in proc(5) status. */
    private static int effectiveUid() throws IOException {
        try (Stream<String> status = Files.lines(OWN_STATUS)) {
            return status.filter(line -> line.startsWith("Uid:"))
                    .map(line -> line.split("\\s+", -1))
                    .mapToInt(fields -> Integer.parseInt(fields[2]))
                    .findFirst()
                    .orElseThrow();
        }
    }

    /** Whether a program is a steering program. */
    boolean holds(int id) {
        return ids.contains(id);
    }

    /**
     * Notes that a program is a steering program.
     *
     * @throws SteeringException when it cannot be written
     */
    void add(int id) {
        if (file == null || ids.contains(id)) {
            return;
        }
        ids.add(id);
        if (ids.size() > MOST) {
            ids.removeFirst();
        }
        List<String> lines = new ArrayList<>(List.of(boot));
        ids.forEach(each -> lines.add(Integer.toString(each)));
        try {
            Path written = Files.createTempFile(
                    file.getParent(),
                    file.getFileName() + ".",
                    null,
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            try {
                Files.write(written, lines);
                replace(written, file);
            } finally {
                Files.deleteIfExists(written);
            }
        } catch (IOException e) {
            throw new SteeringException("cannot note the XDP program's number in " + file + ": " + e.getMessage(), e);
        }
    }

    private static void replace(Path written, Path file) throws IOException {
        try {
            Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(written, file, StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
