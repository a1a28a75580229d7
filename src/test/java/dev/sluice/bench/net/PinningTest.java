package dev.sluice.bench.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class PinningTest {
    private static final List<Integer> NO_WISH = List.of();

    @Test
    void generator_first_and_the_subject_after_it() {
        assertEquals(new Pinning(List.of(0), List.of(1)), Pinning.of(1, 1, NO_WISH, NO_WISH, 2));
        assertEquals(new Pinning(List.of(0, 1), List.of(2, 3)), Pinning.of(2, 2, NO_WISH, NO_WISH, 8));
        assertEquals(new Pinning(List.of(2), List.of(0)), Pinning.of(1, 1, List.of(2), List.of(0), 4));
    }

    @Test
    void where_cpus_are_few_they_are_shared() {
        Pinning two = Pinning.of(2, 2, NO_WISH, NO_WISH, 2);
        assertEquals(new Pinning(List.of(0, 1), List.of(0, 1)), two);
        assertTrue(two.isShared());
        assertFalse(Pinning.of(1, 1, NO_WISH, NO_WISH, 2).isShared());
    }

    @Test
    void streams_must_reach_all_queues() {
        assertThrows(IllegalArgumentException.class, () -> Pinning.of(2, 2, List.of(0, 2), List.of(1, 3), 4));
        assertThrows(IllegalArgumentException.class, () -> Pinning.of(3, 3, NO_WISH, NO_WISH, 2));
    }

    @Test
    void what_cannot_be_is_refused() {
        assertThrows(IllegalArgumentException.class, () -> Pinning.of(1, 1, List.of(1), List.of(1), 2));
        assertThrows(IllegalArgumentException.class, () -> Pinning.of(1, 1, List.of(0), List.of(2), 2));
        assertThrows(IllegalArgumentException.class, () -> Pinning.of(2, 2, List.of(0), NO_WISH, 4));
        assertThrows(IllegalArgumentException.class, () -> Pinning.of(1, 1, NO_WISH, NO_WISH, 1));
    }
}
