package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.testing.LabFixture;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Two queues, two workers. The switch picks the queue by the flow hash that the client's kernel gives a socket: a connected
 * socket keeps its queue, and the same ports on a new socket land on either queue.
 */
class MultiQueueIT {
    private static final int[] WEIGHTS = {3, 2, 1};
    private static final int FLOWS = 200;
    /** Half of {@link #FLOWS} less six standard deviations of a fair coin, √50 each. */
    private static final int SHARE_OF_A_QUEUE = 100 - 43;

    private static LabFixture lab;

    @BeforeAll
    static void up() {
        lab = LabFixture.up("--queues", "2");
        ConfigText config = new ConfigText(lab, "eth1");
        for (String vip : Topology.VIPS) {
            config.service("tcp", vip, 80, "wrr", WEIGHTS);
            config.service("tcp", vip, 8082, "maglev", WEIGHTS);
            config.service("udp", vip, 7, "wrr", WEIGHTS);
        }
        lab.startDirector(config.toString());
        assertEquals(2, Reading.of(lab).stats().workers().size());
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @Test
    void both_queues_carry_flows_and_every_flow_stays_on_its_real_server() {
        for (String vip : Topology.VIPS) {
            Reading before = Reading.of(lab);
            List<String> names = lab.exec(
                            "client", "src/test/scripts/udp-conversations", vip, "7", Integer.toString(FLOWS), "10")
                    .orFail()
                    .lines()
                    .map(line -> line.substring(line.indexOf(' ') + 1))
                    .toList();
            Reading after = Reading.of(lab);

            // A flow that changed its queue would be new to the other worker.
            assertEquals(FLOWS, after.count(Counter.FLOW_NEW) - before.count(Counter.FLOW_NEW));
            for (int queue = 0; queue < 2; queue++) {
                long packets = after.worker(queue, "rx_packets") - before.worker(queue, "rx_packets");
                assertTrue(packets >= 10 * SHARE_OF_A_QUEUE, "queue " + queue + " carried " + packets + " packets");
                assertEquals(0, packets % 10, "a flow on two queues");
            }
            assertEquals(0, after.drops() - before.drops());

            // Each worker goes round by itself and may be anywhere in its last cycle of six.
            Map<String, Integer> counts = Topology.count(names);
            for (int i = 0; i < WEIGHTS.length; i++) {
                int actual = counts.getOrDefault("rs" + (i + 1), 0);
                assertTrue(Math.abs(actual - FLOWS * WEIGHTS[i] / 6.0) <= 2 * WEIGHTS[i], counts.toString());
            }
        }
    }

    @Test
    void http_on_both_queues_is_answered_and_a_connection_stays_on_its_real_server() {
        for (String vip : Topology.VIPS) {
            Reading before = Reading.of(lab);
            for (int connection = 0; connection < 25; connection++) {
                List<String> names = client("curl", "-sS", "--fail", "http://" + Topology.host(vip) + "/?[1-20]");
                assertEquals(20, names.size());
                assertEquals(1, Set.copyOf(names).size(), names.toString());
            }
            Reading after = Reading.of(lab);
            for (int queue = 0; queue < 2; queue++) {
                // No connection of 25 on a queue: once in 33 million runs. One has 20 requests.
                assertTrue(after.worker(queue, "rx_packets") - before.worker(queue, "rx_packets") >= 20);
            }
        }
        Reading.of(lab).assertNothingIsLost();
    }

    @Test
    void maglev_gives_the_same_answer_on_both_workers() {
        for (String vip : Topology.VIPS) {
            List<String> first = fromThePortsAbove20000(vip);
            Spread.assertHashed(
                    Topology.count(first.stream()
                            .map(line -> line.substring(line.indexOf(' ') + 1))
                            .toList()),
                    FLOWS,
                    WEIGHTS);
            long known = Reading.of(lab).count(Counter.FLOW_NEW);
            assertEquals(first, fromThePortsAbove20000(vip));
            // A worker that had the flow finds it closed and counts it as reused: new are those that changed the queue.
            long moved = Reading.of(lab).count(Counter.FLOW_NEW) - known;
            assertTrue(moved >= SHARE_OF_A_QUEUE, moved + " flows came to the other worker");
        }
    }

    private static List<String> fromThePortsAbove20000(String vip) {
        return client("vagrant/provision/ask", "tcp", vip, "8082", Integer.toString(FLOWS), "20001");
    }

    private static List<String> client(String... command) {
        return lab.exec("client", command).orFail().lines().toList();
    }
}
