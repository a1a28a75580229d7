package dev.sluice.bench.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SinkTest {
    /** As {@code sink.bpf.c} has it. */
    private static int bucketOf(long delayNs) {
        int octave = delayNs < 2048 ? 0 : 63 - Long.numberOfLeadingZeros(delayNs) - 10;
        return octave * 1024 + (int) (delayNs >> octave);
    }

    @Test
    void buckets_stand_for_delays_to_three_digits() {
        for (long delayNs = 1; delayNs < 30_000_000_000L; delayNs += 1 + delayNs / 777) {
            long middle = Sink.middleNs(bucketOf(delayNs));
            assertTrue(Math.abs(middle - delayNs) <= delayNs / 1000.0, delayNs + " became " + middle);
            assertTrue(middle <= Sink.LONGEST_NS);
        }
    }

    @Test
    void short_delays_are_exact() {
        for (int delayNs = 0; delayNs < 2048; delayNs++) {
            assertEquals(delayNs, Sink.middleNs(bucketOf(delayNs)));
        }
    }
}
