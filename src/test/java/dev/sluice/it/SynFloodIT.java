package dev.sluice.it;

import static dev.sluice.it.DirectorLab.outcome;
import static dev.sluice.it.DirectorLab.steering;
import static dev.sluice.it.DirectorLab.xsk;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.KeepAliveClients.Report;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.testing.LabFixture;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A flood of SYNs at the generator's full rate, each of another flow, beside connections in use. */
class SynFloodIT {
    private static final Logger LOG = System.getLogger(SynFloodIT.class.getName());

    private static final int CONNECTIONS = 1_000;
    private static final int FLOOD_S = 20;
    private static final int FLOWS = 10_000_000;
    private static final int TABLE = 65_536;
    private static final int SYN_RECV_S = 10;
    /** A quarter of the table, the default share. */
    private static final int HALF_OPEN_SHARE = TABLE / 4;

    /**
     * Under the flood most packets of the clients are lost before the director sees them, so TCP sends again, later and
     * later. That must not count as broken: the connections have to live, not to be fast.
     */
    private static final Duration PATIENCE = Duration.ofSeconds(100);

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
    void connections_in_use_outlive_it_and_the_table_is_as_before_within_the_syn_timeout() throws Exception {
        LabFixture.Director director = lab.fixture()
                .startDirector(lab.config(
                        "flow_table_size = " + TABLE + "\n[director.timeouts]\nsyn_recv = " + SYN_RECV_S,
                        DirectorLab.service("tcp", DirectorLab.VIP4, 80, "rr", DirectorLab.RIPS4)));
        try (BusyClients clients =
                BusyClients.start(lab.fixture(), DirectorLab.VIP4, 80, Duration.ofSeconds(3), PATIENCE)) {
            assertEquals(CONNECTIONS, clients.open(CONNECTIONS, 250).alive());
            DirectorStats before = lab.stats();
            assertEquals(CONNECTIONS, active(before));

            Path log = lab.fixture().state().resolve("syn-flood.log");
            Process flood = lab.startFlood(log, "tcp", 80, FLOOD_S, FLOWS, 0);
            long most = 0;
            while (flood.isAlive()) {
                most = Math.max(most, active(lab.stats()));
                BusyClients.assertNoneBroken(clients.report());
                DirectorLab.pause(500);
            }
            long endNs = System.nanoTime();
            LOG.log(Level.INFO, "{0}, at most {1} active", DirectorLab.parse(Files.readString(log)), most);

            // The table holds the connections that were there and no more half-open ones than their share.
            assertEquals(CONNECTIONS + HALF_OPEN_SHARE, most);
            lab.await("half-open flows gone", stats -> active(stats) == CONNECTIONS);
            long goneMs = (System.nanoTime() - endNs) / 1_000_000;
            assertTrue(goneMs < (SYN_RECV_S + 3) * 1000L, goneMs + " ms");

            Report after = clients.assertAllGoOn(PATIENCE);
            assertEquals(CONNECTIONS, after.alive());
            LOG.log(Level.INFO, "longest silence {0} ms", after.longestSilenceMs());
            // New ones find their way as before.
            assertEquals(CONNECTIONS + 30, clients.open(30, 50).alive());
        }
        assertBooks(lab.atRest());
        assertEquals(0, director.stop());
    }

    private static void assertBooks(DirectorStats stats) {
        DirectorLab.assertNothingLost(stats);
        assertTrue(outcome(stats, Counter.FLOW_HALF_OPEN_FULL) > 100_000, stats::toString);
        assertEquals(0, outcome(stats, Counter.FLOW_TABLE_FULL));
        assertEquals(
                steering(stats, "steered"),
                outcome(stats, Counter.PACKETS_IN) + xsk(stats, "rx_dropped") + xsk(stats, "rx_ring_full"),
                stats::toString);
        // A packet of a connection that had lost its entry would have been scheduled anew.
        assertEquals(0, outcome(stats, Counter.FLOW_NEW_SLOPPY), stats::toString);
    }

    private static long active(DirectorStats stats) {
        return stats.services().getFirst().realServers().stream()
                .mapToLong(RealServerStats::active)
                .sum();
    }
}
