package dev.sluice.forward;

import java.util.Arrays;

/**
 * The routes of one routing table and family, as a routing daemon may have a million of: columns that grow, no object for
 * each. A list that is filled again keeps its memory.
 *
 * <p>Prefixes stand as numbers of 128 bits whose top bits are the address's, so that those of both families are looked at
 * in the same way: an IPv4 address is the upper half of {@code high}.
 *
 * <p>Not thread-safe.
 */
public final class PrefixList {
    private static final int FIRST_CAPACITY = 64;

    private final boolean inet6;
    private long[] high = new long[FIRST_CAPACITY];
    /** Only of IPv6. */
    private long[] low;

    private byte[] lengths = new byte[FIRST_CAPACITY];
    private int[] metrics = new int[FIRST_CAPACITY];
    private int[] numbers = new int[FIRST_CAPACITY];
    private int size;
    private boolean sorted = true;

    /** An empty list of one family. */
    public PrefixList(boolean inet6) {
        this.inet6 = inet6;
        low = new long[inet6 ? FIRST_CAPACITY : 0];
    }

    /** Forgets all routes, but not the memory that they took. */
    public void clear() {
        size = 0;
        sorted = true;
    }

    public int size() {
        return size;
    }

    /** Whether the other list has the same routes in the same order. */
    public boolean sameAs(PrefixList other) {
        return inet6 == other.inet6
                && Arrays.equals(high, 0, size, other.high, 0, other.size)
                && (!inet6 || Arrays.equals(low, 0, size, other.low, 0, other.size))
                && Arrays.equals(lengths, 0, size, other.lengths, 0, other.size)
                && Arrays.equals(metrics, 0, size, other.metrics, 0, other.size)
                && Arrays.equals(numbers, 0, size, other.numbers, 0, other.size);
    }

    /**
     * Adds a route.
     *
     * @param addressHigh the upper half of an IPv6 address, 0 for IPv4; bits beyond the length are 0
     * @param addressLow the lower half, or the IPv4 address as an unsigned number
     * @param length of the prefix, 0–32 or 0–128
     * @param metric unsigned; of several routes for one prefix the lowest counts, of equal ones the first
     * @param number the route's number, or {@link RangeList#THROUGH} or {@link RangeList#DISCARD}
     */
    public void add(long addressHigh, long addressLow, int length, int metric, int number) {
        if (size == lengths.length) {
            grow();
        }
        int at = size++;
        high[at] = inet6 ? addressHigh : addressLow << 32;
        if (inet6) {
            low[at] = addressLow;
        }
        lengths[at] = (byte) length;
        metrics[at] = metric;
        numbers[at] = number;
        sorted &= at == 0 || compare(at - 1, at) <= 0;
    }

    private void grow() {
        int capacity = Math.multiplyExact(lengths.length, 2);
        high = Arrays.copyOf(high, capacity);
        low = Arrays.copyOf(low, inet6 ? capacity : 0);
        lengths = Arrays.copyOf(lengths, capacity);
        metrics = Arrays.copyOf(metrics, capacity);
        numbers = Arrays.copyOf(numbers, capacity);
    }

    /**
     * The longest-prefix match of all routes as disjoint ranges.
     *
     * @param longerThan routes of a length up to this are left out ({@code suppress_prefixlength}); -1 for none
     */
    public RangeList ranges(int longerThan) {
        sort();
        RangeList ranges = new RangeList(inet6, Math.min(size, 1 << 28));
        // The prefixes around the one looked at, from the widest to the narrowest: there is one of each length at most.
        int[] open = new int[129];
        int depth = 0;
        int before = -1;
        for (int i = 0; i < size; i++) {
            int length = length(i);
            if (length <= longerThan || (before >= 0 && samePrefix(before, i))) {
                continue;
            }
            before = i;
            while (depth > 0 && !contains(open[depth - 1], i)) {
                depth = close(ranges, open, depth);
            }
            ranges.add(high[i], low(i), numbers[i]);
            open[depth++] = i;
        }
        while (depth > 0) {
            depth = close(ranges, open, depth);
        }
        return ranges;
    }

