package dev.sluice.control;

import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.FlowTableImage;
import dev.sluice.flow.FlowTableImage.Boot;
import dev.sluice.flow.FlowTableImage.RealAddress;
import dev.sluice.flow.FlowTableImage.Recovery;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.flow.PersistenceTableImage;
import dev.sluice.flow.TranslationTableImage;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The directory in which connection tables outlive the director: one file a worker, one of persistence templates, the ids that
 * their entries hold, and a lock that keeps a second director out. Owned by: control thread.
 *
 * <p>A start makes new files, numbered above all that are there, and carries the live connections of the old ones over. An old
 * file goes only when its connections are in a new one, so a start that is killed as well loses nothing.
 */
final class SharedFlowTables implements AutoCloseable {
    private static final Logger LOG = System.getLogger(SharedFlowTables.class.getName());

    private static final Pattern TABLE =
            Pattern.compile("(flows-(\\d{1,9})|translations-(\\d{1,9})|templates)\\.(\\d{1,9})");
    /** In place of a queue. */
    private static final int TEMPLATES = -1;

    private static final FileAttribute<Set<PosixFilePermission>> PRIVATE_FILE = attribute("rw-------");
    private static final FileAttribute<Set<PosixFilePermission>> PRIVATE_DIRECTORY = attribute("rwx------");
    private static final int CHUNK_BYTES = 1 << 20;
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    private static final Path OWN_STATUS = Path.of("/proc/self/status");

    private final Path directory;
    private final FileChannel lock;
    private final Boot boot;
    private final List<OldTable> oldTables;
    private final int serial;
    private final IdStore ids;
    private final KnownIds knownIds;
    private final Arena arena = Arena.ofShared();

    /** What an earlier director left of a queue, or of {@link #TEMPLATES}. */
    private record OldTable(Path file, int queue, int serial) {
        /** Where the translations of its connections lie, if there are such. */
        Path translations() {
            return file.resolveSibling("translations-" + queue + "." + serial);
        }
    }

