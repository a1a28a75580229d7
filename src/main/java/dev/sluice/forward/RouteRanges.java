package dev.sluice.forward;

/**
 * Which route an address takes: the ranges of {@link RangeList} of both families, packed for workers that look up every packet's
 * destination. Immutable.
 *
 * <p>A million routes are up to two million ranges, of which those with the same way that lie side by side are one. A binary
 * search over all of them would touch twenty cache lines; so the first 16 bits of the address, or as many as there is use
 * for, lead by an index to the few ranges that lie there. A trie of 24 and 8 bits (DIR-24-8) would take one or two accesses, but
 * 64 MB for each snapshot however few the routes are.
 */
public final class RouteRanges {
    /** Without any route. */
    public static final RouteRanges EMPTY = new RouteRanges(new RangeList(false), new RangeList(true));

    private static final int MAX_INDEX_BITS = 16;

    // By range of IPv4: the first address with its top bit inverted, so that signed order is that of addresses.
    private final int[] inetStarts;
    private final int[] inetNumbers;
    private final int[] inetIndex;
    private final int inetShift;

    // By range of IPv6.
    private final long[] inet6High;
    private final long[] inet6Low;
    private final int[] inet6Numbers;
    private final int[] inet6Index;
    private final int inet6Shift;

    /** Packs the ranges of either family. */
    public RouteRanges(RangeList inet, RangeList inet6) {
        if (inet.inet6() || !inet6.inet6()) {
            throw new IllegalArgumentException("ranges of the wrong family");
        }
        inetStarts = new int[inet.size()];
        inetNumbers = numbers(inet);
        for (int i = 0; i < inetStarts.length; i++) {
            inetStarts[i] = (int) (inet.high(i) >>> 32) ^ Integer.MIN_VALUE;
        }
        inetShift = Integer.SIZE - indexBits(inet);
        inetIndex = index(inet);
        inet6High = new long[inet6.size()];
        inet6Low = new long[inet6.size()];
        inet6Numbers = numbers(inet6);
        for (int i = 0; i < inet6High.length; i++) {
            inet6High[i] = inet6.high(i) ^ Long.MIN_VALUE;
            inet6Low[i] = inet6.low(i) ^ Long.MIN_VALUE;
        }
        inet6Shift = Long.SIZE - indexBits(inet6);
        inet6Index = index(inet6);
    }

    private static int[] numbers(RangeList ranges) {
        int[] numbers = new int[ranges.size()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = Math.max(ranges.number(i), RouteTable.NONE);
        }
        return numbers;
    }

    private static int indexBits(RangeList ranges) {
        return Math.clamp(Integer.SIZE - Integer.numberOfLeadingZeros(ranges.size() - 1), 1, MAX_INDEX_BITS);
    }

    /** By first bits, the last range that begins at or before the first address with these; at the end the last of all. */
    private static int[] index(RangeList ranges) {
        int bits = indexBits(ranges);
        int[] index = new int[(1 << bits) + 1];
        int range = 0;
        for (int slot = 0; slot < 1 << bits; slot++) {
            long first = (long) slot << (Long.SIZE - bits);
            while (range + 1 < ranges.size()
                    && (Long.compareUnsigned(ranges.high(range + 1), first) < 0
                            || (ranges.high(range + 1) == first && ranges.low(range + 1) == 0))) {
                range++;
            }
            index[slot] = range;
        }
        index[1 << bits] = ranges.size() - 1;
        return index;
    }

    /** How many ranges there are, of both families. */
    int size() {
        return inetStarts.length + inet6High.length;
    }

    int findInet(int addressBe) {
        int key = addressBe ^ Integer.MIN_VALUE;
        int slot = addressBe >>> inetShift;
        int from = inetIndex[slot];
        int to = inetIndex[slot + 1];
        while (from < to) {
            int middle = (from + to + 1) >>> 1;
            if (inetStarts[middle] <= key) {
                from = middle;
            } else {
                to = middle - 1;
            }
        }
        return inetNumbers[from];
    }

    int findInet6(long high, long low) {
        long keyHigh = high ^ Long.MIN_VALUE;
        long keyLow = low ^ Long.MIN_VALUE;
        int slot = (int) (high >>> inet6Shift);
        int from = inet6Index[slot];
        int to = inet6Index[slot + 1];
        while (from < to) {
            int middle = (from + to + 1) >>> 1;
            long startHigh = inet6High[middle];
            if (startHigh < keyHigh || (startHigh == keyHigh && inet6Low[middle] <= keyLow)) {
                from = middle;
            } else {
                to = middle - 1;
            }
        }
        return inet6Numbers[from];
    }
}
