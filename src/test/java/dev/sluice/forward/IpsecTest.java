package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FlowTable;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** ESP and AH go where the IKE flow of the same client and VIP goes. */
class IpsecTest {
    private static final String VIP4 = "203.0.113.1";
    private static final String VIP6 = "2001:db8:2::1";
    private static final VirtualService IKE = Harness.service(0, Protocol.UDP, VIP4, 500, SchedulerKind.RR, 1, 1, 1);

    private final Harness harness = new Harness(1000);
    private final ForwardingSnapshot snapshot = Harness.snapshot(
            IKE,
            Harness.service(1, Protocol.UDP, VIP4, 4500, SchedulerKind.RR, 1, 1, 1),
            Harness.service(2, Protocol.UDP, VIP6, 500, SchedulerKind.RR, 1, 1, 1),
            Harness.service(3, Protocol.UDP, VIP6, 4500, SchedulerKind.RR, 1, 1, 1),
            Harness.service(4, Protocol.UDP, VIP4, 53, SchedulerKind.RR, 1, 1, 1));

    private static IpAddress client(boolean inet6, int number) {
        return inet6 ? IpAddress.ofInet6(0x20010db800010000L, number) : IpAddress.ofInet(0x0a000000 + number);
    }

    private static IpAddress vip(boolean inet6) {
        return IpAddress.parse(inet6 ? VIP6 : VIP4);
    }

    private static byte[] ike(boolean inet6, int number, int clientPort, int port) {
        return PacketBuilder.udp(client(inet6, number), clientPort, vip(inet6), port)
                .payloadLength(28)
                .build();
    }

    private static byte[] ipsec(boolean inet6, int number, int protocol) {
        return PacketBuilder.ethernet()
                .ip(client(inet6, number), vip(inet6))
                .raw(protocol)
                .payloadLength(80)
                .build();
    }

    private int send(ForwardingSnapshot to, byte[] frame, long nowMs) {
        return harness.process(to, frame, nowMs) == Batch.DROPPED
                ? -1
                : (int) (Ethernet.destination(harness.umem, harness.addresses[0]) - Harness.macOf(0));
    }

    @ParameterizedTest
    @CsvSource({
        "false, 50, 500",
        "false, 51, 500",
        "true, 50, 500",
        "false, 50, 4500",
        "false, 51, 4500",
        "true, 50, 4500"
    })
    void followsItsIkePeer(boolean inet6, int protocol, int port) {
        for (int number = 1; number <= 6; number++) {
            int real = send(snapshot, ike(inet6, number, port, port), 0);
            assertEquals(real, send(snapshot, ipsec(inet6, number, protocol), 1));
            assertEquals(real, send(snapshot, ipsec(inet6, number, protocol), 2));
            assertEquals(3, harness.flows.packets(harness.slotOf(ike(inet6, number, port, port), 2)));
        }
        assertEquals(6, harness.flows.size(), "no entries of its own");
        assertEquals(12, harness.counters.get(Counter.FLOW_HIT));
        int service = (inet6 ? 2 : 0) + (port == 500 ? 0 : 1);
        assertEquals(6, harness.counters.serviceConnections(service));
        assertEquals(18, harness.counters.servicePackets(service));
        assertEquals(6, harness.counters.realServerPackets(service * 100));
    }

    @Test
    void thePortOfIkeComesBeforeThatForNat() {
        int real = send(snapshot, ike(false, 1, 500, 500), 0);
        send(snapshot, ike(false, 2, 4500, 4500), 0);
        int nat = send(snapshot, ike(false, 1, 4500, 4500), 0);
        assertNotEquals(real, nat - 100);
        assertEquals(real, send(snapshot, ipsec(false, 1, 50), 0));
    }

