package dev.sluice.control;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.Errno;
import dev.sluice.ffi.LibC;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntUnaryOperator;

/**
 * Keeps all threads but the workers off the workers' processors: control, health checks, the JVM's compilers and collectors. A
 * worker that spins is on its processor whenever it may be, so whoever else runs there takes time from packets. Threads that are started later
 * inherit the affinity (sched_setaffinity(2)), and so do processes.
 */
final class ThreadPlacement {
    private static final Logger LOG = System.getLogger(ThreadPlacement.class.getName());

    /** More turns than threads ever start threads meanwhile. */
    private static final int MAX_TURNS = 10;

    private static final String ALLOWED = "Cpus_allowed_list:";

    private final Path tasks;
    private final IntUnaryOperator place;

    /**
     * Over the threads of a directory.
     *
     * @param tasks has a directory for each thread, with its {@code status}
     * @param place gives the thread of a number its place: 0, or {@code -errno}
     */
    ThreadPlacement(Path tasks, IntUnaryOperator place) {
        this.tasks = tasks;
        this.place = place;
    }

    /**
     * Moves this process's threads, but for those that are pinned already.
     *
     * @param workers the CPU of each worker, negative for one that is not pinned
     * @param allowed the CPUs that the process may run on
     */
    static void keepOff(int[] workers, List<Integer> allowed) {
        List<Integer> others = others(workers, allowed);
        if (others.isEmpty()) {
            return;
        }
        CallState state = new CallState();
        try {
            new ThreadPlacement(Path.of("/proc/self/task"), thread -> LibC.setAffinity(state, thread, others)).move();
        } catch (IOException e) {
            LOG.log(
                    Level.WARNING,
                    "the director''s other threads may run on workers'' CPUs, which costs packets: {0}",
                    e.getMessage());
        }
    }

    /** The CPUs that no worker has; none when workers have no CPUs of their own, or all there are. */
    static List<Integer> others(int[] workers, List<Integer> allowed) {
        if (Arrays.stream(workers).anyMatch(cpu -> cpu < 0)) {
            return List.of();
        }
        return allowed.stream()
                .filter(cpu -> Arrays.stream(workers).noneMatch(taken -> taken == cpu))
                .toList();
    }

    /** Moves all threads that may run wherever the calling one may; fails for one that can be neither read nor moved. */
    void move() throws IOException {
        String everywhere = allowed(tasks.resolveSibling("status")).orElseThrow(() -> new IOException("no " + ALLOWED));
        boolean moved = true;
        // A thread that has not been moved may start another meanwhile.
        for (int turn = 0; moved && turn < MAX_TURNS; turn++) {
            moved = false;
            for (Path task : threads()) {
                if (allowed(task.resolve("status")).filter(everywhere::equals).isPresent()) {
                    moved |= move(task);
                }
            }
        }
    }

    /** Whether the thread was there to be moved. */
    private boolean move(Path task) throws IOException {
        int result = place.applyAsInt(Integer.parseInt(task.getFileName().toString()));
        if (result < 0 && Files.exists(task)) {
            throw new IOException("sched_setaffinity of thread " + task.getFileName() + ": " + Errno.describe(-result));
        }
        return result >= 0;
    }

    private List<Path> threads() throws IOException {
        List<Path> threads = new ArrayList<>();
        try (DirectoryStream<Path> directory = Files.newDirectoryStream(tasks)) {
            directory.forEach(threads::add);
        }
        return threads;
    }

    /** Empty for a thread that has ended. */
    private static Optional<String> allowed(Path status) throws IOException {
        try {
            return Files.readString(status)
                    .lines()
                    .filter(line -> line.startsWith(ALLOWED))
                    .map(line -> line.substring(ALLOWED.length()).strip())
                    .findFirst();
        } catch (IOException e) {
            // ESRCH has no exception of its own.
            if (Files.exists(status)) {
                throw e;
            }
            return Optional.empty();
        }
    }
}
