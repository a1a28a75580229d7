package dev.sluice.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class FlowChoiceTest {
    private static final int FLOWS = 1_000;
    private static final int DRAWS = 1 << 18;

    @Test
    void shares_follow_the_law() {
        int[] count = new int[FLOWS];
        for (int flow : FlowChoice.zipf(FLOWS, 1, DRAWS, 7)) {
            count[flow]++;
        }
        Arrays.sort(count);
        double harmonic = 0;
        for (int rank = 1; rank <= FLOWS; rank++) {
            harmonic += 1.0 / rank;
        }
        // The most frequent has a share of 1/H, the second half of that.
        assertEquals(DRAWS / harmonic, count[FLOWS - 1], 0.03 * DRAWS / harmonic);
        assertEquals(DRAWS / harmonic / 2, count[FLOWS - 2], 0.04 * DRAWS / harmonic);
        assertTrue(count[0] > 0, "a flow that is never chosen");
    }

    @Test
    void the_same_seed_draws_the_same() {
        assertArrayEquals(FlowChoice.zipf(50, 0.9, 1024, 1), FlowChoice.zipf(50, 0.9, 1024, 1));
    }
}
