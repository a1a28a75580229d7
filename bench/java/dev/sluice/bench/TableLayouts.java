package dev.sluice.bench;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Counts what a look-up reads in a table of one-line entries, by layout: linear probing; cuckoo hashing with two buckets of
 * four adjacent entries; an index of 4-byte entry numbers, probed linearly, beside a dense array of entries. Lines are
 * cache lines read; places are those among them that do not follow the one before, which no prefetcher sees coming.
 *
 * <p>Counts do not depend on the machine or on what else it does. Prints a table.
 */
public final class TableLayouts {
    private static final int SLOTS = 1 << 20;
    private static final int MASK = SLOTS - 1;
    private static final int BUCKET = 4;
    private static final int INDEXES_PER_LINE = 16;

    private final SplittableRandom random = new SplittableRandom(1);
    private long lines;
    private long places;

    private TableLayouts() {}

    /** Runs the count. */
    public static void main(String[] none) {
        System.out.println("load  layout   lines/hit  places/hit  lines/miss  places/miss");
        for (double load : new double[] {0.5, 0.6, 0.75}) {
            new TableLayouts().count(load);
        }
    }

    private void count(double load) {
        long[] keys = random.longs((long) (SLOTS * load)).map(key -> key | 1).toArray();
        long[] others = random.longs(keys.length).map(key -> key | 1).toArray();
        long[] linear = new long[SLOTS];
        Arrays.stream(keys).forEach(key -> linear[freeFrom(linear, (int) key >>> 1 & MASK)] = key);
        print(load, "linear", keys, others, key -> probe(linear, key, 1));
        print(load, "index", keys, others, key -> {
            if (probe(linear, key, INDEXES_PER_LINE)) {
                // The entry itself, known only when the index has been read.
                lines++;
                places++;
                return true;
            }
            return false;
        });
        long[] cuckoo = new long[SLOTS];
        Arrays.stream(keys).forEach(key -> insertCuckoo(cuckoo, key));
        print(
                load,
                "cuckoo",
                keys,
                others,
                key -> inBucket(cuckoo, first(key), key) || inBucket(cuckoo, second(key), key));
    }

    /** A look-up that adds what it reads. */
    private interface Lookup {
        boolean find(long key);
    }

    private void print(double load, String layout, long[] keys, long[] others, Lookup lookup) {
        double[] hit = measure(keys, true, lookup);
        double[] miss = measure(others, false, lookup);
        System.out.printf(
                "%4.2f  %-7s  %9.2f  %10.2f  %10.2f  %11.2f%n", load, layout, hit[0], hit[1], miss[0], miss[1]);
    }

    private double[] measure(long[] keys, boolean present, Lookup lookup) {
        lines = 0;
        places = 0;
        for (long key : keys) {
            if (lookup.find(key) != present) {
                throw new AssertionError("a key is " + (present ? "missing" : "found"));
            }
        }
        return new double[] {(double) lines / keys.length, (double) places / keys.length};
    }

    private boolean probe(long[] table, long key, int perLine) {
        int slot = (int) key >>> 1 & MASK;
        places++;
        lines++;
        while (table[slot] != 0 && table[slot] != key) {
            slot = slot + 1 & MASK;
            if (slot % perLine == 0) {
                lines++;
            }
        }
        return table[slot] == key;
    }

    private static int freeFrom(long[] table, int home) {
        int slot = home;
        while (table[slot] != 0) {
            slot = slot + 1 & MASK;
        }
        return slot;
    }

    private boolean inBucket(long[] table, int bucket, long key) {
        places++;
        for (int i = 0; i < BUCKET; i++) {
            lines++;
            if (table[bucket + i] == key) {
                return true;
            }
            if (table[bucket + i] == 0) {
                return false;
            }
        }
        return false;
    }

    private static int first(long key) {
        return (int) (key >>> 1) & MASK & -BUCKET;
    }

    private static int second(long key) {
        return (int) (key >>> 33) & MASK & -BUCKET;
    }

    private void insertCuckoo(long[] table, long key) {
        long homeless = key;
        for (int kick = 0; kick < 1000; kick++) {
            for (int bucket : new int[] {first(homeless), second(homeless)}) {
                for (int i = 0; i < BUCKET; i++) {
                    if (table[bucket + i] == 0) {
                        table[bucket + i] = homeless;
                        return;
                    }
                }
            }
            int victim = (random.nextBoolean() ? first(homeless) : second(homeless)) + random.nextInt(BUCKET);
            long evicted = table[victim];
            table[victim] = homeless;
            homeless = evicted;
        }
        throw new AssertionError("no place for a key");
    }
}
