package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.VIP4;
import static dev.sluice.it.DirectorLab.service;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Connections scheduled by {@code rr}, which no hash could find again, and directors that come and go. */
class SharedTableIT {
    private static final int CONNECTIONS = 50;

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

    private static long active(DirectorStats stats) {
        return stats.services().stream()
                .flatMap(service -> service.realServers().stream())
                .mapToLong(RealServerStats::active)
                .sum();
    }

    /** While no director is there the clients rest: what they sent would reach the kernel. */
    @Test
    void a_restarted_director_has_the_connections_of_the_one_before() throws Exception {
        LabFixture.Director director = lab.fixture().startDirector(config(RIPS4));
        try (KeepAlive clients = KeepAlive.open(lab.fixture(), VIP4, 80, CONNECTIONS)) {
            assertEquals(Set.of("rs1", "rs2", "rs3"), clients.realServers());

            clients.pause();
            director.kill9();
            director = lab.fixture().startDirector(config(RIPS4));
            assertTrue(
                    director.log()
                            .contains("queue 0: took over " + CONNECTIONS + " connections of the director before"),
                    director.log());
            assertEquals(CONNECTIONS, active(lab.stats()));
            clients.goOn();
            clients.awaitRounds(3);
            assertEquals(0, DirectorLab.outcome(lab.stats(), Counter.FLOW_NEW_SLOPPY));
            assertEquals(0, DirectorLab.outcome(lab.stats(), Counter.FLOW_NEW));

            // In order, and with a file that numbers real servers in another order and has one service more.
            clients.pause();
            assertEquals(0, director.stop());
            director = lab.fixture()
                    .startDirector(config(RIPS4.reversed(), service("tcp", VIP4, 8081, "rr", RIPS4.reversed())));
            clients.goOn();
            clients.awaitRounds(3);
            assertEquals(0, DirectorLab.outcome(lab.stats(), Counter.FLOW_NEW_SLOPPY));
            assertEquals(CONNECTIONS, active(lab.stats()));

            refusesToShare();
            clients.awaitRounds(1);
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
