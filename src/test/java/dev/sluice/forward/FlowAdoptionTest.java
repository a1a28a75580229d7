package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FlowCounts;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Transport;
import dev.sluice.service.Persistence;
import dev.sluice.service.Protocol;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Workers of one director, one thread: packets of the same flow come to one queue and then to another. */
class FlowAdoptionTest {
    private static final IpAddress CLIENT = IpAddress.parse("198.51.100.1");
    private static final IpAddress VIP = IpAddress.parse("203.0.113.1");
    private static final int SERVERS = 7;
    private static final ForwardingSnapshot SNAPSHOT = Harness.snapshot(
            Harness.service(1, Protocol.TCP, "203.0.113.1", 80, SchedulerKind.RR, 1, 1, 1, 1, 1, 1, 1),
            Harness.service(2, Protocol.UDP, "203.0.113.1", 53, SchedulerKind.RR, 1, 1, 1, 1, 1, 1, 1));
    private static final int QUIET_MS = 1_000_000;

    private final FlowCounts counts = new FlowCounts(ForwardingSnapshot.MAX_REAL_SERVERS);
    private final List<Harness> workers = new ArrayList<>();

    private void workers(int number, int maxFlows, ConnectionPolicy policy) {
        FlowExchange exchange = new FlowExchange(number);
        PersistenceTable templates = Harness.templates();
        for (int i = 0; i < number; i++) {
            workers.add(new Harness(maxFlows, policy, counts, exchange, templates));
        }
    }

    private void twoWorkers() {
        workers(2, 64, ConnectionPolicy.DEFAULT);
        // So that the worker that adopts would choose another real server than the one that scheduled.
        for (int port = 1; port <= 3; port++) {
            send(1, tcp(port, Transport.SYN), 0);
        }
        workers.get(1).pipeline.expire(SNAPSHOT, 10_000, QUIET_MS);
        assertEquals(0, workers.get(1).flows.size());
    }

    private static byte[] tcp(int clientPort, int flags) {
        return PacketBuilder.tcp(CLIENT, clientPort, VIP, 80).tcpFlags(flags).build();
    }

    private static byte[] udp(int clientPort) {
        return PacketBuilder.udp(CLIENT, clientPort, VIP, 53).build();
    }

    private int send(int worker, byte[] frame, long nowMs) {
        return workers.get(worker).process(SNAPSHOT, frame, nowMs);
    }

    /** The real server that a forwarded frame goes to, as its MAC address says. */
    private long sent(int worker, byte[] frame, long nowMs) {
        assertEquals(1, send(worker, frame, nowMs));
        return workers.get(worker).destinationMac();
    }

    private long count(int worker, Counter counter) {
        return workers.get(worker).counters.get(counter);
    }

    private void cycle(int worker, long nowMs) {
        workers.get(worker).pipeline.expire(SNAPSHOT, 64, nowMs);
    }

    private int connections() {
        return IntStream.range(100, 100 + SERVERS)
                .map(id -> counts.active(id) + counts.inactive(id))
                .sum();
    }

    @ParameterizedTest
    @CsvSource({
        "ACK, 16, ESTABLISHED",
        "PSH-ACK, 24, ESTABLISHED",
        "FIN, 1, FIN_WAIT",
        "FIN-ACK, 17, FIN_WAIT",
        "RST, 4, CLOSE",
        "RST-ACK, 20, CLOSE",
        "none, 0, CLOSE"
    })
    void a_packet_of_the_middle_takes_its_connection_along(String name, int flags, FlowState after) {
        twoWorkers();
        long server = sent(0, tcp(9, Transport.SYN), QUIET_MS);
        assertEquals(server, sent(0, tcp(9, Transport.ACK), QUIET_MS + 1));
        int bytes = 2 * 40;

        assertEquals(server, sent(1, tcp(9, flags), QUIET_MS + 2), name);

        Harness adopter = workers.get(1);
        int slot = adopter.slotOf(tcp(9, 0), QUIET_MS + 2);
        assertEquals(FlowTable.FLAG_ADOPTED, adopter.flows.flags(slot));
        assertEquals(after, FlowState.ofCode(adopter.flows.stateCode(slot)));
        assertEquals(3, adopter.flows.packets(slot));
        assertEquals(bytes + 40, adopter.flows.bytes(slot));
        assertEquals(1, count(1, Counter.FLOW_ADOPTED));
        assertEquals(3, count(1, Counter.FLOW_NEW));
        assertEquals(0, count(1, Counter.FLOW_NEW_SLOPPY));
        assertEquals(0, count(1, Counter.RST_WITHOUT_FLOW));

        assertEquals(2, connections());
        cycle(0, QUIET_MS + 3);
        assertEquals(1, connections());
        assertEquals(0, workers.get(0).flows.size());
        assertEquals(1, count(0, Counter.FLOW_HANDED_OVER));
        assertEquals(0, count(1, Counter.FLOW_HANDOVER_DROPPED));
    }

