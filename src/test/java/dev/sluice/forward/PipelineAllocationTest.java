package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.SctpChunk;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Sctp;
import dev.sluice.packet.Wire;
import dev.sluice.service.Protocol;
import dev.sluice.service.SchedulerKind;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A million packets, of every kind, cost not one byte of heap. */
class PipelineAllocationTest {
    private static final int BATCHES = 4000;
    private static final int BATCH = 250;

    private final Harness harness = new Harness(20_000);
    private final byte[][] templates = templates();
    private final MemorySegment[] sources = new MemorySegment[templates.length];
    private int sequence;

    private static byte[][] templates() {
        IpAddress client4 = IpAddress.parse("10.1.0.1");
        IpAddress client6 = IpAddress.parse("2001:db8:1::1");
        IpAddress vip4 = IpAddress.parse("10.0.0.100");
        IpAddress vip6 = IpAddress.parse("2001:db8::100");
        return new byte[][] {
            PacketBuilder.tcp(client4, 1, vip4, 80).build(),
            PacketBuilder.tcp(client4, 1, vip4, 80)
                    .tcpFlags(PacketBuilder.TCP_ACK)
                    .payloadLength(200)
                    .build(),
            PacketBuilder.udp(client4, 1, vip4, 53).payloadLength(40).build(),
            PacketBuilder.tcp(client6, 1, vip6, 80).build(),
            PacketBuilder.udp(client6, 1, vip6, 53).payloadLength(40).build(),
            PacketBuilder.tcp(client4, 1, vip4, 81).build(),
            PacketBuilder.tcp(client4, 1, vip4, 80)
                    .tcpFlags(PacketBuilder.TCP_RST)
                    .build(),
            PacketBuilder.tcp(client4, 1, vip4, 80).ipLength(2000).build(),
            PacketBuilder.tcp(client4, 1, vip4, 80).ttl(1).build(),
            PacketBuilder.tcp(client6, 1, vip6, 80)
                    .extension(PacketBuilder.HOP_BY_HOP, 8)
                    .build(),
            PacketBuilder.tcp(client4, 1, vip4, 82).build(),
            PacketBuilder.tcp(client4, 1, vip4, 83).build(),
            PacketBuilder.tcp(client4, 1, vip4, 80)
                    .tcpFlags(PacketBuilder.TCP_FIN)
                    .build(),
            PacketBuilder.sctp(client4, 1, vip4, 9900)
                    .payload(SctpChunk.of(Sctp.INIT, 16))
                    .build(),
            PacketBuilder.sctp(client4, 1, vip4, 9900)
                    .payload(SctpChunk.of(Sctp.DATA, 16))
                    .build(),
            PacketBuilder.ethernet()
                    .ip(client4, vip4)
                    .raw(PacketBuilder.ESP)
                    .payloadLength(40)
                    .build(),
        };
    }

    private void run(ForwardingSnapshot snapshot, ForwardingSnapshot other, int batches, Random random) {
        for (int batch = 0; batch < batches; batch++) {
            for (int i = 0; i < BATCH; i++) {
                int kind = sequence++ % templates.length;
                int length = templates[kind].length;
                long at = (long) Harness.FRAME_BYTES * i;
                MemorySegment.copy(sources[kind], 0, harness.umem, at, length);
                // Ports vary enough for hits, misses and a table that fills up and is swept.
                int ports = at(templates[kind]);
                Wire.putU16(harness.umem, at + ports, random.nextInt(8192));
                harness.addresses[i] = at;
                harness.lengths[i] = length;
            }
            ForwardingSnapshot now = batch % 2 == 0 ? snapshot : other;
            long nowMs = sequence / 2L;
            harness.process(now, BATCH, nowMs);
            int sent = 0;
            for (int i = 0; i < BATCH; i++) {
                sent += harness.egress[i] == Batch.DROPPED ? 0 : 1;
            }
            harness.pipeline.transmitted(sent, 0);
            harness.pipeline.expire(now, 64, nowMs);
        }
    }

    private static int at(byte[] frame) {
        boolean inet6 = frame[12] == (byte) 0x86;
        return inet6 && frame[20] == 0 ? 14 + 48 : inet6 ? 14 + 40 : 14 + 20;
    }

    /** Every scheduler in turn behind one of the services. */
    @ParameterizedTest
    @EnumSource
    void aMillionPacketsAllocateNothing(SchedulerKind kind) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        assertTrue(threads.isThreadAllocatedMemorySupported());
        for (int i = 0; i < templates.length; i++) {
            sources[i] = harness.umem.asSlice((long) Harness.FRAME_BYTES * (i + 1) - 1024, 1024);
            MemorySegment.copy(templates[i], 0, sources[i], ValueLayout.JAVA_BYTE, 0, templates[i].length);
        }
        ForwardingSnapshot snapshot = Harness.snapshot(
                Harness.service(0, Protocol.TCP, "10.0.0.100", 80, SchedulerKind.RR, 1, 1),
                Harness.service(1, Protocol.UDP, "10.0.0.100", 53, SchedulerKind.WRR, 1, 3),
                Harness.service(2, Protocol.TCP, "2001:db8::100", 80, SchedulerKind.MAGLEV, 1, 2),
                Harness.service(3, Protocol.UDP, "2001:db8::100", 53, SchedulerKind.WRR, 5, 0),
                Harness.service(4, Protocol.TCP, "10.0.0.100", 82, SchedulerKind.RR, 0),
                Harness.service(6, Protocol.SCTP, "10.0.0.100", 9900, SchedulerKind.RR, 1, 1),
                Harness.service(5, Protocol.TCP, "10.0.0.100", 83, kind, 60_000, 0, 50_000));
        ForwardingSnapshot other = snapshot.withNextHops(
                2, id -> id == 1 ? List.of() : List.of(new NextHop(0, Harness.macOf(id), Harness.DIRECTOR_MAC, 1500)));
        Random random = new Random(9);
        // The first run links call sites and is compiled. The JVM charges what compiled code links when it first takes
        // a rare
        // branch to this thread, a hundred bytes once; what a packet costs would show in every run.
        long allocated = Long.MAX_VALUE;
        for (int attempt = 0; attempt < 5 && allocated != 0; attempt++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            run(snapshot, other, BATCHES, random);
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertEquals(0, allocated, "bytes allocated over " + BATCHES * BATCH + " packets");
        for (Counter counter : new Counter[] {
            Counter.FLOW_HIT,
            Counter.FLOW_NEW,
            Counter.FLOW_NEW_SLOPPY,
            Counter.FLOW_REUSED,
            Counter.FLOW_TABLE_FULL,
            Counter.NO_SERVICE,
            Counter.NO_REAL_SERVER,
            Counter.NO_NEIGHBOUR,
            Counter.TTL_EXPIRED,
            Counter.RST_WITHOUT_FLOW,
            Counter.NO_IKE_FLOW,
            Counter.PARSE_BAD_TOTAL_LENGTH,
            Counter.FORWARDED
        }) {
            assertTrue(harness.counters.get(counter) > 1000, () -> counter + " " + harness.counters.get(counter));
        }
        assertTrue(harness.flows.expired() > 1000);
        int scheduled = 0;
        for (int id = 500; id < 503; id++) {
            scheduled += harness.flows.flowsOf(id);
        }
        assertTrue(scheduled > 100, kind + " " + scheduled);
    }
}
