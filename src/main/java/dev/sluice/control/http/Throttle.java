package dev.sluice.control.http;

import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/** Lets each address do something so often, and remembers no more than some of them: those that came last. Any thread. */
final class Throttle {
    private static final int MAX_ADDRESSES = 256;
    private static final long NS_PER_S = 1_000_000_000L;

    private final int burst;
    private final double perSecond;
    private final LongSupplier clockNs;
    private final Map<InetAddress, Bucket> buckets = new LinkedHashMap<>(16, 0.75f, true);

    private static final class Bucket {
        double tokens;
        long filledNs;
    }

    /**
     * @param burst how often at once
     * @param perSecond how often in the long run
     * @param clockNs a clock like {@link System#nanoTime}
     */
    Throttle(int burst, double perSecond, LongSupplier clockNs) {
        this.burst = burst;
        this.perSecond = perSecond;
        this.clockNs = clockNs;
    }

    /** Whether an address may do it now; if so, it has. */
    synchronized boolean take(InetAddress address) {
        Bucket bucket = fill(address);
        if (bucket.tokens < 1) {
            return false;
        }
        bucket.tokens--;
        return true;
    }

    /** Whether an address might do it now. */
    synchronized boolean might(InetAddress address) {
        return fill(address).tokens >= 1;
    }

    private Bucket fill(InetAddress address) {
        long nowNs = clockNs.getAsLong();
        Bucket bucket = buckets.get(address);
        if (bucket == null) {
            if (buckets.size() >= MAX_ADDRESSES) {
                buckets.remove(buckets.keySet().iterator().next());
            }
            bucket = new Bucket();
            bucket.tokens = burst;
            buckets.put(address, bucket);
        } else {
            bucket.tokens = Math.min(burst, bucket.tokens + (nowNs - bucket.filledNs) * perSecond / NS_PER_S);
        }
        bucket.filledNs = nowNs;
        return bucket;
    }
}
