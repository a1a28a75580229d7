package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** However fast packets come that ask for an ICMP error, no more are sent than allowed, and those are. */
class IcmpRateTest {
    private final byte[] expired = GoldenFrames.to(GoldenSetup.TCP4).ttl(1).build();
    private final byte[] expired6 = GoldenFrames.to(GoldenSetup.TCP6).ttl(1).build();
    private final PacketBuilder big = GoldenFrames.to(GoldenSetup.TCP6).payloadLength(1500);

    /** A twentieth of a second's errors at once, at the least one, and then the rate. */
    @ParameterizedTest
    @CsvSource({"0, 0", "1, 1", "19, 1", "20, 1", "40, 2", "1000, 50", "100000, 5000"})
    void burstThenRate(int perSecond, int burst) {
        GoldenSetup setup = GoldenSetup.DR.icmpErrors(perSecond);
        Harness harness = new Harness(64, ConnectionPolicy.DEFAULT, setup.policy());
        ForwardingSnapshot snapshot = setup.snapshot();
        long begin = 86_400_000L * 365;
        int asked = burst + 100;
        for (int i = 0; i < asked; i++) {
            harness.process(snapshot, i % 2 == 0 ? expired : expired6, begin);
        }
        assertEquals(burst, harness.counters.get(Counter.ICMP_ERROR_SENT));
        assertEquals(asked - burst, harness.counters.get(Counter.ICMP_RATE_LIMITED));
        // Two seconds with more requests than allowed in every millisecond.
        int each = perSecond / 1000 + 2;
        for (int ms = 1; ms <= 2000; ms++) {
            for (int i = 0; i < each; i++) {
                harness.process(snapshot, i % 2 == 0 ? expired : expired6, begin + ms);
            }
        }
        long sent = harness.counters.get(Counter.ICMP_ERROR_SENT);
        // A burst of one is full before a millisecond is over, and the rest of that is lost.
        assertTrue(sent <= burst + 2L * perSecond && sent >= burst + perSecond * 19 / 10, () -> "sent " + sent);
        // Silence saves up no more than one burst.
        long before = harness.counters.get(Counter.ICMP_ERROR_SENT);
        for (int i = 0; i < asked; i++) {
            harness.process(snapshot, expired, begin + 1_000_000_000L);
        }
        assertEquals(burst, harness.counters.get(Counter.ICMP_ERROR_SENT) - before);
        assertEquals(
                harness.counters.get(Counter.TTL_EXPIRED),
                harness.counters.get(Counter.ICMP_ERROR_SENT) + harness.counters.get(Counter.ICMP_RATE_LIMITED));
    }

    /** A host that has been up for a year, or a worker that sent nothing for so long. */
    @Test
    void aYearOfSilence() {
        GoldenSetup setup = GoldenSetup.DR.icmpErrors(1_000_000);
        Harness harness = new Harness(64, ConnectionPolicy.DEFAULT, setup.policy());
        assertEquals(0, harness.process(setup.snapshot(), expired, 86_400_000L * 365));
        assertEquals(1, harness.counters.get(Counter.ICMP_ERROR_SENT));
    }

    /** All errors share the limit, whatever the reason. */
    @Test
    void oneLimitForAll() {
        GoldenSetup setup = GoldenSetup.DR.icmpErrors(40);
        Harness harness = new Harness(64, ConnectionPolicy.DEFAULT, setup.policy());
        ForwardingSnapshot snapshot = setup.snapshot();
        harness.process(snapshot, big.build(), 1000);
        harness.process(snapshot, expired, 1000);
        assertEquals(2, harness.counters.get(Counter.ICMP_ERROR_SENT));
        assertEquals(Batch.DROPPED, harness.process(snapshot, expired6, 1000));
        assertEquals(1, harness.counters.get(Counter.ICMP_RATE_LIMITED));
    }
}
