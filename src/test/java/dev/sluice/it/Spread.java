package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** How a scheduler has to spread flows over rs1, rs2, … . */
final class Spread {
    private Spread() {}

    /** {@code total} flows, a whole number of cycles, in exact proportion to weight. */
    static Map<String, Integer> exact(int total, int... weights) {
        int sum = Arrays.stream(weights).sum();
        assertEquals(0, total % sum, "only whole cycles divide exactly");
        Map<String, Integer> counts = new TreeMap<>();
        for (int i = 0; i < weights.length; i++) {
            if (weights[i] > 0) {
                counts.put("rs" + (i + 1), total / sum * weights[i]);
            }
        }
        return counts;
    }

    /** Flows that came one after the other: every whole cycle from the first flow on has the exact proportion. */
    static void assertEveryCycle(List<String> answers, int... weights) {
        int cycle = Arrays.stream(weights).sum();
        Map<String, Integer> expected = exact(cycle, weights);
        for (int at = 0; at + cycle <= answers.size(); at += cycle) {
            assertEquals(expected, Topology.count(answers.subList(at, at + cycle)), "the cycle from flow " + at);
        }
    }

    /**
     * Flows chosen by a uniform hash: a real server's share of n flows is binomial with its share p of the weights, so it
     * lies within six standard deviations sqrt(n·p·(1-p)) of n·p but for one run in 500 million. What the table of 65,537
     * entries adds is at most one entry a real server, 1/65537 of the flows.
     */
    static void assertHashed(Map<String, Integer> counts, int total, int... weights) {
        double sum = Arrays.stream(weights).sum();
        for (int i = 0; i < weights.length; i++) {
            double p = weights[i] / sum;
            double bound = 6 * Math.sqrt(total * p * (1 - p)) + total / 65_537.0;
            int actual = counts.getOrDefault("rs" + (i + 1), 0);
            assertTrue(
                    Math.abs(actual - total * p) <= bound,
                    "rs%d got %d of %d flows, not %.0f ± %.0f".formatted(i + 1, actual, total, total * p, bound));
        }
    }
}
