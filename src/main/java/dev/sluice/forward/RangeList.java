package dev.sluice.forward;

import java.util.Arrays;

/**
 * Which route each address of a family takes, as disjoint ranges that together are all addresses: each begins where it says,
 * and ends before the next. What routing tables and policy rules are put together in before {@link RouteTable} has them.
 *
 * <p>Addresses stand as in {@link PrefixList}. Not thread-safe.
 */
public final class RangeList {
    /** No route here: rules of a lower priority decide. */
    public static final int THROUGH = -1;
    /** Packets do not leave: a route that says so, or an address of the director's own. */
    public static final int DISCARD = -2;

    private static final int OUTSIDE = -3;

    private final boolean inet6;
    private long[] high;
    /** Only of IPv6. */
    private long[] low;

    private int[] numbers;
    private int size;

    /** Without any route. */
    public RangeList(boolean inet6) {
        this(inet6, 0);
    }

    /** One range of {@link #THROUGH}, with room for more. */
    RangeList(boolean inet6, int capacity) {
        this.inet6 = inet6;
        high = new long[capacity + 1];
        low = new long[inet6 ? capacity + 1 : 0];
        numbers = new int[capacity + 1];
        numbers[0] = THROUGH;
        size = 1;
    }

    /** All addresses with one number. */
    public static RangeList all(boolean inet6, int number) {
        RangeList list = new RangeList(inet6, 0);
        list.numbers[0] = number;
        return list;
    }

    /** Whether there is no route at all. */
    public boolean isEmpty() {
        return size == 1 && numbers[0] == THROUGH;
    }

    boolean inet6() {
        return inet6;
    }

    int size() {
        return size;
    }

    long high(int range) {
        return high[range];
    }

    long low(int range) {
        return inet6 ? low[range] : 0;
    }

    int number(int range) {
        return numbers[range];
    }

    /** Begins a range, at or behind the beginning of the last; neighbours of one number become one. */
    void add(long startHigh, long startLow, int number) {
        if (high[size - 1] == startHigh && low(size - 1) == startLow) {
            size--;
        }
        if (size > 0 && numbers[size - 1] == number) {
            return;
        }
        if (size == numbers.length) {
            int capacity = size + (size >> 1) + 8;
            high = Arrays.copyOf(high, capacity);
            low = Arrays.copyOf(low, inet6 ? capacity : 0);
            numbers = Arrays.copyOf(numbers, capacity);
        }
        high[size] = startHigh;
        if (inet6) {
            low[size] = startLow;
        }
        numbers[size++] = number;
    }

    /** These ranges, and where they are {@link #THROUGH} those of another list: rules in the order of their priority. */
    public RangeList orElse(RangeList next) {
        RangeList both = new RangeList(inet6, Math.max(size, next.size));
        int a = 0;
        int b = 0;
        both.add(0, 0, numbers[0] == THROUGH ? next.numbers[0] : numbers[0]);
        while (a + 1 < size || b + 1 < next.size) {
            int order = a + 1 == size ? 1 : b + 1 == next.size ? -1 : compare(a + 1, next, b + 1);
            a += order <= 0 ? 1 : 0;
            b += order >= 0 ? 1 : 0;
            RangeList later = order <= 0 ? this : next;
            int at = order <= 0 ? a : b;
            both.add(later.high[at], later.low(at), numbers[a] == THROUGH ? next.numbers[b] : numbers[a]);
        }
        return both;
    }

    /** These ranges, but {@link #THROUGH} outside a prefix: a rule for some destinations. */
    public RangeList within(long addressHigh, long addressLow, int length) {
        PrefixList one = new PrefixList(inet6);
        one.add(addressHigh, addressLow, length, 0, DISCARD);
        RangeList inside = one.ranges(-1);
        // Outside first: what is there goes before, what is not stays open.
        RangeList outside = new RangeList(inet6, inside.size);
        for (int i = 0; i < inside.size; i++) {
            outside.add(inside.high[i], inside.low(i), inside.numbers[i] == THROUGH ? OUTSIDE : THROUGH);
        }
        RangeList clipped = outside.orElse(this);
        for (int i = 0; i < clipped.size; i++) {
            clipped.numbers[i] = clipped.numbers[i] == OUTSIDE ? THROUGH : clipped.numbers[i];
        }
        return clipped;
    }

    private int compare(int mine, RangeList other, int theirs) {
        int byHigh = Long.compareUnsigned(high[mine], other.high[theirs]);
        return byHigh != 0 ? byHigh : Long.compareUnsigned(low(mine), other.low(theirs));
    }
}
