package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.VIP4;
import static dev.sluice.it.DirectorLab.outcome;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.KeepAliveClients.Report;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.testing.LabFixture;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Directors that die and come back a second later under connections that are never at rest. The clients judge: each of
 * their answers must come from the real server of the first one, and a reset or a long silence breaks a connection.
 */
class KillNineIT {
    private static final Logger LOG = System.getLogger(KillNineIT.class.getName());

    private static final int CONNECTIONS = 200;
    private static final int OPENED_MEANWHILE = 10;
    private static final Duration INTERVAL = Duration.ofMillis(200);
    /**
     * TCP sends again after 0.2, 0.6, 1.4, 3, 6.2, 12.6 and 25.4 s, or later where the machine was slow before: on one of two
     * processors a director is back for the fourth, on one with ten things to do at the same time for the sixth.
     */
    private static final Duration LONGEST_SILENCE = Duration.ofSeconds(30);

    private static final long ABSENCE_MS = 1_000;

    private DirectorLab lab;

    @BeforeEach
    void up() {
        lab = DirectorLab.up();
    }

    @AfterEach
    void down() {
        lab.close();
    }

    /** Without {@code mh-port} a client's address decides, so there are many; no two runs differ in which. */
    @Test
    void mh_finds_the_real_server_of_every_connection_again() {
        String config = lab.config("", DirectorLab.service("tcp", VIP4, 80, "mh", RIPS4));
        DirectorStats last = outlivesDirectors(config, lab.clientAddresses(40));
        assertEquals(CONNECTIONS + 2 * OPENED_MEANWHILE, outcome(last, Counter.FLOW_NEW_SLOPPY), last::toString);
    }

    /** No hash knows where {@code rr} sent a connection: the table does. */
    @Test
    void a_table_in_shared_memory_keeps_every_connection_of_rr() {
        String config = lab.config(
                "flow_table_memory = \"shared\"\nflow_table_directory = \""
                        + lab.fixture().state().resolve("flows") + "\"",
                DirectorLab.service("tcp", VIP4, 80, "rr", RIPS4));
        DirectorStats last = outlivesDirectors(config);
        assertEquals(0, outcome(last, Counter.FLOW_NEW_SLOPPY), last::toString);
    }

    /** Two kills and a stop in order; what the last director counted. */
    private DirectorStats outlivesDirectors(String config, String... sources) {
        LabFixture.Director director = lab.fixture().startDirector(config);
        try (BusyClients clients = BusyClients.start(lab.fixture(), VIP4, 80, INTERVAL, LONGEST_SILENCE, sources)) {
            Map<String, Integer> servers = clients.open(CONNECTIONS, 200).servers();
            assertEquals(Set.of("rs1", "rs2", "rs3"), servers.keySet());
            long resets = lab.kernelCounter("director", "Tcp", "OutRsts");

            director.kill9();
            director = restart(config, clients);
            director.kill9();
            director = restart(config, clients);
            assertEquals(0, director.stop());
            DirectorLab.pause(ABSENCE_MS);
            director = lab.fixture().startDirector(config);
            Report after = clients.assertAllGoOn(LONGEST_SILENCE);

            int connections = CONNECTIONS + 2 * OPENED_MEANWHILE;
            assertEquals(connections, after.alive(), after::toString);
            LOG.log(Level.INFO, "longest silence {0} ms", after.longestSilenceMs());
            // A director's absence and its start are in it, so less would mean that it was not missed.
            assertTrue(after.longestSilenceMs() >= ABSENCE_MS, after::toString);
            assertTrue(after.longestSilenceMs() < LONGEST_SILENCE.toMillis(), after::toString);
            assertEquals(resets, lab.kernelCounter("director", "Tcp", "OutRsts"), "the director's kernel reset some");

            DirectorStats stats = lab.await(
                    "the director knows every connection",
                    now -> DirectorLab.active(now).equals(after.servers()));
            assertEquals(0, outcome(stats, Counter.FLOW_NEW), stats::toString);
            assertEquals(0, outcome(stats, Counter.RST_WITHOUT_FLOW), stats::toString);
        }
        DirectorStats last = lab.atRest();
        DirectorLab.assertNothingLost(last);
        assertEquals(0, director.stop());
        return last;
    }

    /** Another director a second later; connections that clients ask for meanwhile come about when it is there. */
    private LabFixture.Director restart(String config, BusyClients clients) {
        int before = clients.beginToOpen(OPENED_MEANWHILE, 1000).wanted();
        DirectorLab.pause(ABSENCE_MS);
        LabFixture.Director director = lab.fixture().startDirector(config);
        clients.assertAllGoOn(LONGEST_SILENCE);
        Report report = clients.await(
                "connections that were asked for without a director",
                LONGEST_SILENCE,
                now -> now.connecting() == 0
                        && now.servers().values().stream().mapToInt(n -> n).sum() == before);
        assertEquals(0, report.broken());
        return director;
    }
}
