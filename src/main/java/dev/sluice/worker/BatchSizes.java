package dev.sluice.worker;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * How many packets a worker found at a time, by powers of two: small batches mean room to spare, full ones that packets wait.
 * Written by the worker alone, read by anyone.
 */
public final class BatchSizes {
    /** The largest batch of each bucket; each holds those above the one before. */
    private static final int[] BOUNDS = {1, 2, 4, 8, 16, 32, 64, 128, 256};

    private static final VarHandle ELEMENT = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] batches = new long[BOUNDS.length];

    /** How many buckets there are. */
    public static int buckets() {
        return BOUNDS.length;
    }

    /** The largest number of packets that a bucket counts batches of; the smallest is one more than that of the bucket before. */
    public static int bound(int bucket) {
        return BOUNDS[bucket];
    }

    /** Batches in a bucket so far. Any thread. */
    public long count(int bucket) {
        return (long) ELEMENT.getOpaque(batches, bucket);
    }

    /**
     * Takes in a batch; an empty one is none. Owned by: worker.
     *
     * @param packets up to 256
     */
    void onBatch(int packets) {
        if (packets > 0) {
            int bucket = Integer.SIZE - Integer.numberOfLeadingZeros(packets - 1);
            ELEMENT.setOpaque(batches, bucket, batches[bucket] + 1);
        }
    }
}
