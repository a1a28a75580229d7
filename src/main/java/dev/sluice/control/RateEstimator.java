package dev.sluice.control;

import dev.sluice.stats.Traffic;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * Rates as IPVS estimates them (ip_vs_est.c): every two seconds a quarter of the difference between what came since and the
 * average so far is added to that; averages are kept in 1/1024 of a connection or packet and 1/32 of a byte, and rounded half
 * up when they are shown. Any thread.
 */
final class RateEstimator {
    /** How often {@link #update} is to be called. */
    static final int PERIOD_MS = 2_000;

    private static final int COUNT_SHIFT = 10;
    private static final int BYTE_SHIFT = 5;

    private final Map<Integer, State> states = new HashMap<>();

    /** What had come at the last update, and the averages, scaled. */
    private record State(Traffic last, Traffic average) {}

    /** What comes in a second. */
    synchronized Traffic rate(int id) {
        State state = states.get(id);
        if (state == null) {
            return Traffic.NONE;
        }
        Traffic average = state.average;
        return new Traffic(
                rounded(average.connections(), COUNT_SHIFT),
                rounded(average.inPackets(), COUNT_SHIFT),
                rounded(average.outPackets(), COUNT_SHIFT),
                rounded(average.inBytes(), BYTE_SHIFT),
                rounded(average.outBytes(), BYTE_SHIFT));
    }

    /**
     * Begins anew.
     *
     * @param sum what has come so far
     */
    synchronized void zero(int id, Traffic sum) {
        states.put(id, new State(sum, Traffic.NONE));
    }

    /**
     * Takes in what came since the last time.
     *
     * @param ids all that there are; what is known of others is forgotten
     * @param sum what has come so far
     */
    synchronized void update(Iterable<Integer> ids, IntFunction<Traffic> sum) {
        Map<Integer, State> before = new HashMap<>(states);
        states.clear();
        for (int id : ids) {
            Traffic now = sum.apply(id);
            State state = before.getOrDefault(id, new State(now, Traffic.NONE));
            Traffic delta = now.minus(state.last);
            Traffic average = state.average;
            states.put(
                    id,
                    new State(
                            now,
                            new Traffic(
                                    next(average.connections(), delta.connections(), COUNT_SHIFT),
                                    next(average.inPackets(), delta.inPackets(), COUNT_SHIFT),
                                    next(average.outPackets(), delta.outPackets(), COUNT_SHIFT),
                                    next(average.inBytes(), delta.inBytes(), BYTE_SHIFT),
                                    next(average.outBytes(), delta.outBytes(), BYTE_SHIFT))));
        }
    }

    private static long next(long average, long delta, int shift) {
        long rate = (delta << shift) / (PERIOD_MS / 1000);
        return average + ((rate - average) >> 2);
    }

    private static long rounded(long average, int shift) {
        // As the kernel, which adds one less than a half.
        return (average + (1L << (shift - 1)) - 1) >> shift;
    }
}