    @Test
    void keepsTheIkeFlowAlive() {
        int real = send(snapshot, ike(false, 1, 500, 500), 0);
        for (long nowMs = 200_000; nowMs <= 2_000_000; nowMs += 200_000) {
            harness.pipeline.expire(snapshot, Integer.MAX_VALUE, nowMs);
            assertEquals(real, send(snapshot, ipsec(false, 1, 50), nowMs));
        }
        assertEquals(-1, send(snapshot, ipsec(false, 1, 50), 2_000_000 + 300_000));
        assertEquals(1, harness.counters.get(Counter.NO_IKE_FLOW));
        harness.pipeline.expire(snapshot, Integer.MAX_VALUE, 2_300_300);
        assertEquals(0, harness.flows.size());
    }

    @Test
    void withoutAnIkeFlowItIsDroppedAndCounted() {
        send(snapshot, ike(false, 1, 500, 500), 0);
        send(snapshot, ike(false, 2, 1024, 500), 0);
        send(snapshot, PacketBuilder.udp(client(false, 3), 500, vip(false), 53).build(), 0);
        for (int number : new int[] {2, 3, 4}) {
            assertEquals(-1, send(snapshot, ipsec(false, number, 50), 0), "client " + number);
            assertEquals(-1, send(snapshot, ipsec(false, number, 51), 0), "client " + number);
        }
        assertEquals(6, harness.counters.get(Counter.NO_IKE_FLOW));
        assertEquals(6, harness.counters.dropped());
        assertEquals(3, harness.flows.size());
    }

    @Test
    void stopsWithARemovedRealServer() {
        for (boolean expireNodest : new boolean[] {false, true}) {
            Harness own = new Harness(100, new ConnectionPolicy(Sloppy.HASH, Sloppy.HASH, 1, expireNodest, false, 0));
            assertEquals(1, own.process(snapshot, ike(false, 1, 500, 500), 0));
            assertEquals(Harness.macOf(2), Ethernet.destination(own.umem, own.addresses[0]), "the last one is first");
            ForwardingSnapshot removed = Harness.snapshot(new VirtualService(
                    0, IKE.key(), SchedulerKind.RR, IKE.realServers().subList(0, 2)));
            assertEquals(Batch.DROPPED, own.process(removed, ipsec(false, 1, 50), 1));
            Counter reason = expireNodest ? Counter.NO_IKE_FLOW : Counter.REAL_SERVER_GONE;
            assertEquals(1, own.counters.get(reason));
            assertEquals(1, own.counters.dropped());
            int slot = own.slotOf(ike(false, 1, 500, 500), 1);
            assertEquals(expireNodest, slot == FlowTable.NOT_FOUND);
        }
    }

    /** In IPv6 AH is an extension header, as it is to IPVS: what it protects decides. */
    @Test
    void ahOverIpv6IsSteppedOver() {
        PacketBuilder esp = PacketBuilder.ethernet()
                .ip(client(true, 1), vip(true))
                .extension(PacketBuilder.AUTHENTICATION, 24)
                .raw(PacketBuilder.ESP)
                .payloadLength(40);
        int real = send(snapshot, ike(true, 1, 500, 500), 0);
        assertEquals(real, send(snapshot, esp.build(), 0));
        byte[] udp = PacketBuilder.udp(client(true, 2), 500, vip(true), 500)
                .extension(PacketBuilder.AUTHENTICATION, 24)
                .build();
        int next = send(snapshot, udp, 0);
        assertNotEquals(real, next);
        assertEquals(next, send(snapshot, ipsec(true, 2, 50), 0));
    }

    @Test
    void fragmentsAreDroppedAsOthersAre() {
        send(snapshot, ike(false, 1, 500, 500), 0);
        List<Integer> protocols = List.of(50, 51);
        for (int protocol : protocols) {
            byte[] frame = PacketBuilder.ethernet()
                    .ip(client(false, 1), vip(false))
                    .raw(protocol)
                    .fragment(0, true)
                    .payloadLength(80)
                    .build();
            assertEquals(-1, send(snapshot, frame, 0));
        }
        assertEquals(2, harness.counters.get(Counter.FRAGMENT));
    }
}
