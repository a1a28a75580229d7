package dev.sluice.control;

import dev.sluice.stats.Traffic;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Rates as IPVS estimates them (ip_vs_est.c): every two seconds a quarter of the difference between what came since and the
 * average so far is added to that; averages are kept in 1/1024 of a connection or packet and 1/32 of a byte, and rounded half
 * up when they are shown. Any thread.
 *
 * <p>{@link #update} allocates nothing: of ten thousand real servers it would be what a director's heap fills with.
 */
final class RateEstimator {
    /** How often {@link #update} is to be called. */
    static final int PERIOD_MS = 2_000;

    private static final int COUNT_SHIFT = 10;
    private static final int BYTE_SHIFT = 5;

    private final Map<Integer, State> states = new HashMap<>();
    /** Those that are brought up to date. */
    private final List<State> followed = new ArrayList<>();

    private final Sum sum = new Sum();

    /** What has come so far. */
    static final class Sum {
        long connections;
        long inPackets;
        long outPackets;
        long inBytes;
        long outBytes;

        /** The same as a value. */
        Traffic traffic() {
            return new Traffic(connections, inPackets, outPackets, inBytes, outBytes);
        }

        void set(Traffic traffic) {
            connections = traffic.connections();
            inPackets = traffic.inPackets();
            outPackets = traffic.outPackets();
            inBytes = traffic.inBytes();
            outBytes = traffic.outBytes();
        }
    }

    /** Says what has come for an id. */
    @FunctionalInterface
    interface Counted {
        /** Sets all fields of a sum. */
        void read(int id, Sum sum);
    }

    /** What had come at the last update, and the averages, scaled. */
    private static final class State {
        final int id;
        final Sum last = new Sum();
        final Sum average = new Sum();
        boolean known;

        State(int id) {
            this.id = id;
        }

        void begin(Sum now) {
            take(now);
            average.set(Traffic.NONE);
            known = true;
        }

        void update(Sum now) {
            average.connections = next(average.connections, now.connections - last.connections, COUNT_SHIFT);
            average.inPackets = next(average.inPackets, now.inPackets - last.inPackets, COUNT_SHIFT);
            average.outPackets = next(average.outPackets, now.outPackets - last.outPackets, COUNT_SHIFT);
            average.inBytes = next(average.inBytes, now.inBytes - last.inBytes, BYTE_SHIFT);
            average.outBytes = next(average.outBytes, now.outBytes - last.outBytes, BYTE_SHIFT);
            take(now);
        }

        private void take(Sum now) {
            last.connections = now.connections;
            last.inPackets = now.inPackets;
            last.outPackets = now.outPackets;
            last.inBytes = now.inBytes;
            last.outBytes = now.outBytes;
        }
    }

    /** What comes in a second. */
    synchronized Traffic rate(int id) {
        State state = states.get(id);
        if (state == null) {
            return Traffic.NONE;
        }
        Sum average = state.average;
        return new Traffic(
                rounded(average.connections, COUNT_SHIFT),
                rounded(average.inPackets, COUNT_SHIFT),
                rounded(average.outPackets, COUNT_SHIFT),
                rounded(average.inBytes, BYTE_SHIFT),
                rounded(average.outBytes, BYTE_SHIFT));
    }

    /**
     * Begins anew.
     *
     * @param traffic what has come so far
     */
    synchronized void zero(int id, Traffic traffic) {
        sum.set(traffic);
        states.computeIfAbsent(id, State::new).begin(sum);
    }

    /**
     * Says which there are from now on; what is known of others is forgotten.
     *
     * @param ids each of them once
     */
    synchronized void follow(Iterable<Integer> ids) {
        Map<Integer, State> before = new HashMap<>(states);
        states.clear();
        followed.clear();
        for (int id : ids) {
            State state = before.getOrDefault(id, new State(id));
            states.put(id, state);
            followed.add(state);
        }
    }

    /** Takes in what came since the last time. */
    synchronized void update(Counted counted) {
        for (int i = 0; i < followed.size(); i++) {
            State state = followed.get(i);
            counted.read(state.id, sum);
            if (state.known) {
                state.update(sum);
            } else {
                state.begin(sum);
            }
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