    @Test
    void any_datagram_takes_its_flow_along() {
        twoWorkers();
        sent(1, udp(1), QUIET_MS);
        sent(1, udp(2), QUIET_MS);
        long server = sent(0, udp(9), QUIET_MS);
        assertEquals(server, sent(1, udp(9), QUIET_MS + 1));
        assertEquals(1, count(1, Counter.FLOW_ADOPTED));
        cycle(0, QUIET_MS + 2);
        assertEquals(0, workers.get(0).flows.size());
        assertEquals(server, sent(0, udp(9), QUIET_MS + 3), "and back again");
        assertEquals(1, count(0, Counter.FLOW_ADOPTED));
    }

    @Test
    void a_flow_that_nobody_knows_is_scheduled_and_a_reset_of_none_is_dropped() {
        twoWorkers();
        sent(0, tcp(9, Transport.SYN), QUIET_MS);
        assertEquals(Batch.DROPPED, send(1, tcp(10, Transport.RST), QUIET_MS));
        assertEquals(1, count(1, Counter.RST_WITHOUT_FLOW));
        assertEquals(1, send(1, tcp(10, Transport.ACK), QUIET_MS));
        assertEquals(1, count(1, Counter.FLOW_NEW_SLOPPY));
        assertEquals(0, count(1, Counter.FLOW_ADOPTED));
    }

    @Test
    void a_connection_moves_with_sloppy_tcp_off() {
        workers(2, 64, new ConnectionPolicy(Sloppy.OFF, Sloppy.OFF, 1, false, false, 0));
        long server = sent(0, tcp(9, Transport.SYN), 0);
        assertEquals(server, sent(1, tcp(9, Transport.ACK), 1));
        assertEquals(Batch.DROPPED, send(1, tcp(10, Transport.ACK), 1));
    }

    @Test
    void what_has_expired_elsewhere_is_not_adopted() {
        twoWorkers();
        sent(0, tcp(9, Transport.SYN), QUIET_MS);
        sent(1, tcp(9, Transport.ACK), QUIET_MS + 60_000);
        assertEquals(0, count(1, Counter.FLOW_ADOPTED));
        assertEquals(1, count(1, Counter.FLOW_NEW_SLOPPY));
    }

    @Test
    void a_syn_looks_elsewhere_only_while_a_stale_entry_may_be_there() {
        twoWorkers();
        sent(0, tcp(9, Transport.SYN), QUIET_MS);
        sent(0, tcp(9, Transport.RST), QUIET_MS);
        // Nothing has ever moved: the SYN is a new connection, and the other table is not read.
        sent(1, tcp(9, Transport.SYN), QUIET_MS + 1);
        assertEquals(4, count(1, Counter.FLOW_NEW));

        // Something has moved: a closed connection is closed wherever it is, and its entry must not be met again.
        sent(0, tcp(20, Transport.SYN), QUIET_MS + 2);
        sent(1, tcp(20, Transport.ACK), QUIET_MS + 2);
        cycle(0, QUIET_MS + 2);
        long closed = sent(0, tcp(30, Transport.ACK), QUIET_MS + 3);
        sent(0, tcp(30, Transport.FIN), QUIET_MS + 3);
        sent(0, tcp(30, Transport.RST), QUIET_MS + 3);
        long anew = sent(1, tcp(30, Transport.SYN), QUIET_MS + 4);
        assertNotEquals(closed, anew);
        assertEquals(1, count(1, Counter.FLOW_REUSED));
        cycle(0, QUIET_MS + 4);
        assertEquals(anew, sent(0, tcp(30, Transport.ACK), QUIET_MS + 5));

        // Long after that nothing of it can be left.
        long laterMs = QUIET_MS + 902_000;
        sent(0, tcp(40, Transport.SYN), laterMs);
        sent(0, tcp(40, Transport.RST), laterMs);
        long reused = count(1, Counter.FLOW_REUSED);
        sent(1, tcp(40, Transport.SYN), laterMs);
        assertEquals(reused, count(1, Counter.FLOW_REUSED));
    }

