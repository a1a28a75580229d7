package dev.sluice.forward.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ObserverTest {
    private static final int PACKETS = 100_000;
    private static final int PER_SECOND = 1_000_000_000;

    private static Observer oneIn(int oneIn) {
        return new Observer(
                PacketFilter.ALL,
                new Selection(true, Set.of(), oneIn, false),
                true,
                true,
                64,
                PER_SECOND,
                new ObservationRing(64, Observer.slotBytes(64), Arena.ofAuto()));
    }

    /** However packets come in batches, the sample is that of asking for each, and as large as was asked for. */
    @Test
    void aSampleCountedOffByTheBatchIsThatOfPackets() {
        Random random = new Random(5);
        for (int oneIn : new int[] {1, 2, 7, 100, 1000}) {
            Observer eachPacket = oneIn(oneIn);
            Observer byBatch = oneIn(oneIn);
            List<Integer> expected = new ArrayList<>();
            for (int packet = 0; packet < PACKETS; packet++) {
                if (eachPacket.takes()) {
                    expected.add(packet);
                }
            }
            List<Integer> taken = new ArrayList<>();
            for (int begin = 0; begin < PACKETS; ) {
                int count = Math.min(1 + random.nextInt(64), PACKETS - begin);
                for (int i = byBatch.next(0, count); i < count; i = byBatch.next(i + 1, count)) {
                    taken.add(begin + i);
                }
                begin += count;
            }
            assertEquals(expected, taken);
            double share = (double) taken.size() * oneIn / PACKETS;
            assertTrue(share > 0.7 && share < 1.3, () -> "one in " + oneIn + ": " + taken.size());
        }
    }
}
