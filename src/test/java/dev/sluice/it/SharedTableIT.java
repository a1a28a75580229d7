package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.VIP4;
import static dev.sluice.it.DirectorLab.service;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Connections scheduled by {@code rr}, which no hash could find again, and directors that come and go with other files. Those
 * that are killed are in {@link KillNineIT}.
 */
class SharedTableIT {
    private static final int CONNECTIONS = 51;

    private static DirectorLab lab;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    private static Path directory() {
        return lab.fixture().state().resolve("flows");
    }

    private static String config(List<String> rips, String... otherServices) {
        return lab.config(
                "flow_table_memory = \"shared\"\nflow_table_directory = \"" + directory() + "\"",
                String.join("\n", otherServices),
                service("tcp", VIP4, 80, "rr", rips));
    }

    /** In order, and with a file that numbers real servers in another order and has one service more. */
    @Test
    void a_restarted_director_has_the_connections_of_the_one_before_whatever_their_numbers_are_now() {
        LabFixture.Director director = lab.fixture().startDirector(config(RIPS4));
        try (BusyClients clients =
                BusyClients.start(lab.fixture(), VIP4, 80, Duration.ofMillis(200), Duration.ofSeconds(15))) {
            Map<String, Integer> servers = clients.open(CONNECTIONS, 100).servers();
            assertEquals(Map.of("rs1", 17, "rs2", 17, "rs3", 17), servers);

            assertEquals(0, director.stop());
            director = lab.fixture()
                    .startDirector(config(RIPS4.reversed(), service("tcp", VIP4, 8081, "rr", RIPS4.reversed())));
            assertTrue(
                    director.log()
                            .contains("queue 0: took over " + CONNECTIONS + " connections of the director before"),
                    director.log());
            clients.assertAllGoOn(Duration.ofSeconds(15));
            DirectorStats stats = lab.stats();
            assertEquals(0, DirectorLab.outcome(stats, Counter.FLOW_NEW_SLOPPY));
            assertEquals(0, DirectorLab.outcome(stats, Counter.FLOW_NEW));
            ServiceStats http = stats.services().getLast();
            assertEquals(80, http.port());
            http.realServers().forEach(real -> assertEquals(17, real.active(), http::toString));

            refusesToShare();
            clients.assertAllGoOn(Duration.ofSeconds(15));
        }
        DirectorLab.assertNothingLost(lab.atRest());
        assertEquals(0, director.stop());
    }

    private static void refusesToShare() {
        CommandResult second = lab.fixture()
                .sluice(
                        "run",
                        "--config",
                        lab.write(config(RIPS4)).toString(),
                        "--socket",
                        lab.fixture().socket() + "2");
        assertEquals(4, second.exitCode(), second.toString());
        assertTrue(
                second.err()
                        .contains("flow_table_directory = \"" + directory()
                                + "\": another director uses it; each needs a directory of its own"),
                second.err());
    }
}
