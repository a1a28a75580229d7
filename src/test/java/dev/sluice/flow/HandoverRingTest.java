package dev.sluice.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class HandoverRingTest {
    private static FlowCopy flow(long number) {
        FlowCopy flow = new FlowCopy();
        flow.clientHigh = number;
        flow.clientLow = -number;
        flow.virtualHigh = number * 3;
        flow.virtualLow = ~number;
        flow.tuple = number << 8;
        flow.hash = (int) -number;
        flow.realServer = (int) number;
        flow.lastSeenMs = (int) (number * 7) - 5;
        flow.packets = (int) -number - 1;
        return flow;
    }

    private static void assertIs(long number, FlowCopy flow) {
        FlowCopy expected = flow(number);
        assertEquals(expected.clientHigh, flow.clientHigh);
        assertEquals(expected.clientLow, flow.clientLow);
        assertEquals(expected.virtualHigh, flow.virtualHigh);
        assertEquals(expected.virtualLow, flow.virtualLow);
        assertEquals(expected.tuple, flow.tuple);
        assertEquals(expected.hash, flow.hash);
        assertEquals(expected.realServer, flow.realServer);
        assertEquals(expected.lastSeenMs, flow.lastSeenMs);
        assertEquals(expected.packets, flow.packets);
    }

    @Test
    void whatGoesInComesOutInOrderUntilItIsFull() {
        HandoverRing ring = new HandoverRing(4);
        FlowCopy out = new FlowCopy();
        assertFalse(ring.poll(out));
        for (int lap = 0; lap < 5; lap++) {
            for (int i = 0; i < 4; i++) {
                assertTrue(ring.offer(flow(10 * lap + i)));
            }
            assertFalse(ring.offer(flow(99)));
            assertTrue(ring.poll(out));
            assertIs(10L * lap, out);
            assertTrue(ring.offer(flow(10 * lap + 4)));
            for (int i = 1; i < 5; i++) {
                assertTrue(ring.poll(out));
                assertIs(10 * lap + i, out);
            }
            assertFalse(ring.poll(out));
        }
        assertThrows(IllegalArgumentException.class, () -> new HandoverRing(3));
    }

    @Test
    @Timeout(60)
    void twoThreadsSeeWholeFlowsInOrder() throws Exception {
        HandoverRing ring = new HandoverRing(8);
        long flows = 1_000_000;
        Thread producer = new Thread(() -> {
            for (long number = 0; number < flows; number++) {
                FlowCopy flow = flow(number);
                while (!ring.offer(flow)) {
                    Thread.onSpinWait();
                }
            }
        });
        producer.start();
        FlowCopy out = new FlowCopy();
        for (long number = 0; number < flows; number++) {
            while (!ring.poll(out)) {
                Thread.onSpinWait();
            }
            assertIs(number, out);
        }
        producer.join();
        assertFalse(ring.poll(out));
    }
}
