package dev.sluice.forward.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class ObservationRingTest {
    private static final int SLOT_BYTES = 192;

    @Test
    void takes_as_many_as_it_has_slots_and_gives_them_back_in_order() {
        ObservationRing ring = new ObservationRing(4, SLOT_BYTES, Arena.ofAuto());
        for (int round = 0; round < 3; round++) {
            assertEquals(ObservationRing.EMPTY, ring.peek());
            for (int i = 0; i < 4; i++) {
                Slot.putLong(ring.memory(), ring.claim(), i);
                assertEquals(ring.claim(), ring.claim(), "the same slot until it is published");
                ring.publish();
            }
            assertEquals(ObservationRing.FULL, ring.claim());
            for (int i = 0; i < 4; i++) {
                assertEquals(i, Slot.readLong(ring.memory(), ring.peek()));
                ring.release();
            }
        }
        assertThrows(IllegalArgumentException.class, () -> new ObservationRing(3, SLOT_BYTES, Arena.ofAuto()));
    }

    /** Every slot is read whole, once and in order, while the writer goes on; what found no room is known to the writer. */
    @Test
    void two_threads_lose_nothing_but_what_is_counted() {
        ObservationRing ring = new ObservationRing(16, SLOT_BYTES, Arena.ofAuto());
        int offered = 200_000;
        CompletableFuture<Integer> lost = CompletableFuture.supplyAsync(() -> {
            int refused = 0;
            for (int i = 1; i <= offered; i++) {
                long slot = ring.claim();
                if (slot == ObservationRing.FULL && i % 2 == 0) {
                    refused++;
                    continue;
                }
                // Every other one waits, so that the reader has something to read on a machine that is busy.
                while (slot == ObservationRing.FULL) {
                    Thread.onSpinWait();
                    slot = ring.claim();
                }
                for (int word = 0; word < SLOT_BYTES; word += Long.BYTES) {
                    Slot.putLong(ring.memory(), slot + word, i);
                }
                ring.publish();
            }
            return refused;
        });
        long last = 0;
        int read = 0;
        while (true) {
            boolean ended = lost.isDone();
            long slot = ring.peek();
            if (slot == ObservationRing.EMPTY) {
                if (ended) {
                    break;
                }
                Thread.onSpinWait();
                continue;
            }
            long value = Slot.readLong(ring.memory(), slot);
            for (int word = 0; word < SLOT_BYTES; word += Long.BYTES) {
                assertEquals(value, Slot.readLong(ring.memory(), slot + word));
            }
            ring.release();
            assertTrue(value > last, value + " after " + last);
            last = value;
            read++;
        }
        assertEquals(offered, read + lost.join());
        assertTrue(read >= offered / 2);
    }
}
