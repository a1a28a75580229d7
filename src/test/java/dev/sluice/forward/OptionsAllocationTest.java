package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.SctpChunk;
import dev.sluice.flow.FlowCounts;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.packet.Sctp;
import dev.sluice.packet.Wire;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Persistence;
import dev.sluice.service.Protocol;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * A million packets of clients of persistent services (templates found, made, refused, expired), single packets, thresholds
 * with overload, marks, SCTP, ESP and AH cost not one byte of heap.
 */
class OptionsAllocationTest {
    private static final int BATCHES = 4000;
    private static final int BATCH = 250;
    private static final int CLIENTS = 128;
    private static final String VIP = "10.0.0.100";
    /** Fewer than clients times persistent services. */
    private static final int TEMPLATES = 64;

    private final PersistenceTable persistence =
            new PersistenceTable(TEMPLATES, ForwardingSnapshot.MAX_REAL_SERVERS, Harness.KEY, Arena.ofAuto());
    private final Harness harness = new Harness(
            20_000,
            ConnectionPolicy.DEFAULT,
            new FlowCounts(ForwardingSnapshot.MAX_REAL_SERVERS),
            new FlowExchange(1),
            persistence);
    private final List<MemorySegment> frames = new ArrayList<>();
    private long packets;

    private static VirtualService service(
            int id,
            @Nullable ServiceKey key,
            Protocol protocol,
            int port,
            @Nullable Persistence persistent,
            boolean one) {
        VirtualService plain = Harness.service(id, protocol, VIP, port, SchedulerKind.RR, 1, 1);
        return new VirtualService(
                id, key == null ? plain.key() : key, plain.scheduler(), Set.of(), persistent, one, plain.realServers());
    }

    private static ForwardingSnapshot snapshot() {
        Persistence second = new Persistence(1, IpAddress.netmask(AddressFamily.INET, 32));
        IpPrefix vip = IpPrefix.parse(VIP);
        return Harness.snapshot(
                List.of(
                        new FwmarkRule(9, Protocol.UDP, vip, 8000, 8999, IpPrefix.parse("10.9.0.0/16")),
                        new FwmarkRule(1, Protocol.TCP, vip, 8000, 8099, null),
                        new FwmarkRule(1, Protocol.TCP, vip, 443, 443, IpPrefix.parse("10.1.0.0/16"))),
                service(0, null, Protocol.TCP, 80, second, false),
                service(1, null, Protocol.UDP, 53, second, true),
                service(2, null, Protocol.UDP, 54, null, true),
                service(3, null, Protocol.TCP, 81, null, false),
                service(4, new FwmarkKey(AddressFamily.INET, 1), Protocol.TCP, 8000, second, false),
                service(5, null, Protocol.SCTP, 9900, null, false),
                service(6, null, Protocol.UDP, 500, null, false));
    }

    private static List<byte[]> packets(int number) {
        IpAddress client = IpAddress.ofInet(0x0a010000 + number);
        IpAddress vip = IpAddress.parse(VIP);
        List<byte[]> packets = new ArrayList<>();
        for (int port : new int[] {80, 81, 8000, 443}) {
            packets.add(PacketBuilder.tcp(client, 1, vip, port).build());
        }
        packets.add(PacketBuilder.tcp(client, 1, vip, 80)
                .tcpFlags(PacketBuilder.TCP_FIN | PacketBuilder.TCP_ACK)
                .build());
        packets.add(PacketBuilder.udp(client, 1, vip, 53).payloadLength(40).build());
        packets.add(PacketBuilder.udp(client, 1, vip, 54).payloadLength(40).build());
        for (int chunk : new int[] {Sctp.INIT, Sctp.COOKIE_ECHO, Sctp.DATA, Sctp.SHUTDOWN}) {
            packets.add(PacketBuilder.sctp(client, 1, vip, 9900)
                    .payload(SctpChunk.of(chunk, 16))
                    .build());
        }
        if (number % 2 == 0) {
            packets.add(
                    PacketBuilder.udp(client, 500, vip, 500).payloadLength(28).build());
        }
        for (int protocol : new int[] {PacketBuilder.ESP, PacketBuilder.AUTHENTICATION}) {
            packets.add(PacketBuilder.ethernet()
                    .ip(client, vip)
                    .raw(protocol)
                    .payloadLength(64)
                    .build());
        }
        return packets;
    }

    private void run(ForwardingSnapshot snapshot, Random random) {
        for (int batch = 0; batch < BATCHES; batch++) {
            for (int i = 0; i < BATCH; i++) {
                MemorySegment frame = frames.get(random.nextInt(frames.size()));
                long at = (long) Harness.FRAME_BYTES * i;
                MemorySegment.copy(frame, 0, harness.umem, at, frame.byteSize());
                if (Wire.u16(harness.umem, at + 34) == 1) {
                    // Client ports vary; IKE's does not, nor what has none.
                    Wire.putU16(harness.umem, at + 34, 1024 + random.nextInt(64));
                }
                harness.addresses[i] = at;
                harness.lengths[i] = (int) frame.byteSize();
            }
            packets += BATCH;
            long nowMs = packets / 2;
            harness.process(snapshot, BATCH, nowMs);
            int sent = 0;
            for (int i = 0; i < BATCH; i++) {
                sent += harness.egress[i] == Batch.DROPPED ? 0 : 1;
            }
            harness.pipeline.transmitted(sent, 0);
            harness.pipeline.expire(snapshot, 256, nowMs);
        }
    }

    @Test
    void a_million_packets_allocate_nothing() {
        for (int number = 0; number < CLIENTS; number++) {
            packets(number).forEach(packet -> {
                MemorySegment frame = Arena.ofAuto().allocate(packet.length);
                MemorySegment.copy(packet, 0, frame, ValueLayout.JAVA_BYTE, 0, packet.length);
                frames.add(frame);
            });
        }
        // So that connections end within the second that their templates live, and IKE's outlive the test.
        for (FlowState state : FlowState.values()) {
            if (state != FlowState.UDP) {
                harness.flows.setTimeout(state, 400);
            }
        }
        harness.connections.setThresholds(300, 10, 5);
        harness.connections.setThresholds(301, 6, 0);
        ForwardingSnapshot snapshot = snapshot();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Random random = new Random(12);
        // What is charged once for linking and compiling is not what a packet costs.
        long allocated = Long.MAX_VALUE;
        for (int attempt = 0; attempt < 5 && allocated != 0; attempt++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            run(snapshot, random);
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertEquals(0, allocated, "bytes allocated over " + BATCHES * BATCH + " packets");
        for (Counter counter : new Counter[] {
            Counter.TEMPLATE_HIT,
            Counter.TEMPLATE_NEW,
            Counter.TEMPLATE_REFUSED,
            Counter.ONE_PACKET,
            Counter.NO_REAL_SERVER,
            Counter.NO_IKE_FLOW,
            Counter.FLOW_HIT,
            Counter.FLOW_NEW,
            Counter.FORWARDED
        }) {
            assertTrue(harness.counters.get(counter) > 1000, () -> counter + " " + harness.counters.get(counter));
        }
        for (int service : new int[] {0, 1, 2, 3, 4, 5, 6}) {
            assertTrue(harness.counters.servicePackets(service) > 1000, () -> "service " + service);
        }
        // Half of the clients have spoken IKE, and their ESP and AH followed it.
        assertTrue(harness.counters.servicePackets(6) > 2 * harness.counters.serviceConnections(6));
        assertTrue(persistence.size() > 0 && persistence.size() <= 2 * TEMPLATES);
    }
}
