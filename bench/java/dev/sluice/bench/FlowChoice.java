package dev.sluice.bench;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Which flow each packet is of, drawn beforehand: the same for the same seed. */
public final class FlowChoice {
    private FlowChoice() {}

    /**
     * Draws by Zipf's law: the flow of rank <i>k</i> has a share in proportion to 1 / <i>k</i><sup>exponent</sup>. Ranks are dealt
     * to flows at random, so that neighbours among the flows are not equally popular.
     *
     * @param exponent above 0; 1 is the classic one
     * @param draws how many
     */
    public static int[] zipf(int flows, double exponent, int draws, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        double[] cumulative = new double[flows];
        double sum = 0;
        for (int rank = 0; rank < flows; rank++) {
            sum += Math.pow(rank + 1.0, -exponent);
            cumulative[rank] = sum;
        }
        int[] flowOfRank = new int[flows];
        for (int rank = 0; rank < flows; rank++) {
            int other = random.nextInt(rank + 1);
            flowOfRank[rank] = flowOfRank[other];
            flowOfRank[other] = rank;
        }
        int[] choices = new int[draws];
        for (int draw = 0; draw < draws; draw++) {
            int found = Arrays.binarySearch(cumulative, random.nextDouble() * sum);
            choices[draw] = flowOfRank[Math.min(found < 0 ? -found - 1 : found, flows - 1)];
        }
        return choices;
    }
}
