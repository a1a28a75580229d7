package dev.sluice.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class SnapshotSlotTest {
    @Test
    void theFirstSnapshotCountsAsAcknowledged() {
        SnapshotSlot<String> slot = new SnapshotSlot<>("one");
        assertTrue(slot.isAcknowledged("one"));
        assertSame("one", slot.acquire());
    }

    @Test
    void acknowledgesOnlyAfterTheBatch() {
        SnapshotSlot<String> slot = new SnapshotSlot<>("one");
        slot.publish("two");
        assertFalse(slot.isAcknowledged("two"));
        String seen = slot.acquire();
        assertFalse(slot.isAcknowledged("two"), "the batch is still under way");
        slot.acknowledge(seen);
        assertTrue(slot.isAcknowledged("two"));
    }

    @Test
    @Timeout(60)
    void everythingWrittenBeforePublishIsSeenAndEveryPublicationIsAcknowledged() throws InterruptedException {
        record Pair(int left, int right) {}
        SnapshotSlot<Pair> slot = new SnapshotSlot<>(new Pair(0, 0));
        int last = 2_000;
        int[] torn = new int[1];
        Thread worker = Thread.ofPlatform().start(() -> {
            Pair pair;
            do {
                pair = slot.acquire();
                if (pair.left != pair.right) {
                    torn[0]++;
                }
                slot.acknowledge(pair);
                LockSupport.parkNanos(1_000);
            } while (pair.left < last);
        });
        for (int i = 1; i <= last; i++) {
            Pair pair = new Pair(i, i);
            slot.publish(pair);
            while (!slot.isAcknowledged(pair)) {
                Thread.onSpinWait();
            }
        }
        worker.join();
        assertEquals(0, torn[0]);
    }
}