    @Test
    void a_connection_scheduled_anew_is_forgotten_by_everybody_else() {
        workers(3, 64, ConnectionPolicy.DEFAULT);
        send(2, tcp(1, Transport.SYN), 0);
        // Sprayed over three queues, so that each knows it.
        byte[] ack = tcp(9, Transport.ACK);
        long server = sent(0, tcp(9, Transport.SYN), 0);
        for (int worker : new int[] {1, 0, 2, 0, 1, 2}) {
            assertEquals(server, sent(worker, ack, 1));
        }
        for (int worker = 0; worker < 3; worker++) {
            cycle(worker, 2);
        }
        assertEquals(4, workers.stream().mapToInt(worker -> worker.flows.size()).sum());
        sent(2, tcp(9, Transport.RST), 3);
        long anew = sent(2, tcp(9, Transport.SYN), 4);
        assertNotEquals(server, anew);
        for (int worker = 0; worker < 3; worker++) {
            cycle(worker, 5);
        }
        for (int worker = 0; worker < 3; worker++) {
            assertEquals(anew, sent(worker, ack, 6));
        }
    }

    /** The old owner saw a packet between hand-over and letter: then both keep the flow. */
    @Test
    void an_entry_that_has_seen_a_packet_since_stays() {
        twoWorkers();
        long server = sent(0, tcp(9, Transport.SYN), QUIET_MS);
        assertEquals(server, sent(1, tcp(9, Transport.ACK), QUIET_MS));
        assertEquals(server, sent(0, tcp(9, Transport.ACK), QUIET_MS));
        cycle(0, QUIET_MS);
        assertEquals(1, workers.get(0).flows.size());
        assertEquals(0, count(0, Counter.FLOW_HANDED_OVER));
        assertEquals(0, count(0, Counter.FLOW_ADOPTED));
    }

