package dev.sluice.schedule;

/**
 * A Maglev table while real servers take its entries, each walking a permutation of its own: from {@code position} on in steps of
 * {@code skip}, modulo the table's size, a prime. Owned by: the thread that builds the table.
 *
 * <p>Walks grow long as entries get few: half of all steps would be for the last √size entries. For those it is computed how
 * many steps each of them is away, and the nearest taken; what a walk finds is the same.
 */
final class MaglevEntries {
    private final int size;
    private final int[] position;
    private final int[] skip;
    private final char[] table;
    /** A bit an entry keeps what is asked most in the nearest cache. */
    private final long[] taken;

    private int left;
    /** The entries still free, once they are so few that distances to all of them cost less than a walk; before that empty. */
    private int[] free = {};
    /** ⌊2⁶⁴ / size⌋. */
    private final long reciprocal;

    /**
     * An empty table.
     *
     * @param position by real server, where its walk begins; changed by {@link #take}
     * @param skip by real server, 1 to size - 1
     */
    MaglevEntries(int size, int[] position, int[] skip) {
        this.size = size;
        this.position = position;
        this.skip = skip;
        this.table = new char[size];
        this.taken = new long[(size >> 6) + 1];
        this.left = size;
        this.reciprocal = Long.divideUnsigned(-1L, size);
    }

    /** Whether every entry is taken. */
    boolean isFull() {
        return left == 0;
    }

    /** The finished table: by entry, who took it. */
    char[] table() {
        return table;
    }

    /** Gives a real server the next free entry of its walk. There must be one. */
    void take(int who) {
        int at = free.length > 0 ? nearest(who) : walk(who);
        taken[at >> 6] |= 1L << at;
        position[who] = wrapped(at + skip[who] - size, size);
        table[at] = (char) who;
        left--;
        if (free.length == 0 && (long) left * left <= size) {
            listFree();
        }
    }

    private int walk(int who) {
        long[] bits = taken;
        int one = size;
        int step = skip[who] - one;
        int at = position[who];
        while ((bits[at >> 6] & 1L << at) != 0) {
            // Without a branch, which would be foretold wrongly as often as not.
            at = wrapped(at + step, one);
        }
        return at;
    }

    /** An index that is too small by {@code size} where it is negative. */
    private static int wrapped(int index, int size) {
        return index + (size & index >> 31);
    }

    private void listFree() {
        int[] list = new int[left];
        int count = 0;
        for (int at = 0; count < left; at++) {
            if ((taken[at >> 6] & 1L << at) == 0) {
                list[count++] = at;
            }
        }
        free = list;
    }

    private int nearest(int who) {
        int[] entries = free;
        int from = position[who];
        long inverse = inverse(skip[who]);
        long fewest = Long.MAX_VALUE;
        int found = 0;
        for (int i = 0; i < left; i++) {
            long steps = remainder(wrapped(entries[i] - from, size) * inverse);
            if (steps < fewest) {
                fewest = steps;
                found = i;
            }
        }
        int at = entries[found];
        entries[found] = entries[left - 1];
        return at;
    }

    /** Of a product below 2⁴⁸, by multiplication: the quotient may come out one too small. */
    private long remainder(long product) {
        long rest = product - Math.unsignedMultiplyHigh(product, reciprocal) * size;
        return rest >= size ? rest - size : rest;
    }

    /** What a step times gives 1, modulo the table's size: the extended Euclidean algorithm. */
    private int inverse(int step) {
        int a = size;
        int b = step;
        int forA = 0;
        int forB = 1;
        while (b > 1) {
            int quotient = a / b;
            int rest = a - quotient * b;
            int forRest = forA - quotient * forB;
            a = b;
            b = rest;
            forA = forB;
            forB = forRest;
        }
        return forB < 0 ? forB + size : forB;
    }
}
