package dev.sluice.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Batch;
import dev.sluice.xsk.FramePool;
import dev.sluice.xsk.Ring;
import dev.sluice.xsk.RxRing;
import dev.sluice.xsk.TxRing;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets of several frames from a ring that a transmit ring feeds, against what was put in; every frame is counted. */
class PacketChainsTest {
    private static final int FRAME_BYTES = 2048;
    private static final int FRAMES = 4096;
    private static final int MAX_ENTRIES = 1 + Batch.MAX_TAILS;

    private final Ring.Mapping memory =
            new Ring.Mapping(Arena.ofAuto().allocate(192 + 512 * 16, 64), 0, 64, 128, 192, 512);
    private final TxRing kernel = new TxRing(memory);
    private final RxRing rx = new RxRing(memory);
    private final FramePool pool = new FramePool(FRAMES, FRAME_BYTES);
    private final PacketChains chains = new PacketChains(pool);
    private final Batch batch = new Batch(2048 - 256);
    /** Entries that the ring has room for and the kernel has not handed over. */
    private int written;

    /** Entries of a packet, or of a part of one that goes on later. */
    private void write(int entries, boolean ends) {
        assertEquals(entries, kernel.reserve(entries));
        for (int i = 0; i < entries; i++) {
            long address = pool.alloc() + 256;
            int length = 1 + (int) (address / FRAME_BYTES) % 1000;
            if (ends && i == entries - 1) {
                kernel.set(written++, address, length);
            } else {
                kernel.setContinued(written++, address, length);
            }
        }
    }

    private void handOver() {
        kernel.submit(written);
        written = 0;
    }

    private int receive(int max) {
        batch.clear();
        return chains.receive(rx, batch, max);
    }

    private int freeBatch() {
        int frames = 0;
        for (int i = 0; i < batch.count(); i++) {
            pool.free(batch.address(i));
            for (int tail = 0; tail < batch.tails(i); tail++) {
                pool.free(batch.tailAddress(i, tail));
            }
            frames += 1 + batch.tails(i);
        }
        return frames;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 64, 256})
    void packetsComeOutAsTheyWentInAndNoFrameIsLost(int max) {
        Random random = new Random(max);
        Deque<Integer> expected = new ArrayDeque<>();
        int tooLong = 0;
        int packets = 0;
        boolean resting = false;
        for (int step = 0; step < 40_000; step++) {
            for (int i = resting ? 0 : random.nextInt(8); i > 0; i--) {
                boolean single = random.nextInt(3) > 0;
                int entries = single ? 1 : 1 + random.nextInt(random.nextInt(10) == 0 ? 120 : MAX_ENTRIES);
                if (kernel.free(written + entries) >= entries) {
                    write(entries, true);
                    expected.add(entries);
                }
            }
            handOver();
            int done = receive(max);
            // Now and then the ring is nearly empty, so that the longest find room.
            resting = done > 0 && (resting || random.nextInt(100) == 0);
            tooLong += chains.takeTooLong();
            int entries = 0;
            for (int i = 0; i < batch.count(); i++) {
                while (expected.getFirst() > MAX_ENTRIES) {
                    expected.remove();
                }
                assertEquals((int) expected.remove(), 1 + batch.tails(i), "frames of packet " + i + " in step " + step);
                entries += 1 + batch.tails(i);
                int total = batch.length(i);
                assertLength(batch.address(i), batch.length(i));
                for (int tail = 0; tail < batch.tails(i); tail++) {
                    assertLength(batch.tailAddress(i, tail), batch.tailLength(i, tail));
                    total += batch.tailLength(i, tail);
                }
                assertEquals(total, batch.totalLength(i));
            }
            assertTrue(batch.count() <= max);
            assertTrue(done >= entries);
            packets += batch.count();
            assertEquals(entries, freeBatch());
            assertEquals(FRAMES, pool.available() + kernel.pending(), "frames in step " + step);
        }
        assertTrue(packets > 10_000, packets + " packets");
        assertTrue(tooLong > 50, tooLong + " too long");
    }

    private static void assertLength(long address, int length) {
        assertEquals(1 + (int) (address / FRAME_BYTES) % 1000, length);
    }

    @Test
    void theLongestThatIsKeptAndTheShortestThatIsNot() {
        write(MAX_ENTRIES, true);
        write(MAX_ENTRIES + 1, true);
        write(1, true);
        handOver();
        assertEquals(2 * MAX_ENTRIES + 2, receive(64));
        assertEquals(2, batch.count());
        assertEquals(Batch.MAX_TAILS, batch.tails(0));
        assertEquals(0, batch.tails(1));
        assertEquals(1, chains.takeTooLong());
        assertEquals(0, chains.takeTooLong());
        freeBatch();
        assertEquals(FRAMES, pool.available());
    }

    @Test
    void onePacketOfHundredsOfFramesIsDroppedBatchByBatchAndCountedOnce() {
        write(400, true);
        write(2, true);
        handOver();
        int tooLong = 0;
        int batches = 0;
        do {
            assertTrue(receive(1) > 0);
            tooLong += chains.takeTooLong();
            batches++;
        } while (batch.count() == 0);
        assertTrue(batches > 5, batches + " batches");
        assertEquals(1, tooLong);
        assertEquals(1, batch.tails(0));
        freeBatch();
        assertEquals(FRAMES, pool.available());
    }

    @Test
    void aPacketWithoutAnEndWaitsInTheRing() {
        write(1, true);
        write(5, false);
        handOver();
        assertEquals(1, receive(64));
        freeBatch();
        assertEquals(0, receive(64));
        assertEquals(0, batch.count());
        write(2, true);
        handOver();
        assertEquals(7, receive(64));
        assertEquals(1, batch.count());
        assertEquals(6, batch.tails(0));
        freeBatch();
        // One that has no end in as many entries as a packet may have will be too long, however it ends.
        write(MAX_ENTRIES - 1, false);
        handOver();
        assertEquals(0, receive(64));
        write(1, false);
        handOver();
        assertEquals(MAX_ENTRIES, receive(64));
        assertEquals(1, chains.takeTooLong());
        write(3, true);
        write(1, true);
        handOver();
        assertEquals(4, receive(64));
        assertEquals(1, batch.count());
        assertEquals(0, chains.takeTooLong());
        freeBatch();
        assertEquals(FRAMES, pool.available());
    }
}