    @Test
    void a_full_table_forwards_what_others_know_without_an_entry() {
        workers(2, 2, ConnectionPolicy.DEFAULT);
        sent(1, tcp(1, Transport.SYN), 0);
        sent(1, tcp(2, Transport.SYN), 0);
        long server = sent(0, tcp(9, Transport.SYN), 0);
        for (int i = 0; i < 3; i++) {
            assertEquals(server, sent(1, tcp(9, Transport.ACK), 1));
        }
        assertEquals(3, count(1, Counter.FLOW_TABLE_FULL));
        cycle(0, 2);
        assertEquals(1, workers.get(0).flows.size());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void flows_of_a_removed_real_server_do_not_move(boolean expireNodest) {
        workers(2, 64, new ConnectionPolicy(Sloppy.HASH, Sloppy.HASH, 1, expireNodest, false, 0));
        sent(0, tcp(9, Transport.SYN), 0);
        ForwardingSnapshot without =
                Harness.snapshot(Harness.service(3, Protocol.TCP, "203.0.113.1", 80, SchedulerKind.RR, 1));
        int port = workers.get(1).process(without, tcp(9, Transport.ACK), 1);
        assertEquals(expireNodest ? 1 : Batch.DROPPED, port);
        assertEquals(expireNodest ? 0 : 1, count(1, Counter.REAL_SERVER_GONE));
        assertEquals(0, count(1, Counter.FLOW_ADOPTED));
        assertEquals(0, workers.get(1).flows.flowsOf(100));
    }

    @Test
    void mailboxes_that_are_full_leave_the_old_entry_to_its_timeout() {
        int flows = 6_000;
        workers(2, 8_192, ConnectionPolicy.DEFAULT);
        for (int port = 1; port <= flows; port++) {
            send(0, tcp(port, Transport.SYN), 0);
            send(0, tcp(port, Transport.ACK), 0);
        }
        for (int port = 1; port <= flows; port++) {
            send(1, tcp(port, Transport.ACK), 1);
        }
        assertEquals(flows, count(1, Counter.FLOW_ADOPTED));
        long dropped = count(1, Counter.FLOW_HANDOVER_DROPPED);
        assertTrue(dropped > 0 && dropped < flows, dropped + " dropped");
        for (int i = 0; i < flows; i++) {
            cycle(0, 2);
        }
        assertEquals(flows - dropped, count(0, Counter.FLOW_HANDED_OVER));
        assertEquals(dropped, workers.get(0).flows.size());
        assertEquals(flows + dropped, connections());
        // The busy ones live on where they are; what stayed behind runs out.
        for (int port = 1; port <= flows; port++) {
            send(1, tcp(port, Transport.ACK), 600_000);
        }
        workers.get(0).pipeline.expire(SNAPSHOT, Integer.MAX_VALUE, 901_000);
        assertEquals(flows, connections());
    }

    /**
     * Packets of many flows sprayed over the queues at random, duty cycles at random: every packet of a connection goes where
     * its first went, and the counts balance when all is over.
     */
    @ParameterizedTest
    @CsvSource({"1, 2", "2, 3", "3, 4"})
    void sprayed_packets_never_lose_their_real_server(long seed, int queues) {
        workers(queues, 256, ConnectionPolicy.DEFAULT);
        Random random = new Random(seed);
        Map<Integer, Long> servers = new HashMap<>();
        long nowMs = 0;
        for (int step = 0; step < 50_000; step++) {
            int port = 1 + random.nextInt(60);
            int worker = random.nextInt(20) == 0 ? random.nextInt(queues) : port % queues;
            boolean first = !servers.containsKey(port);
            long server = sent(worker, tcp(port, first ? Transport.SYN : Transport.ACK), nowMs);
            Long before = servers.putIfAbsent(port, server);
            assertTrue(before == null || before == server, "step " + step + ", port " + port);
            for (int id = 100; id < 100 + SERVERS; id++) {
                assertTrue(counts.active(id) >= 0 && counts.inactive(id) >= 0);
            }
            if (random.nextInt(4) == 0) {
                cycle(random.nextInt(queues), nowMs);
            }
            nowMs += random.nextInt(3);
        }
        for (Harness worker : workers) {
            assertEquals(0, worker.counters.get(Counter.FLOW_NEW_SLOPPY));
            assertTrue(worker.counters.get(Counter.FLOW_ADOPTED) > 100);
            worker.pipeline.expire(SNAPSHOT, Integer.MAX_VALUE, nowMs + 1_000_000);
        }
        assertEquals(0, connections());
    }

    @Test
    void movingFlowsAllocatesNothing() {
        workers(3, 2_048, ConnectionPolicy.DEFAULT);
        byte[][] frames = new byte[1_000][];
        for (int i = 0; i < frames.length; i++) {
            frames[i] = i % 3 == 0 ? udp(i + 1) : tcp(i + 1, i % 50 == 1 ? Transport.SYN : Transport.ACK);
        }
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allocated = Long.MAX_VALUE;
        long nowMs = 0;
        // As in PipelineAllocationTest: what the JVM links once is charged to this thread.
        for (int attempt = 0; attempt < 8 && allocated != 0; attempt++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int packet = 0; packet < 300_000; packet++) {
                int worker = packet / 7_919 % 3;
                workers.get(worker).process(SNAPSHOT, frames[packet * 31 % frames.length], nowMs);
                if (packet % 64 == 0) {
                    nowMs++;
                    workers.get(packet / 64 % 3).pipeline.expire(SNAPSHOT, 64, nowMs);
                }
            }
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertEquals(0, allocated);
        for (int worker = 0; worker < 3; worker++) {
            assertTrue(count(worker, Counter.FLOW_ADOPTED) > 1_000);
            assertTrue(count(worker, Counter.FLOW_HANDED_OVER) > 1_000);
        }
    }

    /** As {@link #sprayed_packets_never_lose_their_real_server}, each worker on a thread of its own. */
    @Test
    @Timeout(60)
    void workers_that_run_at_once_never_lose_a_real_server() throws Exception {
        int threads = 3;
        int ports = 40;
        workers(threads, 64, ConnectionPolicy.DEFAULT);
        long[] servers = new long[ports + 1];
        for (int port = 1; port <= ports; port++) {
            servers[port] = sent(port % threads, tcp(port, Transport.SYN), 0);
            sent(port % threads, tcp(port, Transport.ACK), 0);
        }
        AtomicReference<String> wrong = new AtomicReference<>();
        long endNs = System.nanoTime() + 3_000_000_000L;
        List<Thread> running = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int worker = i;
            Thread thread = new Thread(() -> {
                Random random = new Random(worker);
                Harness own = workers.get(worker);
                byte[][] frames = new byte[ports + 1][];
                for (int port = 1; port <= ports; port++) {
                    frames[port] = tcp(port, Transport.ACK);
                }
                while (System.nanoTime() - endNs < 0 && wrong.get() == null) {
                    for (int packets = random.nextInt(4); packets > 0; packets--) {
                        int port = 1 + random.nextInt(ports);
                        int egress = own.process(SNAPSHOT, frames[port], 1);
                        if (egress != Batch.DROPPED && own.destinationMac() != servers[port]) {
                            wrong.set("port " + port + " at worker " + worker);
                        }
                    }
                    own.pipeline.expire(SNAPSHOT, 64, 1);
                }
            });
            thread.start();
            running.add(thread);
        }
        for (Thread thread : running) {
            thread.join();
        }
        assertNull(wrong.get());
        for (int worker = 0; worker < threads; worker++) {
            assertEquals(0, count(worker, Counter.FLOW_NEW_SLOPPY));
            assertTrue(count(worker, Counter.FLOW_ADOPTED) > 0);
            assertEquals(
                    workers.get(worker).counters.dropped(), count(worker, Counter.FLOW_LOOKUP_BUSY), "other drops");
        }
    }

