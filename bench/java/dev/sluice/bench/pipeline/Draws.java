package dev.sluice.bench.pipeline;

/** Orders in which flows' packets arrive; the same as in {@code bench/baseline/workload.h}, number by number. */
final class Draws {
    private static final long SEED = 42;

    private Draws() {}

    /** The numbers below {@code count} in random order. */
    static int[] permutation(int count) {
        int[] order = new int[count];
        SplitMix random = new SplitMix();
        for (int i = 0; i < count; i++) {
            int other = (int) Math.unsignedMultiplyHigh(random.next(), i + 1L);
            order[i] = order[other];
            order[other] = i;
        }
        return order;
    }

    /**
     * Draws of numbers below {@code flows}, the k-th of them (from 1) with a probability in proportion to 1/k.
     *
     * @param bothWays whether to give twice the number, or that and one, for either direction
     */
    static int[] zipf(int flows, int count, boolean bothWays) {
        double[] sums = new double[flows];
        double sum = 0;
        for (int i = 0; i < flows; i++) {
            sum += 1.0 / (i + 1);
            sums[i] = sum;
        }
        SplitMix random = new SplitMix();
        int[] order = new int[count];
        for (int i = 0; i < count; i++) {
            long draw = random.next();
            // Its lower bits are left for the direction.
            double point = (draw >>> 11) * 0x1p-53 * sum;
            int low = 0;
            int high = flows - 1;
            while (low < high) {
                int middle = (low + high) >>> 1;
                if (sums[middle] > point) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            order[i] = bothWays ? low << 1 | (int) (draw & 1) : low;
        }
        return order;
    }

    /** SplitMix64 (Steele, Lea and Flood, 2014). */
    private static final class SplitMix {
        private long state = SEED;

        private long next() {
            state += 0x9e3779b97f4a7c15L;
            long z = (state ^ (state >>> 30)) * 0xbf58476d1ce4e5b9L;
            z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
            return z ^ (z >>> 31);
        }
    }
}