    private SharedFlowTables(Path directory, FileChannel lock, int uid) throws IOException {
        this.directory = directory;
        this.lock = lock;
        UUID id = UUID.fromString(Files.readString(BOOT_ID).strip());
        boot = new Boot(id.getMostSignificantBits(), id.getLeastSignificantBits());
        oldTables = new ArrayList<>();
        int newest = 0;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                checkOwner(file, uid);
                Matcher name = TABLE.matcher(file.getFileName().toString());
                if (name.matches()) {
                    int queue = name.group(2) == null ? TEMPLATES : Integer.parseInt(name.group(2));
                    OldTable old = new OldTable(file, queue, Integer.parseInt(name.group(4)));
                    if (name.group(3) == null) {
                        oldTables.add(old);
                    }
                    newest = Math.max(newest, old.serial());
                }
            }
        }
        serial = newest + 1;
        ids = new IdStore(directory.resolve("ids"));
        knownIds = ids.load();
    }

    /**
     * Opens the directory, and makes it if its parent is there.
     *
     * @throws EnvironmentException when it cannot be used, with one line that says why
     */
    static SharedFlowTables open(Path directory) throws EnvironmentException {
        FileChannel lock = null;
        try {
            int uid = effectiveUid();
            if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
                Files.createDirectory(directory, PRIVATE_DIRECTORY);
            }
            checkDirectory(directory, uid);
            Path lockFile = directory.resolve("lock");
            if (!Files.exists(lockFile, LinkOption.NOFOLLOW_LINKS)) {
                Files.createFile(lockFile, PRIVATE_FILE);
            }
            checkOwner(lockFile, uid);
            lock = FileChannel.open(lockFile, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
            if (!tryLock(lock)) {
                throw new IOException("another director uses it; each needs a directory of its own");
            }
            return new SharedFlowTables(directory, lock, uid);
        } catch (IOException e) {
            closeQuietly(lock);
            throw new EnvironmentException(List.of(problem(directory, e)));
        }
    }

    private static boolean tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    private static void closeQuietly(@Nullable FileChannel channel) {
        if (channel == null) {
            return;
        }
        try {
            channel.close();
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "closing a lock file", e);
        }
    }

    /** The ids under which the tables were left. */
    KnownIds knownIds() {
        return knownIds;
    }

    /** Where ids are kept; to be told before a snapshot that uses new ones is published. */
    IdStore ids() {
        return ids;
    }

    /**
     * Makes the memory of a worker's entries.
     *
     * @param maxFlows the table's
     * @throws EnvironmentException when there is no room for it
     */
    MemorySegment create(int queue, int maxFlows, FlowHasher hasher) throws EnvironmentException {
        return FlowTableImage.format(
                create("flows-" + queue, FlowTableImage.bytes(maxFlows), "connection table"), boot, hasher);
    }

    /**
     * Makes the memory of a worker's translations.
     *
     * @param maxFlows the connection table's
     * @throws EnvironmentException when there is no room for it
     */
    MemorySegment createTranslations(int queue, int maxFlows) throws EnvironmentException {
        return TranslationTableImage.format(
                create("translations-" + queue, TranslationTableImage.bytes(maxFlows), "translation table"), boot);
    }

    /**
     * Makes the memory of the persistence table.
     *
     * @param capacity the table's
     * @throws EnvironmentException when there is no room for it
     */
    MemorySegment createTemplates(int capacity) throws EnvironmentException {
        return PersistenceTableImage.format(
                create("templates", PersistenceTableImage.bytes(capacity), "persistence table"), boot);
    }

    private MemorySegment create(String name, long bytes, String what) throws EnvironmentException {
        Path file = directory.resolve(name + "." + serial);
        Set<StandardOpenOption> options =
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try (FileChannel channel = FileChannel.open(file, options, PRIVATE_FILE)) {
            provide(channel, bytes);
            return channel.map(MapMode.READ_WRITE, 0, bytes, arena);
        } catch (IOException e) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException left) {
                e.addSuppressed(left);
            }
            throw new EnvironmentException(List.of(problem(
                    directory,
                    new IOException("no room for " + (bytes >> 20) + " MiB of " + what + ": " + reason(e), e))));
        }
    }

    /** Has every page provided now: one that the file system lacks later would kill the worker that touches it (SIGBUS). */
    private static void provide(FileChannel channel, long bytes) throws IOException {
        ByteBuffer zeros = ByteBuffer.allocateDirect(CHUNK_BYTES);
        for (long at = 0; at < bytes; at += zeros.limit()) {
            zeros.clear().limit((int) Math.min(CHUNK_BYTES, bytes - at));
            while (zeros.hasRemaining()) {
                channel.write(zeros, at + zeros.position());
            }
        }
    }

    /**
     * Carries over what earlier directors left of a worker's queues, and deletes it.
     *
     * @param queue the worker's; queues that have no worker any more fall to {@code queue % workers}
     * @param workers how many there are now
     * @param into the worker's table, over memory from {@link #create}
     * @throws EnvironmentException when a file cannot be read
     */
    Recovery recover(int queue, int workers, FlowTable into, FlowHasher hasher) throws EnvironmentException {
        Map<Integer, RealAddress> known = new HashMap<>();
        knownIds.realServers().forEach((place, id) -> known.put(id, new RealAddress(place.address(), place.port())));
        Recovery all = Recovery.NONE;
        try {
            for (OldTable old : oldTables) {
                if (old.queue() != TEMPLATES && old.queue() % workers == queue) {
                    all = all.plus(recover(old, into, hasher, known::get));
                }
            }
            for (OldTable old : oldTables) {
                if (old.queue() != TEMPLATES && old.queue() % workers == queue) {
                    // In this order: nothing would look for translations of nothing.
                    Files.deleteIfExists(old.translations());
                    Files.delete(old.file());
                }
            }
        } catch (IOException e) {
            throw new EnvironmentException(List.of(problem(directory, e)));
        }
        return all;
    }

    private Recovery recover(OldTable old, FlowTable into, FlowHasher hasher, IntFunction<@Nullable RealAddress> known)
            throws IOException {
        try (FileChannel channel = FileChannel.open(old.file(), StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
                Arena mapping = Arena.ofConfined()) {
            MemorySegment image = channel.map(MapMode.READ_ONLY, 0, channel.size(), mapping);
            Optional<String> refusal = FlowTableImage.unreadable(image, boot);
            if (refusal.isPresent()) {
                LOG.log(Level.WARNING, "{0} {1}; its connections are not taken over", old.file(), refusal.get());
                return Recovery.NONE;
            }
            TranslationTableImage translations = translations(old, mapping);
            return FlowTableImage.recover(image, translations, hasher, into, known, System.nanoTime() / 1_000_000);
        }
    }

    private @Nullable TranslationTableImage translations(OldTable old, Arena mapping) throws IOException {
        Path file = old.translations();
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return null;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
            MemorySegment image = channel.map(MapMode.READ_ONLY, 0, channel.size(), mapping);
            Optional<String> refusal = TranslationTableImage.unreadable(image, boot);
            if (refusal.isPresent()) {
                LOG.log(Level.WARNING, "{0} {1}; connections by FULLNAT are not taken over", file, refusal.get());
                return null;
            }
            return TranslationTableImage.of(image);
        }
    }

    /**
     * Carries over the persistence templates that earlier directors left, and deletes what they left of them.
     *
     * @return how many live on
     * @throws EnvironmentException when a file cannot be read
     */
    int recoverTemplates(PersistenceTable into) throws EnvironmentException {
        Set<Integer> services = new HashSet<>(knownIds.services().values());
        Set<Integer> realServers = new HashSet<>(knownIds.realServers().values());
        int recovered = 0;
        try {
            for (OldTable old : oldTables) {
                if (old.queue() == TEMPLATES) {
                    recovered += recoverTemplates(old.file(), into, services::contains, realServers::contains);
                    Files.delete(old.file());
                }
            }
        } catch (IOException e) {
            throw new EnvironmentException(List.of(problem(directory, e)));
        }
        return recovered;
    }

    private int recoverTemplates(Path file, PersistenceTable into, IntPredicate services, IntPredicate realServers)
            throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
                Arena mapping = Arena.ofConfined()) {
            MemorySegment image = channel.map(MapMode.READ_ONLY, 0, channel.size(), mapping);
            Optional<String> refusal = PersistenceTableImage.unreadable(image, boot);
            if (refusal.isPresent()) {
                LOG.log(Level.WARNING, "{0} {1}; its templates are not taken over", file, refusal.get());
                return 0;
            }
            return PersistenceTableImage.recover(image, into, services, realServers, System.nanoTime() / 1_000_000);
        }
    }

    /** Leaves the files to the next director. */
    @Override
    public void close() throws IOException {
        arena.close();
        lock.close();
    }

    private static void checkDirectory(Path directory, int uid) throws IOException {
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException("is no directory");
        }
        checkOwner(directory, uid);
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(directory, LinkOption.NOFOLLOW_LINKS);
        if (!PosixFilePermissions.fromString("rwx------").containsAll(permissions)) {
            throw new IOException("is open to others, with mode " + PosixFilePermissions.toString(permissions)
                    + "; allowed: rwx------");
        }
    }

    private static void checkOwner(Path path, int uid) throws IOException {
        Object owner = Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        if (!owner.equals(uid)) {
            throw new IOException(path + " belongs to user " + owner + ", and the director runs as user " + uid);
        }
    }

    private static int effectiveUid() throws IOException {
        // Real, effective, saved and file system's.
        for (String line : Files.readAllLines(OWN_STATUS)) {
            if (line.startsWith("Uid:")) {
                return Integer.parseInt(line.split("\\s+", -1)[2]);
            }
        }
        throw new IOException(OWN_STATUS + " names no user");
    }

    private static String problem(Path directory, IOException e) {
        return "flow_table_directory = \"" + directory + "\": " + reason(e);
    }

    /** The JDK's file exceptions say what happened by their type alone. */
    private static String reason(IOException e) {
        if (e instanceof FileSystemException file && file.getReason() == null) {
            String what = file.getClass().getSimpleName().replace("Exception", "");
            return file.getFile() + ": " + (what.equals("NoSuchFile") ? "no such file or directory" : what);
        }
        return String.valueOf(e.getMessage());
    }

    private static FileAttribute<Set<PosixFilePermission>> attribute(String permissions) {
        return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions));
    }
}
