package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FlowState;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ClientAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.LocalPool;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.TranslationOptions;
import dev.sluice.service.VirtualService;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Connections through SYN proxy and FULLNAT, with the client's address added by either way, cost not one byte of heap. */
class SegmentsAllocationTest {
    private static final int ROUNDS = 500;
    private static final int BATCH = 100;
    private static final int ISN = 7;
    private static final int SERVER_ISN = 70_000;
    private static final int TCP = 34;
    private static final IpAddress CLIENT = IpAddress.parse("10.7.0.9");
    private static final IpAddress VIP = IpAddress.parse("198.51.100.1");
    private static final IpAddress RIP = IpAddress.parse("192.0.2.11");
    private static final IpAddress LIP = IpAddress.parse("10.0.2.1");

    private final Harness harness = new Harness(4096);
    private final MemorySegment syn = frame(PacketBuilder.tcp(CLIENT, 1, VIP, 80)
            .tcpFlags(Transport.SYN)
            .tcpNumbers(ISN, 0)
            .tcpOptions(SegmentFixture.linux(1460, 5, 0, 7)));
    private final MemorySegment ack = frame(PacketBuilder.tcp(CLIENT, 1, VIP, 80)
            .tcpFlags(Transport.ACK)
            .tcpNumbers(ISN + 1, 0)
            .tcpOptions(SegmentFixture.stamps(6, 0)));
    private final MemorySegment request = frame(PacketBuilder.tcp(CLIENT, 1, VIP, 80)
            .tcpFlags(Transport.ACK)
            .tcpNumbers(ISN + 1, 0)
            .tcpOptions(SegmentFixture.stamps(7, 0))
            .payloadLength(100));
    private final MemorySegment synAck = frame(PacketBuilder.tcp(RIP, 8080, LIP, 1)
            .tcpFlags(Transport.SYN | Transport.ACK)
            .tcpNumbers(SERVER_ISN, ISN + 1)
            .tcpOptions(SegmentFixture.linux(1460, 5, 0, 5)));
    private final MemorySegment response = frame(PacketBuilder.tcp(RIP, 8080, LIP, 1)
            .tcpFlags(Transport.ACK)
            .tcpNumbers(SERVER_ISN + 1, ISN + 1)
            .tcpOptions(SegmentFixture.stamps(8, 7))
            .payloadLength(1000));
    private final int[] cookies = new int[BATCH];
    private final int[] localPorts = new int[BATCH];
    private int nextPort;
    private long nowMs = 1_000_000;

    private static MemorySegment frame(PacketBuilder packet) {
        byte[] bytes = packet.build();
        MemorySegment frame = Arena.ofAuto().allocate(bytes.length);
        MemorySegment.copy(bytes, 0, frame, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return frame;
    }

    private static ForwardingSnapshot snapshot(ClientAddress how) {
        RealServer server = new RealServer(0, RIP, 8080, ForwardingMethod.FULLNAT, 1);
        LocalPool pool = new LocalPool(List.of(LIP), LocalPool.FIRST_PORT, LocalPool.LAST_PORT);
        return new ForwardingSnapshot.Builder(1)
                .routes(Harness.defaultRoutes(new NextHop(0, 0x02_00_00_00_0c_00L, Harness.DIRECTOR_MAC, 1500)))
                .add(
                        new VirtualService(
                                0,
                                new AddressKey(Protocol.TCP, VIP, 80),
                                SchedulerKind.RR,
                                Set.of(),
                                null,
                                false,
                                new TranslationOptions(pool, how, true),
                                List.of(server)),
                        null,
                        Harness.PARAMETERS)
                .nextHops(
                        0,
                        List.of(new NextHop(
                                1, Harness.macOf(0), Harness.DIRECTOR_MAC, 1500, RealServer.VLAN_NONE, null)))
                .build();
    }

    private long put(int i, MemorySegment frame) {
        long at = Harness.slot(i) + 256;
        MemorySegment.copy(frame, 0, harness.umem, at, frame.byteSize());
        harness.addresses[i] = at;
        harness.lengths[i] = (int) frame.byteSize();
        return at;
    }

    private void process(ForwardingSnapshot snapshot, int port) {
        harness.process(snapshot, BATCH, port, nowMs);
        int sent = 0;
        for (int i = 0; i < harness.batch.count(); i++) {
            sent += harness.egress[i] == Batch.DROPPED ? 0 : 1;
        }
        harness.pipeline.transmitted(sent, 0);
        harness.pipeline.expire(snapshot, 1024, nowMs);
    }

    private void fromClients(ForwardingSnapshot snapshot, MemorySegment frame) {
        for (int i = 0; i < BATCH; i++) {
            long at = put(i, frame);
            Wire.putU16(harness.umem, at + TCP, 1024 + nextPort + i);
            Wire.putI32(harness.umem, at + TCP + Tcp.ACKNOWLEDGEMENT, cookies[i] + 1);
        }
        process(snapshot, 0);
    }

    private void fromServer(ForwardingSnapshot snapshot, MemorySegment frame) {
        for (int i = 0; i < BATCH; i++) {
            long at = put(i, frame);
            Wire.putU16(harness.umem, at + TCP + 2, localPorts[i]);
        }
        process(snapshot, 1);
    }

    private void run(ForwardingSnapshot snapshot) {
        for (int round = 0; round < ROUNDS; round++) {
            nextPort = (nextPort + BATCH) % 50_000;
            nowMs += 100;
            fromClients(snapshot, syn);
            for (int i = 0; i < BATCH; i++) {
                cookies[i] = Wire.i32(harness.umem, harness.addresses[i] + TCP + Tcp.SEQUENCE);
            }
            fromClients(snapshot, ack);
            for (int i = 0; i < BATCH; i++) {
                localPorts[i] = Wire.u16(harness.umem, harness.addresses[i] + TCP);
            }
            fromServer(snapshot, synAck);
            for (int i = 0; i < 3; i++) {
                fromClients(snapshot, request);
                fromServer(snapshot, response);
            }
            // What is no cookie.
            nextPort = (nextPort + BATCH) % 50_000;
            fromClients(snapshot, ack);
        }
    }

    @ParameterizedTest
    @EnumSource(ClientAddress.class)
    void connections_allocate_nothing(ClientAddress how) {
        for (FlowState state : FlowState.values()) {
            harness.flows.setTimeout(state, 300);
        }
        ForwardingSnapshot snapshot = snapshot(how);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allocated = Long.MAX_VALUE;
        for (int attempt = 0; attempt < 5 && allocated != 0; attempt++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            run(snapshot);
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertEquals(0, allocated, "bytes allocated over " + ROUNDS * BATCH + " connections");
        int connections = ROUNDS * BATCH;
        assertTrue(harness.counters.get(Counter.SYN_PROXY_ANSWERED) >= connections);
        assertTrue(harness.counters.get(Counter.SYN_PROXY_ACK_SENT) >= connections);
        assertTrue(harness.counters.get(Counter.SYN_COOKIE_INVALID) >= connections);
        assertTrue(harness.counters.get(Counter.REPLY_HIT) >= 3L * connections);
        assertTrue(harness.counters.get(Counter.TOA_ADDED) >= (how == ClientAddress.TOA ? connections : 0));
        assertTrue(harness.counters.get(Counter.PROXY_HEADER_ADDED) >= (how == ClientAddress.PROXY ? connections : 0));
        assertEquals(
                harness.counters.get(Counter.PACKETS_IN) + harness.counters.get(Counter.SYN_PROXY_ACK_SENT),
                harness.counters.get(Counter.FORWARDED) + harness.counters.get(Counter.SYN_COOKIE_INVALID));
    }
}
