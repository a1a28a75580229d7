package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FlowCounts;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Persistence;
import dev.sluice.service.Protocol;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Two workers that open connections of one client at once, one of which has not yet heard of a new real server. */
class PersistenceRaceTest {
    private static final IpAddress VIP = IpAddress.parse("203.0.113.1");
    private static final int ROUNDS = 10_000;

    private static ForwardingSnapshot snapshot(int... weights) {
        VirtualService plain = Harness.service(1, Protocol.UDP, VIP.toString(), 53, SchedulerKind.RR, weights);
        return Harness.snapshot(new VirtualService(
                plain.id(),
                plain.key(),
                plain.scheduler(),
                plain.schedulerFlags(),
                new Persistence(300, IpAddress.parse("255.255.255.255")),
                false,
                plain.realServers()));
    }

    @Test
    void aTemplateOfAnotherSnapshotLeadsNobodyToARealServerHeDoesNotKnow() throws Exception {
        FlowCounts counts = new FlowCounts(ForwardingSnapshot.MAX_REAL_SERVERS);
        PersistenceTable templates = Harness.templates();
        List<Harness> workers = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            // Their connection tables have nothing to do with each other: the templates are what they share.
            workers.add(new Harness(64, ConnectionPolicy.DEFAULT, counts, new FlowExchange(1), templates));
        }
        ForwardingSnapshot[] snapshots = {snapshot(1), snapshot(1, 1, 1, 1, 1, 1, 1, 1)};
        AtomicInteger arrived = new AtomicInteger();
        List<Callable<Integer>> tasks = new ArrayList<>();
        for (int self = 0; self < 2; self++) {
            Harness own = workers.get(self);
            ForwardingSnapshot snapshot = snapshots[self];
            int port = 1000 + self;
            tasks.add(() -> {
                int forwarded = 0;
                for (int round = 0; round < ROUNDS; round++) {
                    byte[] frame = PacketBuilder.udp(IpAddress.ofInet(0x0a000000 + round), port, VIP, 53)
                            .build();
                    meet(arrived, round);
                    forwarded += own.process(snapshot, frame, round * 1_000_000L) == Batch.DROPPED ? 0 : 1;
                    own.pipeline.expire(snapshot, 1000, round * 1_000_000L);
                }
                return forwarded;
            });
        }
        try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
            for (Future<Integer> forwarded : pool.invokeAll(tasks)) {
                assertEquals(ROUNDS, forwarded.get());
            }
        }
        // Or the two never met.
        assertTrue(workers.get(0).counters.get(Counter.TEMPLATE_REFUSED) > 0, "no race");
    }

    /** Spins until both workers have come to a round: a barrier that parks lets them meet too seldom. */
    private static void meet(AtomicInteger arrived, int round) {
        arrived.incrementAndGet();
        long startNs = System.nanoTime();
        while (arrived.get() < 2 * (round + 1)) {
            Thread.onSpinWait();
            if (System.nanoTime() - startNs > TimeUnit.SECONDS.toNanos(30)) {
                throw new IllegalStateException("the other worker has failed");
            }
        }
    }
}
