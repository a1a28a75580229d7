package dev.sluice.xsk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class FramePoolTest {
    @Test
    void handsOutEveryFrameOnceThenNone() {
        FramePool pool = new FramePool(100, 2048);
        BitSet seen = new BitSet();
        for (int i = 0; i < 100; i++) {
            long address = pool.alloc();
            assertEquals(0, address % 2048);
            assertTrue(address >= 0 && address < 100 * 2048);
            seen.set((int) (address / 2048));
        }
        assertEquals(100, seen.cardinality());
        assertEquals(-1, pool.alloc());
        assertEquals(0, pool.available());
    }

    @Test
    void lastInFirstOut() {
        FramePool pool = new FramePool(4, 4096);
        long first = pool.alloc();
        long second = pool.alloc();
        pool.free(first);
        pool.free(second);
        assertEquals(second, pool.alloc());
        assertEquals(first, pool.alloc());
    }

    @Test
    void anyAddressWithinAFrameFreesIt() {
        for (int sizeBytes : new int[] {2048, 4096}) {
            FramePool pool = new FramePool(3, sizeBytes);
            long frame = pool.alloc();
            for (int offset : new int[] {0, 1, 256, 300, sizeBytes - 1}) {
                pool.free(frame + offset);
                assertEquals(frame, pool.alloc());
            }
        }
    }

    @Test
    void bulkAndSingleMixConserveFrames() {
        Random random = new Random(4);
        FramePool pool = new FramePool(64, 2048);
        List<Long> held = new ArrayList<>();
        long[] batch = new long[80];
        for (int step = 0; step < 20_000; step++) {
            int count = random.nextInt(70);
            switch (random.nextInt(4)) {
                case 0 -> {
                    int taken = pool.alloc(batch, 3, count);
                    assertEquals(Math.min(count, 64 - held.size()), taken);
                    for (int i = 0; i < taken; i++) {
                        held.add(batch[3 + i]);
                    }
                }
                case 1 -> {
                    long frame = pool.alloc();
                    if (frame >= 0) {
                        held.add(frame);
                    }
                }
                case 2 -> {
                    int back = Math.min(count, held.size());
                    for (int i = 0; i < back; i++) {
                        batch[5 + i] = held.remove(random.nextInt(held.size())) + random.nextInt(2048);
                    }
                    pool.free(batch, 5, back);
                }
                default -> {
                    if (!held.isEmpty()) {
                        pool.free(held.removeLast());
                    }
                }
            }
            assertEquals(64, pool.available() + held.size());
            assertEquals(held.size(), held.stream().distinct().count(), "a frame was handed out twice");
        }
    }

    @Test
    void refusesSizesThatAreNoPowersOfTwo() {
        assertThrows(IllegalArgumentException.class, () -> new FramePool(4, 3000));
        assertThrows(IllegalArgumentException.class, () -> new FramePool(0, 2048));
    }
}
