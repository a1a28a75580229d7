package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.testing.LabFixture;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Thresholds with real connections that stay, behind round robin on one worker, which is exact. */
class ThresholdsIT {
    /** So that a connection counts no more a second after it was closed. */
    private static final String SHORT_TIMEOUTS = "timeouts = { tcpfin = 1, time_wait = 1, close = 1, syn_recv = 1 }";

    private static DirectorLab lab;
    private LabFixture.@Nullable Director director;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @AfterEach
    void stop() {
        if (director != null) {
            DirectorStats stats = lab.atRest();
            assertEquals(0, director.stop(), director::log);
            DirectorLab.assertNothingLost(stats);
        }
    }

    private static ConfigText config(int realServers, int upper, int lower) {
        ConfigText config = new ConfigText(lab.fixture(), "eth1").director(SHORT_TIMEOUTS);
        int[] weights = new int[realServers];
        Arrays.fill(weights, 1);
        for (String vip : Topology.VIPS) {
            config.withReal("  upper_threshold = " + upper, "  lower_threshold = " + lower)
                    .service("tcp", vip, 80, "rr", weights);
        }
        return config;
    }

    /** The connections of {@code src/test/scripts/hold}. */
    private static final class Connections implements AutoCloseable {
        private final Process process;
        private final Writer in;
        private final BufferedReader out;

        Connections(String vip) {
            process = lab.fixture()
                    .startInteractive(
                            lab.fixture().state().resolve("hold.log"), "client", "src/test/scripts/hold", vip, "80");
            in = process.outputWriter(StandardCharsets.US_ASCII);
            out = process.inputReader(StandardCharsets.US_ASCII);
        }

        /** Carries out a command: how many connections there are with each real server. */
        String say(String command) throws IOException {
            in.write(command + "\n");
            in.flush();
            return out.readLine();
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }

    private static RealServerStats real(String vip, String name) {
        return DirectorLab.real(lab.stats(), Topology.rip(name, vip));
    }

    /** Waits until a real server has so many connections, closed ones no longer counted. */
    private static RealServerStats awaitConnections(String vip, String name, int count) {
        lab.await(name + " has " + count, stats -> {
            RealServerStats real = DirectorLab.real(stats, Topology.rip(name, vip));
            return real.active() + real.inactive() == count;
        });
        return real(vip, name);
    }

    @Test
    void a_real_server_at_its_upper_threshold_gets_no_connection_until_it_is_below_the_lower_one() throws IOException {
        // Only rs1 and rs2 have thresholds.
        String text = config(3, 4, 2).toString();
        for (String vip : Topology.VIPS) {
            text = text.replaceAll(
                    "(address = \"" + Topology.rip("rs3", vip) + "\"(?:\n.*){2})\n.*upper.*\n.*lower.*", "$1");
        }
        director = lab.fixture().startDirector(text);
        for (String vip : Topology.VIPS) {
            try (Connections connections = new Connections(vip)) {
                assertEquals("rs1=3 rs2=3 rs3=3", connections.say("open 9"));
                assertFalse(real(vip, "rs1").overloaded());
                assertEquals("rs1=4 rs2=4 rs3=4", connections.say("open 3"));
                assertTrue(real(vip, "rs1").overloaded());
                assertTrue(real(vip, "rs2").overloaded());
                assertFalse(real(vip, "rs3").overloaded());
                assertEquals("rs1=4 rs2=4 rs3=9", connections.say("open 5"));

                // Below the upper one, but not below the lower.
                assertEquals("rs1=2 rs2=4 rs3=9", connections.say("close rs1 2"));
                assertTrue(awaitConnections(vip, "rs1", 2).overloaded());
                assertEquals("rs1=2 rs2=4 rs3=11", connections.say("open 2"));

                assertEquals("rs1=1 rs2=4 rs3=11", connections.say("close rs1 1"));
                assertFalse(awaitConnections(vip, "rs1", 1).overloaded());
                assertEquals("rs1=3 rs2=4 rs3=13", connections.say("open 4"));
            }
        }
    }

    @Test
    void when_all_are_overloaded_new_connections_find_no_real_server_and_those_that_are_there_go_on()
            throws IOException {
        director = lab.fixture().startDirector(config(2, 2, 0).toString());
        for (String vip : Topology.VIPS) {
            DirectorLab.Conversation conversation = lab.converse(vip, 80);
            try (Connections connections = new Connections(vip)) {
                String three = connections.say("open 3");
                assertTrue(three.matches("rs1=[12] rs2=[12]"), three);
                long refused = DirectorLab.outcome(lab.stats(), Counter.NO_REAL_SERVER);
                assertEquals("none=1 " + three, connections.say("open 1"));
                // A SYN, and the one that the client sent again after a second.
                assertTrue(DirectorLab.outcome(lab.stats(), Counter.NO_REAL_SERVER) >= refused + 2);
                conversation.assertContinues();

                // The lower threshold is three quarters of the upper one: below 1.5 that is 1.
                connections.say("close rs1 1");
                assertFalse(awaitConnections(vip, "rs1", 1).overloaded());
                assertEquals("none=1 " + three, connections.say("open 1"));
                assertTrue(real(vip, "rs1").overloaded());
            }
            conversation.end();
        }
    }

    @Test
    void thresholds_change_by_reload() throws IOException {
        director = lab.fixture().startDirector(config(2, 0, 0).toString());
        String vip = Topology.VIP4;
        try (Connections connections = new Connections(vip)) {
            assertEquals("rs1=3 rs2=3", connections.say("open 6"));
            lab.reload(config(2, 3, 2));
            assertTrue(real(vip, "rs1").overloaded());
            assertEquals("none=1 rs1=3 rs2=3", connections.say("open 1"));
            // As in kernels since 2026: a higher threshold alone clears nothing.
            lab.reload(config(2, 5, 2));
            assertTrue(real(vip, "rs1").overloaded());
            lab.reload(config(2, 5, 4));
            assertFalse(real(vip, "rs1").overloaded());
            assertEquals("none=1 rs1=5 rs2=5", connections.say("open 4"));
            lab.reload(config(2, 0, 0));
            assertEquals("none=1 rs1=6 rs2=6", connections.say("open 2"));
        }
    }
}
