package dev.sluice.it;

import static dev.sluice.it.DirectorLab.outcome;
import static dev.sluice.it.DirectorLab.steering;
import static dev.sluice.it.DirectorLab.worker;
import static dev.sluice.it.DirectorLab.xsk;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.testing.LabFixture;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** More packets than anyone can forward, from the XDP live-frame generator at full rate. */
class FloodIT {
    private static final Logger LOG = System.getLogger(FloodIT.class.getName());

    /** The worker turns the fill ring in batches, so that up to so many entries of it are empty at rest. */
    private static final int FILL_SLACK = 16;

    private static final int ALLOCATION_PACKETS = 1_000_000;
    private static final int FILL_RING = 2048;

    private DirectorLab lab;

    @BeforeEach
    void up() {
        lab = DirectorLab.up();
    }

    @AfterEach
    void down() {
        lab.close();
    }

    @Test
    void no_packet_and_no_frame_is_lost_from_the_books_in_ten_seconds_at_full_rate() {
        LabFixture.Director director = lab.fixture().startDirector(lab.allServices());
        lab.assertServes();
        DirectorStats before = lab.atRest();
        DirectorLab.assertNothingLost(before);

        DirectorLab.Flood udp = lab.flood("udp", 7, 10, 100_000, 0);
        DirectorStats between = lab.atRest();
        DirectorLab.Flood tcp = lab.flood("tcp", 80, 5, 100_000, 0);
        DirectorStats after = lab.atRest();
        LOG.log(Level.INFO, "UDP {0}, {1} forwarded", udp, forwarded(before, between));
        LOG.log(Level.INFO, "TCP SYN {0}, {1} forwarded", tcp, forwarded(between, after));

        lab.assertServes();
        DirectorLab.assertNothingLost(lab.atRest());
        assertAccountedFor(udp, before, between);
        assertAccountedFor(tcp, between, after);
        assertTrue(outcome(after, Counter.FLOW_NEW) - outcome(before, Counter.FLOW_NEW) > 10_000, "too few flows");
        for (DirectorStats stats : new DirectorStats[] {before, between, after}) {
            DirectorLab.assertNothingLost(stats);
            long receiving = worker(stats, "frames_receiving");
            // One more than the ring holds: a frame for which the RX ring had no room waits in the kernel's buffer pool
            // for the next packet (xsk_buff_free in net/xdp/xsk_buff_pool.c).
            assertTrue(
                    receiving <= FILL_RING + 1 && receiving > FILL_RING - FILL_SLACK,
                    () -> receiving + " frames to receive into");
        }
        assertEquals(0, director.stop());
    }

    /** Every frame sent was seen by the steering program or lost before it, and whatever it steered has its fate. */
    private static void assertAccountedFor(DirectorLab.Flood flood, DirectorStats before, DirectorStats after) {
        long steered = steering(after, "steered") - steering(before, "steered");
        long packetsIn = outcome(after, Counter.PACKETS_IN) - outcome(before, Counter.PACKETS_IN);
        long refused = xsk(after, "rx_dropped")
                - xsk(before, "rx_dropped")
                + xsk(after, "rx_ring_full")
                - xsk(before, "rx_ring_full");
        assertEquals(steered, packetsIn + refused, after::toString);
        assertTrue(steered <= flood.frames(), () -> steered + " steered of " + flood.frames() + " sent");
        assertTrue(steered > flood.frames() / 10, () -> steered + " steered of " + flood.frames() + " sent");
        assertTrue(packetsIn > 50_000, () -> "only " + packetsIn + " packets reached the worker");
        assertEquals(0, xsk(after, "rx_invalid_descs"));
        assertEquals(0, xsk(after, "tx_invalid_descs"));
        // A malformed frame would be a bug of the generator or of the rewriting.
        assertEquals(0, steering(after, "pass_malformed"));
    }

    private static long forwarded(DirectorStats before, DirectorStats after) {
        return outcome(after, Counter.FORWARDED) - outcome(before, Counter.FORWARDED);
    }

    @Test
    void the_worker_allocates_nothing_over_a_million_packets() {
        LabFixture.Director director = lab.fixture().startDirector(lab.allServices());
        // The first packets link method handles and make the scheduler states of the services.
        lab.flood("udp", 7, 3, 10_000, 0);
        lab.flood("tcp", 80, 1, 10_000, 0);
        DirectorStats warm = lab.atRest();
        DirectorStats now = warm;
        for (int i = 0; i < 10 && packetsSince(warm, now) < ALLOCATION_PACKETS; i++) {
            lab.flood("udp", 7, 3, 10_000, 0);
            now = lab.atRest();
        }
        long packets = packetsSince(warm, now);
        assertTrue(packets >= ALLOCATION_PACKETS, "only " + packets + " packets");
        // The JVM may link a branch taken for the first time: some hundred bytes, once. The least that a packet or a
        // duty
        // cycle could allocate is 16 bytes, and there are thousands of cycles.
        long cycles = worker(now, "busy_cycles") - worker(warm, "busy_cycles");
        long allocated = worker(now, "allocated_bytes") - worker(warm, "allocated_bytes");
        assertTrue(cycles > 2_000, () -> "only " + cycles + " duty cycles");
        assertTrue(allocated < 2_000, () -> allocated + " bytes in " + cycles + " cycles, " + packets + " packets");
        assertEquals(0, director.stop());
    }

    private static long packetsSince(DirectorStats before, DirectorStats after) {
        return outcome(after, Counter.PACKETS_IN) - outcome(before, Counter.PACKETS_IN);
    }
}
