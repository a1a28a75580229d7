package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Transport;
import dev.sluice.service.ClientAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.LocalPool;
import dev.sluice.service.TranslationOptions;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets, pieces, errors and answers between the families, over and over, cost not one byte of heap; every one is accounted for. */
class FamilyNatAllocationTest extends NatFixture {
    private static final int BATCHES = 4000;
    private static final int BATCH_MS = 100;
    private static final IpAddress INET = IpAddress.parse("10.0.2.1");
    private static final IpAddress INET6 = IpAddress.parse("fd00:3::1");

    @Override
    boolean realInet6(boolean inet6) {
        return !inet6;
    }

    @Override
    ForwardingMethod method() {
        return ForwardingMethod.FULLNAT;
    }

    /** One local port: whoever replies knows it. */
    @Override
    TranslationOptions options() {
        return new TranslationOptions(new LocalPool(List.of(INET, INET6), 5000, 5000), ClientAddress.NONE, false);
    }

    private static byte[] error(String router, PacketBuilder quoted, String to) {
        boolean inet6 = to.indexOf(':') >= 0;
        return PacketBuilder.ethernet()
                .ip(IpAddress.parse(router), IpAddress.parse(to))
                .icmp(inet6 ? 2 : 3, inet6 ? 0 : 4, 1400)
                .payload(quoted.payloadLength(100).buildPacket())
                .build();
    }

    private List<byte[]> fromClients(boolean inet6) {
        List<byte[]> frames = new ArrayList<>();
        for (int protocol : new int[] {Transport.UDP, Transport.TCP}) {
            frames.add(fromClient(protocol).payloadLength(100).build());
            frames.add(fromClient(protocol).ttl(1).build());
            frames.add(fromClient(protocol).payloadLength(1500).dontFragment().build());
            frames.add(fromClient(protocol).payloadLength(1240).build());
            frames.addAll(fromClient(protocol).payloadLength(1000).buildFragments(400, 7));
        }
        frames.add(error(
                inet6 ? "2001:db8:8::fe" : "10.8.0.254", packet(Transport.UDP, virtual, 80, client, 4001), virtual));
        return frames;
    }

    private List<byte[]> fromReals(boolean inet6) {
        List<byte[]> frames = new ArrayList<>();
        for (int protocol : new int[] {Transport.UDP, Transport.TCP}) {
            frames.add(fromReal(protocol)
                    .tcpFlags(Transport.ACK)
                    .payloadLength(100)
                    .build());
            frames.add(fromReal(protocol)
                    .tcpFlags(Transport.ACK)
                    .payloadLength(1500)
                    .dontFragment()
                    .build());
            frames.add(fromReal(protocol)
                    .tcpFlags(Transport.ACK)
                    .payloadLength(1240)
                    .build());
            frames.addAll(fromReal(protocol)
                    .tcpFlags(Transport.ACK)
                    .payloadLength(1000)
                    .buildFragments(400, 9));
        }
        frames.add(error(
                inet6 ? "192.0.2.254" : "fd00:2::fe", packet(Transport.UDP, local, localPort, real, 8080), local));
        return frames;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void nothingIsAllocated(boolean inet6) {
        realMtu = 1280;
        start(inet6, 1);
        snapshot = snapshot(1280, method());
        local = (inet6 ? INET : INET6).toString();
        localPort = 5000;
        MemorySegment[] requests =
                fromClients(inet6).stream().map(MemorySegment::ofArray).toArray(MemorySegment[]::new);
        MemorySegment[] replies =
                fromReals(inet6).stream().map(MemorySegment::ofArray).toArray(MemorySegment[]::new);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allocated = Long.MAX_VALUE;
        for (int attempt = 0; attempt < 5 && allocated != 0; attempt++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int batch = 0; batch < BATCHES; batch++) {
                nowMs += BATCH_MS;
                run(requests, CLIENT_PORT_ID);
                run(replies, REAL_PORT_ID);
            }
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertEquals(0, allocated);
        Counters counters = workers.get(0).counters;
        for (Counter counter : new Counter[] {
            Counter.REPLY_HIT,
            Counter.FLOW_HIT,
            Counter.ICMP_RELAYED,
            Counter.ICMP_ERROR_SENT,
            Counter.TTL_EXPIRED,
            Counter.PACKET_TOO_BIG,
            Counter.FRAGMENT_MADE
        }) {
            assertTrue(counters.get(counter) > 1000, () -> counter + " " + counters.get(counter));
        }
        assertEquals(
                counters.get(Counter.PACKETS_IN)
                        + counters.get(Counter.ICMP_ERROR_SENT)
                        + counters.get(Counter.FRAGMENT_MADE),
                counters.get(Counter.FORWARDED)
                        + counters.dropped()
                        + workers.get(0).pipeline.held());
    }

    private void run(MemorySegment[] sources, int ingressPort) {
        Harness harness = workers.get(0);
        for (int i = 0; i < sources.length; i++) {
            long at = Harness.slot(i) + 256;
            MemorySegment.copy(sources[i], 0, harness.umem, at, sources[i].byteSize());
            harness.addresses[i] = at;
            harness.lengths[i] = (int) sources[i].byteSize();
        }
        harness.process(snapshot, sources.length, ingressPort, nowMs);
        int sent = 0;
        for (int i = 0; i < harness.batch.count(); i++) {
            sent += harness.egress[i] >= 0 ? 1 : 0;
        }
        harness.pipeline.transmitted(sent, 0);
    }
}
