package dev.sluice.forward.observe;

import dev.sluice.forward.Counter;
import dev.sluice.forward.Counters;

/** What a worker has counted between two moments. Owned by: worker. */
final class CounterReading {
    private static final Counter[] ALL = Counter.values();

    private final long[] before = new long[ALL.length];
    private final int[] changed = new int[ALL.length];
    private final long[] amounts = new long[ALL.length];
    private int count;

    /** The first moment. */
    void begin(Counters counters) {
        for (int i = 0; i < ALL.length; i++) {
            before[i] = counters.get(ALL[i]);
        }
    }

    /** The second one. */
    void end(Counters counters) {
        count = 0;
        for (int i = 0; i < ALL.length; i++) {
            long amount = counters.get(ALL[i]) - before[i];
            if (amount != 0) {
                changed[count] = i;
                amounts[count++] = amount;
            }
        }
    }

    /** How many counters have changed. */
    int count() {
        return count;
    }

    /** One of them, as {@link Counter#index} says. */
    int changed(int i) {
        return changed[i];
    }

    /** By how much. */
    long amount(int i) {
        return amounts[i];
    }

    /** By how much a counter has changed. */
    long of(Counter counter) {
        for (int i = 0; i < count; i++) {
            if (changed[i] == counter.index()) {
                return amounts[i];
            }
        }
        return 0;
    }

    /** Whether one of some counters has changed. */
    boolean anyOf(boolean[] counters) {
        for (int i = 0; i < count; i++) {
            if (counters[changed[i]]) {
                return true;
            }
        }
        return false;
    }

    /** How many of these there were. */
    long sumOf(boolean[] counters) {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += counters[changed[i]] ? amounts[i] : 0;
        }
        return sum;
    }

    static Counter counter(int index) {
        return ALL[index];
    }
}
