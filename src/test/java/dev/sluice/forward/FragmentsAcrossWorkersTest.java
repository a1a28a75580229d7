package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FlowCounts;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FragmentTable;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import dev.sluice.service.SchedulerKind;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Receive-side scaling sends the fragments of a datagram to other queues than the first one. */
class FragmentsAcrossWorkersTest {
    private static final IpAddress CLIENT = IpAddress.parse("192.0.2.200");
    private static final IpAddress VIP = IpAddress.parse("203.0.113.1");
    private static final ForwardingSnapshot SNAPSHOT =
            Harness.snapshot(Harness.service(1, Protocol.UDP, VIP.toString(), 53, SchedulerKind.RR, 1, 1, 1));

    private final FlowCounts counts = new FlowCounts(ForwardingSnapshot.MAX_REAL_SERVERS);
    private final FlowExchange exchange = new FlowExchange(2);
    private final PersistenceTable templates = Harness.templates();
    private final FragmentTable fragments = new FragmentTable(1024, Harness.KEY);
    private final Harness one = worker();
    private final Harness two = worker();

    private Harness worker() {
        return new Harness(64, ConnectionPolicy.DEFAULT, PacketPolicy.DEFAULT, counts, exchange, templates, fragments);
    }

    private static List<byte[]> datagram(int id) {
        return PacketBuilder.udp(CLIENT, 1000 + id, VIP, 53).payloadLength(1000).buildFragments(400, id);
    }

    @Test
    void laterOnesFollowTheFirstThatAnotherWorkerHasSeen() {
        for (int id = 1; id <= 3; id++) {
            List<byte[]> in = datagram(id);
            assertEquals(1, one.process(SNAPSHOT, in.get(0), 0));
            long server = one.destinationMac();
            assertEquals(1, two.process(SNAPSHOT, in.get(1), 0));
            assertEquals(server, two.destinationMac());
            assertEquals(1, one.process(SNAPSHOT, in.get(2), 0));
            assertEquals(server, one.destinationMac());
        }
    }

    @Test
    void oneThatWaitsGoesWhenAnotherWorkerHasSeenTheFirst() {
        List<byte[]> in = datagram(7);
        assertEquals(Batch.HELD, two.process(SNAPSHOT, in.get(1), 0));
        assertEquals(1, two.pipeline.held());
        two.process(SNAPSHOT, 0, 1);
        assertEquals(0, two.batch.count());

        assertEquals(1, one.process(SNAPSHOT, in.get(0), 1));
        two.process(SNAPSHOT, 0, 2);
        assertEquals(1, two.batch.count());
        assertEquals(1, two.egress[0]);
        assertEquals(one.destinationMac(), two.destinationMac());
        assertEquals(0, two.pipeline.held());
        assertEquals(0, two.counters.dropped());
    }
}
