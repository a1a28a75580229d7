package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.util.List;
import org.junit.jupiter.api.Test;

/** There are spare frames enough to cut every packet of a batch, those that were let go as well. */
class FullBatchInPiecesTest {
    private static final IpAddress CLIENT = IpAddress.parse("198.51.100.1");
    private static final IpAddress VIP = IpAddress.parse("203.0.113.1");
    private static final int WAITING = 200;

    private final Harness harness = new Harness(1000);
    private final ForwardingSnapshot narrow = narrow();

    private static ForwardingSnapshot narrow() {
        VirtualService service = Harness.service(0, Protocol.UDP, "203.0.113.1", 7, SchedulerKind.RR, 1);
        return new ForwardingSnapshot.Builder(1)
                .add(service, null, Harness.PARAMETERS)
                .nextHops(0, List.of(new NextHop(1, Harness.macOf(0), Harness.DIRECTOR_MAC, 1400)))
                .build();
    }

    private static byte[] fragment(int offsetBytes) {
        return PacketBuilder.udp(CLIENT, 5000, VIP, 7)
                .payload(new byte[1448])
                .identification(1)
                .fragment(offsetBytes, true)
                .build();
    }

    @Test
    void everyPacketIsCutAndNoneIsDropped() {
        for (int i = 0; i < WAITING; i++) {
            harness.put(i, fragment(1456 * (i % 40 + 1)));
        }
        harness.process(narrow, WAITING, 0);
        assertEquals(WAITING, harness.counters.get(Counter.FRAGMENT_HELD));

        int first = WAITING;
        for (int i = 0; i < Pipeline.MAX_BATCH - WAITING; i++) {
            harness.put(first + i, fragment(0));
            harness.addresses[i] = harness.addresses[first + i];
            harness.lengths[i] = harness.lengths[first + i];
        }
        harness.process(narrow, Pipeline.MAX_BATCH - WAITING, 1);
        assertEquals(0, harness.counters.dropped());
        assertEquals(0, harness.pipeline.held());
        assertEquals(Pipeline.MAX_BATCH, harness.counters.get(Counter.FRAGMENTED));
        assertEquals(2 * Pipeline.MAX_BATCH, harness.batch.count());
    }
}
