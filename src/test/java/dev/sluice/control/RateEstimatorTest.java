package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sluice.stats.Traffic;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Against the arithmetic of ip_vs_est.c, worked out by hand. */
final class RateEstimatorTest {
    private final RateEstimator rates = new RateEstimator();

    private void update(int id, Traffic sum) {
        rates.follow(List.of(id));
        rates.update((_, read) -> read.set(sum));
    }

    @Test
    void burst() {
        update(1, Traffic.NONE);
        update(1, new Traffic(10, 60, 40, 3230, 2000));
        // A quarter of half of each: 1.25, 7.5, 5, 403.75, 250.
        assertEquals(new Traffic(1, 7, 5, 404, 250), rates.rate(1));
        update(1, new Traffic(10, 60, 40, 3230, 2000));
        // Three quarters of that: 0.9375, 5.625, 3.75, 302.8, 187.5.
        assertEquals(new Traffic(1, 6, 4, 303, 187), rates.rate(1));
    }

    @Test
    void steadyStream() {
        long packets = 0;
        update(7, Traffic.NONE);
        for (int i = 0; i < 120; i++) {
            packets += 2_000_000;
            update(7, new Traffic(0, packets, 0, packets * 1500, 0));
        }
        assertEquals(1_000_000, rates.rate(7).inPackets());
        assertEquals(1_500_000_000L, rates.rate(7).inBytes());
    }

    @Test
    void fallsToNothing() {
        update(7, Traffic.NONE);
        update(7, new Traffic(1000, 1000, 0, 1000, 0));
        for (int i = 0; i < 60; i++) {
            update(7, new Traffic(1000, 1000, 0, 1000, 0));
        }
        assertEquals(Traffic.NONE, rates.rate(7));
    }

    @Test
    void whatCameBeforeTheFirstLookDoesNotCount() {
        update(3, new Traffic(1_000_000, 1_000_000, 0, 1_000_000, 0));
        assertEquals(Traffic.NONE, rates.rate(3));
    }

    @Test
    void zeroBeginsAnew() {
        update(3, Traffic.NONE);
        update(3, new Traffic(100, 100, 0, 100, 0));
        rates.zero(3, new Traffic(150, 150, 0, 150, 0));
        assertEquals(Traffic.NONE, rates.rate(3));
        update(3, new Traffic(158, 158, 0, 158, 0));
        assertEquals(1, rates.rate(3).connections());
    }

    @Test
    void otherIdsAreForgotten() {
        update(3, Traffic.NONE);
        update(3, new Traffic(100, 100, 0, 100, 0));
        update(4, Traffic.NONE);
        assertEquals(Traffic.NONE, rates.rate(3));
    }

    @Test
    void eachIdHasItsOwn() {
        rates.follow(List.of(1, 2));
        for (long i = 0; i < 2; i++) {
            long packets = i * 800;
            rates.update((id, read) -> read.set(new Traffic(0, packets * id, 0, 0, 0)));
        }
        assertEquals(100, rates.rate(1).inPackets());
        assertEquals(200, rates.rate(2).inPackets());
    }

    @Test
    void whatIsFollowedAgainGoesOn() {
        update(3, Traffic.NONE);
        update(3, new Traffic(80, 0, 0, 0, 0));
        rates.follow(List.of(4, 3));
        assertEquals(10, rates.rate(3).connections());
    }

    @Test
    void updatesAllocateNothing() {
        rates.follow(IntStream.range(0, 10_000).boxed().toList());
        RateEstimator.Counted counted = (id, read) -> {
            read.connections = id;
            read.inPackets++;
        };
        rates.update(counted);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        rates.update(counted);
        // A few for the counting itself; one object for each id would be 160,000.
        assertTrue(threads.getCurrentThreadAllocatedBytes() - before < 10_000);
    }
}
