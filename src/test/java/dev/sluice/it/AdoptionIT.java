package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Two queues, two workers, and a switch that is told by XPS which of the two all packets take: connections move from worker
 * to worker under traffic. Round robin would show every connection that is scheduled a second time.
 */
class AdoptionIT {
    private static final int[] WEIGHTS = {1, 1, 1};

    private static LabFixture lab;

    @BeforeAll
    static void up() {
        lab = LabFixture.up("--queues", "2");
        ConfigText config = new ConfigText(lab, "eth1");
        for (String vip : Topology.VIPS) {
            config.service("tcp", vip, 80, "rr", WEIGHTS).service("udp", vip, 7, "rr", WEIGHTS);
        }
        lab.startDirector(config.toString());
        assertEquals(2, Reading.of(lab).stats().workers().size());
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    /** Sends everything for the director through one queue from now on. */
    private static void moveTo(int queue) {
        moveTo(lab, queue);
    }

    /** Sends everything for the director of a lab with two queues through one of them from now on. */
    static void moveTo(LabFixture lab, int queue) {
        moveTo(lab, "director", queue);
    }

    /** As {@link #moveTo(LabFixture, int)}, of the interface that is plugged into a port of the switch. */
    static void moveTo(LabFixture lab, String port, int queue) {
        lab.exec("switch", "unshare", "--mount", "sh", "-c", """
                        mount -t sysfs none /sys
                        cd /sys/class/net/%s/queues
                        echo 0 > tx-%d/xps_cpus
                        printf %%x $(((1 << $(nproc --all)) - 1)) > tx-%d/xps_cpus
                        """.formatted(port, 1 - queue, queue))
                .orFail();
    }

    private static long connections(Reading reading) {
        return reading.worker(0, "connections") + reading.worker(1, "connections");
    }

    /**
     * The gauges of connections are set a hundred times a second, and at rest all mailboxes are empty. A flow is known to a
     * second worker as well if a packet of it came there after the other one had taken it over: with packets on their way
     * while the queue changes that happens.
     */
    private static void assertEveryFlowIsKnown(Reading before, Reading after, int flows, int atMostTwice) {
        long twice = connections(after) - connections(before) - flows;
        assertTrue(0 <= twice && twice <= atMostTwice, twice + " of " + flows + " flows are known twice");
        assertEquals(
                twice,
                after.count(Counter.FLOW_ADOPTED)
                        - before.count(Counter.FLOW_ADOPTED)
                        - (after.count(Counter.FLOW_HANDED_OVER) - before.count(Counter.FLOW_HANDED_OVER)));
        assertEquals(0, after.count(Counter.FLOW_HANDOVER_DROPPED));
        // A worker that loses its processor in the middle of a removal leaves the other without an answer.
        long busy = after.count(Counter.FLOW_LOOKUP_BUSY) - before.count(Counter.FLOW_LOOKUP_BUSY);
        assertTrue(busy <= 3, busy + " packets dropped because a table was busy");
        assertEquals(busy, after.drops() - before.drops());
        after.assertNothingIsLost();
    }

    @Test
    void busy_connections_stay_on_their_real_servers_while_all_packets_change_the_queue() throws Exception {
        for (String vip : Topology.VIPS) {
            moveTo(0);
            Reading before = Reading.of(lab);
            try (KeepAlive clients = KeepAlive.open(lab, vip, 80, 20)) {
                assertEquals(Set.of("rs1", "rs2", "rs3"), clients.realServers());
                for (int move = 1; move <= 7; move++) {
                    moveTo(move % 2);
                    clients.awaitRounds(2);
                }
                clients.pause();
                Reading after = Reading.of(lab);
                assertEquals(20, after.count(Counter.FLOW_NEW) - before.count(Counter.FLOW_NEW));
                assertEquals(7 * 20, after.count(Counter.FLOW_ADOPTED) - before.count(Counter.FLOW_ADOPTED));
                assertEquals(0, after.count(Counter.FLOW_NEW_SLOPPY));
                assertEveryFlowIsKnown(before, after, 20, 20);
                long active = after.service(vip, 80).realServers().stream()
                        .mapToLong(real -> real.active())
                        .sum();
                assertEquals(20, active);

                // They end on the other queue: FIN and RST follow their connections as well.
                moveTo(0);
                clients.goOn();
                clients.end();
            }
            Reading end = Reading.of(lab);
            assertTrue(end.count(Counter.FLOW_ADOPTED) - before.count(Counter.FLOW_ADOPTED) >= 8 * 20);
            assertEquals(0, end.count(Counter.RST_WITHOUT_FLOW));
            assertEquals(
                    0,
                    end.service(vip, 80).realServers().stream()
                            .mapToLong(real -> real.active())
                            .sum());
        }
    }

    @Test
    void a_reset_on_another_queue_reaches_the_real_server() {
        moveTo(0);
        Reading before = Reading.of(lab);
        Path moved = lab.state().resolve("moved");
        Path log = lab.state().resolve("reset.log");
        Process client = lab.start(log, "client", "/usr/bin/python3", "-c", """
                import os, socket, struct, sys, time
                clients = [socket.create_connection((sys.argv[1], 80), 20) for _ in range(6)]
                print("connected", flush=True)
                while not os.path.exists(sys.argv[2]):
                    time.sleep(0.01)
                for client in clients:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.close()
                """, Topology.VIP4, moved.toString());
        try {
            long startNs = System.nanoTime();
            while (!Files.readString(log).contains("connected")) {
                assertTrue(System.nanoTime() - startNs < 20_000_000_000L, "not connected");
                DirectorLab.pause(20);
            }
            moveTo(1);
            Files.createFile(moved);
            assertTrue(client.waitFor(20, TimeUnit.SECONDS));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        Reading after = Reading.of(lab);
        assertEquals(6, after.count(Counter.FLOW_ADOPTED) - before.count(Counter.FLOW_ADOPTED));
        assertEquals(0, after.count(Counter.RST_WITHOUT_FLOW));
        assertEveryFlowIsKnown(before, after, 6, 0);
    }

    @Test
    void datagrams_of_a_flow_stay_together_while_the_queue_changes_all_the_time() throws Exception {
        for (String vip : Topology.VIPS) {
            moveTo(0);
            Reading before = Reading.of(lab);
            Path log = lab.state().resolve("datagrams.log");
            Process clients =
                    lab.start(log, "client", "src/test/scripts/udp-conversations", vip, "7", "100", "100", "3");
            int moves = 0;
            while (clients.isAlive()) {
                moveTo(++moves % 2);
                assertTrue(moves < 1_000, "no end");
            }
            assertEquals(0, clients.waitFor(), () -> String.join("\n", read(log)) + "\n" + Reading.of(lab));
            assertTrue(moves >= 3, moves + " moves");
            Reading after = Reading.of(lab);
            assertEquals(100, after.count(Counter.FLOW_NEW) - before.count(Counter.FLOW_NEW));
            assertTrue(after.count(Counter.FLOW_ADOPTED) - before.count(Counter.FLOW_ADOPTED) >= 100);
            assertEveryFlowIsKnown(before, after, 100, 100);
        }
    }

    private static List<String> read(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