    /** Goes on behind the innermost prefix with the number of the one around it. */
    private int close(RangeList ranges, int[] open, int depth) {
        int inner = open[depth - 1];
        int outer = depth == 1 ? RangeList.THROUGH : numbers[open[depth - 2]];
        int length = length(inner);
        long step = length > 64 ? 0 : 1L << (64 - length);
        long nextLow = length <= 64 ? 0 : low(inner) + (1L << (128 - length));
        // A prefix of 64 bits or less ends where the upper half counts on; a longer one may carry into it.
        long nextHigh = high[inner] + (length == 0 ? 0 : step) + (length > 64 && nextLow == 0 ? 1 : 0);
        if (nextHigh != 0 || nextLow != 0) {
            ranges.add(nextHigh, nextLow, outer);
        }
        return depth - 1;
    }

    private boolean contains(int outer, int inner) {
        int length = length(outer);
        return length <= 64
                ? length == 0 || (high[outer] ^ high[inner]) >>> (64 - length) == 0
                : high[outer] == high[inner] && (low(outer) ^ low(inner)) >>> (128 - length) == 0;
    }

    private boolean samePrefix(int a, int b) {
        return high[a] == high[b] && low(a) == low(b) && lengths[a] == lengths[b];
    }

    private long low(int i) {
        return inet6 ? low[i] : 0;
    }

    private int length(int i) {
        return Byte.toUnsignedInt(lengths[i]);
    }

    /** By address, wider prefixes first, then by metric. */
    private int compare(int a, int b) {
        if (high[a] != high[b]) {
            return Long.compareUnsigned(high[a], high[b]);
        }
        if (low(a) != low(b)) {
            return Long.compareUnsigned(low(a), low(b));
        }
        return lengths[a] != lengths[b]
                ? Integer.compare(length(a), length(b))
                : Integer.compareUnsigned(metrics[a], metrics[b]);
    }

    /** Sorts, equals staying in their order. The kernel's dumps are nearly sorted: runs that are in order are merged. */
    public void sort() {
        if (sorted) {
            return;
        }
        int[] order = new int[size];
        int[] ends = new int[size];
        int runs = 0;
        for (int i = 0; i < size; i++) {
            order[i] = i;
            if (i + 1 == size || compare(i, i + 1) > 0) {
                ends[runs++] = i + 1;
            }
        }
        int[] merged = new int[size];
        while (runs > 1) {
            int left = 0;
            int fewer = 0;
            for (int run = 0; run < runs; run += 2) {
                int middle = ends[run];
                int right = run + 1 < runs ? ends[run + 1] : middle;
                merge(order, left, middle, right, merged);
                ends[fewer++] = right;
                left = right;
            }
            int[] swap = order;
            order = merged;
            merged = swap;
            runs = fewer;
        }
        permute(order);
        sorted = true;
    }

    private void merge(int[] from, int left, int middle, int right, int[] to) {
        int a = left;
        int b = middle;
        for (int i = left; i < right; i++) {
            boolean takeLeft = b == right || (a < middle && compare(from[a], from[b]) <= 0);
            to[i] = takeLeft ? from[a++] : from[b++];
        }
    }

    private void permute(int[] order) {
        long[] longs = new long[high.length];
        for (int i = 0; i < size; i++) {
            longs[i] = high[order[i]];
        }
        long[] spare = high;
        high = longs;
        if (inet6) {
            for (int i = 0; i < size; i++) {
                spare[i] = low[order[i]];
            }
            low = spare;
        }
        byte[] bytes = new byte[lengths.length];
        int[] metricsSorted = new int[metrics.length];
        int[] numbersSorted = new int[numbers.length];
        for (int i = 0; i < size; i++) {
            bytes[i] = lengths[order[i]];
            metricsSorted[i] = metrics[order[i]];
            numbersSorted[i] = numbers[order[i]];
        }
        lengths = bytes;
        metrics = metricsSorted;
        numbers = numbersSorted;
    }
}
