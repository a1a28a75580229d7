package dev.sluice.it;

import static dev.sluice.it.Topology.VIP4;
import static dev.sluice.it.Topology.VIP6;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Connections by FULLNAT outlive their director, stopped or killed: real servers go on seeing them from the same LIP:LPORT. */
class FullNatRestartIT {
    private static final int CONNECTIONS = 60;
    private static final int PER_SECOND = 200;
    private static final Duration INTERVAL = Duration.ofMillis(200);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private LabFixture lab;

    @BeforeEach
    void up() {
        lab = LabFixture.up("--scenario", "fullnat");
    }

    @AfterEach
    void down() {
        lab.close();
    }

    private String config() {
        ConfigText config = new ConfigText(lab, "eth1", "eth2")
                .director(
                        "flow_table_memory = \"shared\"",
                        "flow_table_directory = \"" + lab.state().resolve("flows") + "\"",
                        "flow_table_size = 65536",
                        "[director.fullnat]",
                        "local_addresses = [\"10.0.1.201\", \"fd00:52::c9\"]")
                .fullnat(8080);
        config.service("tcp", VIP4, 80, "rr", List.of("10.0.2.11", "10.0.2.12"), 1, 1);
        config.service("tcp", VIP6, 80, "rr", List.of("fd00:53::11", "fd00:53::12"), 1, 1);
        return config.toString();
    }

    @Test
    void connections_go_on_from_the_same_local_ports() throws IOException {
        LabFixture.Director director = lab.startDirector(config());
        try (BusyClients clients4 = BusyClients.start(lab, VIP4, 80, INTERVAL, PATIENCE);
                BusyClients clients6 = BusyClients.start(lab, VIP6, 80, INTERVAL, PATIENCE)) {
            clients4.open(CONNECTIONS, PER_SECOND);
            clients6.open(CONNECTIONS, PER_SECOND);

            assertEquals(0, director.stop(), director::log);
            director = lab.startDirector(config());
            assertTookOver(director);
            clients4.assertAllGoOn(PATIENCE);
            clients6.assertAllGoOn(PATIENCE);

            director.kill9();
            director = lab.startDirector(config());
            assertTookOver(director);
            assertEquals(CONNECTIONS, clients4.assertAllGoOn(PATIENCE).alive());
            assertEquals(CONNECTIONS, clients6.assertAllGoOn(PATIENCE).alive());
        }
        Reading reading = Reading.of(lab);
        for (Counter none : List.of(Counter.FLOW_NEW, Counter.FLOW_NEW_SLOPPY, Counter.NAT_WITHOUT_FLOW)) {
            assertEquals(0, reading.count(none), () -> none + " " + reading.stats());
        }
        assertEquals(0, director.stop(), director::log);
    }

    private static void assertTookOver(LabFixture.Director director) {
        assertTrue(
                director.log()
                        .contains("queue 0: took over " + 2 * CONNECTIONS + " connections of the director before"),
                director::log);
    }
}
