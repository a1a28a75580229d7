package dev.sluice.neighbour;

/** How paths of equal cost share flows out, by their weights. */
public final class PathShares {
    /** About as many entries as a list of paths has at most, for paths of unequal weights. */
    public static final int MAX_ENTRIES = 32;

    private PathShares() {}

    /**
     * How often each of several paths is to stand in a list, for shares like their weights: the weights themselves, cancelled
     * down, where they sum up to no more than {@link #MAX_ENTRIES}; else as near as about that many entries come to them, each at
     * least once.
     */
    public static int[] repetitions(int[] weights) {
        int divisor = 0;
        long sum = 0;
        for (int weight : weights) {
            divisor = gcd(weight, divisor);
            sum += weight;
        }
        int[] times = new int[weights.length];
        for (int i = 0; i < weights.length; i++) {
            times[i] = sum / divisor <= MAX_ENTRIES
                    ? weights[i] / divisor
                    : (int) Math.max(1, Math.round((double) weights[i] * MAX_ENTRIES / sum));
        }
        return times;
    }

    private static int gcd(int a, int b) {
        return b == 0 ? a : gcd(b, a % b);
    }
}