    /** A client's template counts its connections, wherever they are known, and lives as long as one does. */
    @Test
    void a_connection_that_moves_stays_under_its_template() {
        workers(2, 64, ConnectionPolicy.DEFAULT);
        VirtualService plain = Harness.service(3, Protocol.UDP, "203.0.113.1", 99, SchedulerKind.RR, 1, 1, 1);
        ForwardingSnapshot snapshot = Harness.snapshot(new VirtualService(
                plain.id(),
                plain.key(),
                plain.scheduler(),
                plain.schedulerFlags(),
                new Persistence(10, IpAddress.parse("255.255.255.0")),
                false,
                plain.realServers()));
        byte[] first = PacketBuilder.udp(CLIENT, 7, VIP, 99).build();
        Harness one = workers.get(0);
        Harness two = workers.get(1);
        long nowMs = QUIET_MS;
        one.process(snapshot, first, nowMs);
        long server = one.destinationMac();
        // The connection moves, and is kept alive where it is, long after the template's own time.
        for (int second = 1; second <= 200; second++) {
            nowMs = QUIET_MS + second * 1000L;
            two.process(snapshot, first, nowMs);
            assertEquals(server, two.destinationMac());
            one.pipeline.expire(snapshot, 64, nowMs);
            two.pipeline.expire(snapshot, 64, nowMs);
        }
        assertEquals(0, one.flows.size());
        assertEquals(1, two.flows.size());
        one.process(snapshot, PacketBuilder.udp(CLIENT, 8, VIP, 99).build(), nowMs);
        assertEquals(server, one.destinationMac(), "the client's next connection");
        assertEquals(1, one.counters.get(Counter.TEMPLATE_HIT));
        // Both connections time out; the template goes with its next look at them.
        nowMs += 301_000;
        one.pipeline.expire(snapshot, 10_000, nowMs);
        two.pipeline.expire(snapshot, 10_000, nowMs);
        nowMs += 60_000;
        two.process(snapshot, PacketBuilder.udp(CLIENT, 9, VIP, 99).build(), nowMs);
        assertEquals(1, two.counters.get(Counter.TEMPLATE_NEW));
    }
}
