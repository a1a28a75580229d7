package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ffi.generated.Native;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ThreadPlacementTest {
    @TempDir
    private Path process;

    private final List<Integer> moved = new ArrayList<>();

    @BeforeEach
    void aProcess() throws IOException {
        Files.createDirectory(tasks());
        Files.writeString(process.resolve("status"), status("0-3"));
    }

    @Test
    void othersAreAllThatNoWorkerHas() {
        assertEquals(List.of(0, 3), ThreadPlacement.others(new int[] {1, 2}, List.of(0, 1, 2, 3)));
        assertEquals(List.of(0), ThreadPlacement.others(new int[] {1, 1}, List.of(0, 1)));
        assertEquals(List.of(), ThreadPlacement.others(new int[] {0, 1}, List.of(0, 1)));
        assertEquals(List.of(), ThreadPlacement.others(new int[] {-1}, List.of(0, 1)));
    }

    @Test
    void threadsThatArePinnedStayWhereTheyAre() throws IOException {
        thread(10, "0-3");
        thread(11, "2");
        thread(12, "0-3");
        new ThreadPlacement(tasks(), this::move).move();
        assertEquals(List.of(10, 12), moved.stream().sorted().toList());
    }

    @Test
    void threadsThatAreStartedMeanwhileAreMoved() throws IOException {
        thread(10, "0-3");
        new ThreadPlacement(tasks(), number -> {
                    if (number < 13) {
                        thread(number + 1, "0-3");
                    }
                    return move(number);
                })
                .move();
        assertEquals(List.of(10, 11, 12, 13), moved);
    }

    @Test
    void threadsThatEndMeanwhileAreNoMatter() throws IOException {
        thread(10, "0-3");
        thread(11, "0-3");
        new ThreadPlacement(tasks(), number -> {
                    if (number == 10) {
                        remove(number);
                        return -Native.ESRCH();
                    }
                    return move(number);
                })
                .move();
        assertEquals(List.of(11), moved);
    }

    @Test
    void oneThatCannotBeMovedIsNamed() throws IOException {
        thread(10, "0-3");
        IOException failure =
                assertThrows(IOException.class, () -> new ThreadPlacement(tasks(), _ -> -Native.EINVAL()).move());
        assertTrue(String.valueOf(failure.getMessage()).contains("thread 10: Invalid argument"), failure::getMessage);
    }

    private Path tasks() {
        return process.resolve("task");
    }

    private int move(int number) {
        moved.add(number);
        thread(number, "0,3");
        return 0;
    }

    private void thread(int number, String cpus) {
        try {
            Path thread = Files.createDirectories(tasks().resolve("" + number));
            Files.writeString(thread.resolve("status"), status(cpus));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void remove(int number) {
        try {
            Files.delete(tasks().resolve(number + "/status"));
            Files.delete(tasks().resolve("" + number));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String status(String cpus) {
        return "Name:\tjava\nCpus_allowed:\tf\nCpus_allowed_list:\t" + cpus + "\nMems_allowed:\t1\n";
    }
}
