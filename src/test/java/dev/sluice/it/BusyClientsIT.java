package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.KeepAliveClients.Report;
import dev.sluice.stats.RealServerStats;
import dev.sluice.testing.LabFixture;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The clients of the traffic tests, at the size in which those use them, and that they notice what they are there for. */
class BusyClientsIT {
    private static final int CONNECTIONS = 10_000;

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
    void ten_thousand_connections_go_on_and_those_of_a_dead_director_are_missed() {
        LabFixture.Director director = lab.fixture()
                .startDirector(
                        lab.config("", DirectorLab.service("tcp", DirectorLab.VIP4, 80, "rr", DirectorLab.RIPS4)));
        try (BusyClients clients =
                BusyClients.start(lab.fixture(), DirectorLab.VIP4, 80, Duration.ofSeconds(5), Duration.ofSeconds(30))) {
            Report opened = clients.open(CONNECTIONS - 1, 1000);
            assertEquals(CONNECTIONS - 1, opened.alive());
            assertEquals(Map.of("rs1", 3333, "rs2", 3333, "rs3", 3333), opened.servers());
            Report after = clients.assertAllGoOn(Duration.ofSeconds(30));
            assertEquals(CONNECTIONS - 1, after.alive());
            assertTrue(after.answered() > opened.answered());
            for (RealServerStats real : lab.stats().services().getFirst().realServers()) {
                assertEquals(3333, real.active());
            }

            Report closed = clients.closeServer("rs2");
            assertEquals(3333, closed.closed());
            assertEquals(Map.of("rs1", 3333, "rs3", 3333), closed.servers());
            assertFalse(closed.broken() > 0);

            // Without a director their packets reach its host's own stack or nothing: either way they break.
            director.kill9();
            lab.on("director", "ip", "link", "set", "eth1", "xdp", "off");
            Report dead = clients.report();
            for (int tries = 0; tries < 100 && dead.broken() < 1000; tries++) {
                DirectorLab.pause(200);
                dead = clients.report();
            }
            assertTrue(dead.broken() >= 1000, dead::toString);
            assertEquals(Map.of("reset", dead.broken()), dead.reasons());
        }
    }
}
