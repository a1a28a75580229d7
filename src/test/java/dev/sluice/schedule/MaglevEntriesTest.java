package dev.sluice.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MaglevEntriesTest {
    /** Step by step to the end, as the paper has it. */
    private static char[] walked(int size, int[] position, int[] skip, int[] turns) {
        char[] table = new char[size];
        boolean[] taken = new boolean[size];
        int[] at = position.clone();
        for (int who : turns) {
            while (taken[at[who]]) {
                at[who] = (at[who] + skip[who]) % size;
            }
            taken[at[who]] = true;
            table[at[who]] = (char) who;
        }
        return table;
    }

    @ParameterizedTest
    @CsvSource({"3, 1", "3, 3", "5, 2", "251, 7", "4099, 1", "4099, 1000", "65537, 40", "655373, 1000"})
    void theLastEntriesAreThoseThatAWalkWouldFind(int size, int realServers) {
        Random random = new Random(size + realServers);
        int repeats = size < 10_000 ? 20 : 1;
        for (int repeat = 0; repeat < repeats; repeat++) {
            int[] position = random.ints(realServers, 0, size).toArray();
            int[] skip = random.ints(realServers, 1, size).toArray();
            int[] turns = random.ints(size, 0, realServers).toArray();
            char[] expected = walked(size, position, skip, turns);
            MaglevEntries entries = new MaglevEntries(size, position.clone(), skip);
            for (int who : turns) {
                entries.take(who);
            }
            assertArrayEquals(expected, entries.table());
        }
    }
}
