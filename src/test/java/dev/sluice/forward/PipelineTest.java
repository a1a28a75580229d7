package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.Golden;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class PipelineTest {
    private static final IpAddress CLIENT = IpAddress.parse("198.51.100.1");
    private static final IpAddress VIP = IpAddress.parse("203.0.113.1");
    private static final VirtualService WEB =
            Harness.service(0, Protocol.TCP, "203.0.113.1", 80, SchedulerKind.RR, 1, 1, 1);

    private final Harness harness = new Harness(64);
    private final ForwardingSnapshot snapshot = Harness.snapshot(WEB);

    private static byte[] tcp(int port, int flags) {
        return PacketBuilder.tcp(CLIENT, port, VIP, 80).tcpFlags(flags).build();
    }

    private int chosen() {
        return (int) (Ethernet.destination(harness.umem, harness.addresses[0]) - Harness.macOf(0));
    }

    private int send(ForwardingSnapshot to, byte[] frame, long nowMs) {
        return harness.process(to, frame, nowMs) == Batch.DROPPED ? -1 : chosen();
    }

    @Test
    void aFlowKeepsItsRealServer() {
        for (int port = 1; port <= 6; port++) {
            assertEquals(2 - (port - 1) % 3, send(snapshot, tcp(port, PacketBuilder.TCP_SYN), 0));
        }
        for (int port = 1; port <= 6; port++) {
            assertEquals(2 - (port - 1) % 3, send(snapshot, tcp(port, PacketBuilder.TCP_ACK), 10));
        }
        assertEquals(6, harness.counters.get(Counter.FLOW_NEW));
        assertEquals(6, harness.counters.get(Counter.FLOW_HIT));
        assertEquals(6, harness.counters.serviceConnections(0));
        assertEquals(12, harness.counters.servicePackets(0));
        assertEquals(2, harness.counters.realServerConnections(1));
        assertEquals(4, harness.counters.realServerPackets(1));
        assertEquals(4 * 40, harness.counters.realServerBytes(1));
        assertEquals(2, harness.flows.flowsOf(1));
    }

    @Test
    void aFlowOpenedEarlierInTheBatchIsKnownLaterInIt() {
        harness.put(0, tcp(1, PacketBuilder.TCP_SYN));
        harness.put(1, tcp(1, PacketBuilder.TCP_ACK));
        harness.process(snapshot, 2, 0);
        assertArrayEquals(new int[] {1, 1}, new int[] {harness.egress[0], harness.egress[1]});
        assertEquals(1, harness.counters.get(Counter.FLOW_NEW));
        assertEquals(1, harness.counters.get(Counter.FLOW_HIT));
        assertEquals(
                Ethernet.destination(harness.umem, harness.addresses[0]),
                Ethernet.destination(harness.umem, harness.addresses[1]));
    }

    @Test
    void aPacketInSeveralFramesIsOneAndCountsWithAllItsOctets() {
        byte[] frame = PacketBuilder.tcp(CLIENT, 1, VIP, 80).payloadLength(1400).build();
        MemorySegment.copy(frame, 0, harness.umem, ValueLayout.JAVA_BYTE, 0, 100);
        harness.batch.clear();
        harness.batch.add(0, 100);
        assertTrue(harness.batch.addTail(Harness.FRAME_BYTES, 800));
        assertTrue(harness.batch.addTail(2 * Harness.FRAME_BYTES, frame.length - 900));
        assertEquals(frame.length, harness.batch.totalLength(0));
        harness.pipeline.process(snapshot, harness.batch, 0, 0);
        assertEquals(1, harness.batch.egress(0));
        assertEquals(1, harness.counters.get(Counter.PACKETS_IN));
        assertEquals(1440, harness.counters.serviceBytes(0));
        // A frame less, and the packet ends before its IP length says.
        harness.batch.clear();
        harness.batch.add(0, 100);
        assertTrue(harness.batch.addTail(Harness.FRAME_BYTES, 800));
        harness.pipeline.process(snapshot, harness.batch, 0, 0);
        assertEquals(Batch.DROPPED, harness.batch.egress(0));
        assertEquals(1, harness.counters.get(Counter.PARSE_BAD_TOTAL_LENGTH));
    }

    @Test
    void aPacketFromTheMiddleOfAConnectionIsScheduledAndCountedApart() {
        assertEquals(2, send(snapshot, tcp(1, PacketBuilder.TCP_ACK), 0));
        assertEquals(1, harness.counters.get(Counter.FLOW_NEW_SLOPPY));
        assertEquals(0, harness.counters.get(Counter.FLOW_NEW));
    }

    @Test
    void aFullTableForwardsByHashWithoutAnEntry() {
        Harness small = new Harness(2);
        for (int port = 1; port <= 2; port++) {
            small.process(snapshot, tcp(port, PacketBuilder.TCP_SYN), 0);
        }
        small.process(snapshot, tcp(3, PacketBuilder.TCP_SYN), 0);
        long first = Ethernet.destination(small.umem, small.addresses[0]);
        for (int i = 0; i < 5; i++) {
            assertEquals(1, small.process(snapshot, tcp(3, PacketBuilder.TCP_ACK), 0));
            assertEquals(first, Ethernet.destination(small.umem, small.addresses[0]));
        }
        assertEquals(6, small.counters.get(Counter.FLOW_TABLE_FULL));
        assertEquals(2, small.flows.size());
    }

    @Test
    void flowsOfARemovedRealServerAreDroppedAndComeBackWithIt() {
        assertEquals(2, send(snapshot, tcp(1, PacketBuilder.TCP_SYN), 0));
        VirtualService without = new VirtualService(
                0, WEB.key(), SchedulerKind.RR, WEB.realServers().subList(0, 2));
        ForwardingSnapshot removed = Harness.snapshot(without);
        assertEquals(-1, send(removed, tcp(1, PacketBuilder.TCP_ACK), 1));
        assertEquals(1, harness.counters.get(Counter.REAL_SERVER_GONE));
        assertEquals(-1, send(ForwardingSnapshot.empty(), tcp(1, PacketBuilder.TCP_ACK), 1));
        assertEquals(1, harness.flows.flowsOf(2));
        assertEquals(2, send(snapshot, tcp(1, PacketBuilder.TCP_ACK), 2));
    }

    @Test
    void theEntryOfARemovedRealServerEndsThoughItsClientGoesOn() {
        assertEquals(2, send(snapshot, tcp(1, PacketBuilder.TCP_SYN), 0));
        ForwardingSnapshot removed = Harness.snapshot(new VirtualService(
                0, WEB.key(), SchedulerKind.RR, WEB.realServers().subList(0, 2)));
        for (long nowMs = 0; nowMs < 60_000; nowMs += 10_000) {
            assertEquals(-1, send(removed, tcp(1, PacketBuilder.TCP_SYN), nowMs));
        }
        assertTrue(send(removed, tcp(1, PacketBuilder.TCP_SYN), 60_000) >= 0);
        assertEquals(0, harness.flows.flowsOf(2));
    }

    @Test
    void aQuiescedRealServerKeepsItsFlowsAndGetsNoNewOnes() {
        assertEquals(2, send(snapshot, tcp(1, PacketBuilder.TCP_SYN), 0));
        ForwardingSnapshot quiesced =
                Harness.snapshot(Harness.service(0, Protocol.TCP, "203.0.113.1", 80, SchedulerKind.RR, 1, 1, 0));
        assertEquals(2, send(quiesced, tcp(1, PacketBuilder.TCP_ACK), 0));
        for (int port = 2; port < 10; port++) {
            assertNotEquals(2, send(quiesced, tcp(port, PacketBuilder.TCP_SYN), 0));
        }
    }

    @Test
    void nextHopsChangeWithoutNewTables() {
        assertEquals(2, send(snapshot, tcp(1, PacketBuilder.TCP_SYN), 0));
        ForwardingSnapshot moved = snapshot.withNextHops(
                2, id -> id == 0 ? List.of() : List.of(new NextHop(3, 0x0200_0000_0099L, 0x0200_0000_0033L, 1500)));
        assertSame(assertNotNullTable(snapshot), assertNotNullTable(moved));
        assertEquals(2, moved.generation());
        assertEquals(3, harness.process(moved, tcp(1, PacketBuilder.TCP_ACK), 0));
        assertEquals(0x0200_0000_0099L, Ethernet.destination(harness.umem, harness.addresses[0]));
        assertEquals(0x0200_0000_0033L, Ethernet.source(harness.umem, harness.addresses[0]));
        assertEquals(3, harness.process(moved, tcp(2, PacketBuilder.TCP_SYN), 0));
        assertEquals(Batch.DROPPED, harness.process(moved, tcp(3, PacketBuilder.TCP_SYN), 0));
        assertEquals(1, harness.counters.get(Counter.NO_NEIGHBOUR));
    }

    private static Object assertNotNullTable(ForwardingSnapshot of) {
        Object table = of.table(0);
        assertNotNull(table);
        return table;
    }

    @Test
    void theExactPortComesBeforeTheWildcard() {
        ForwardingSnapshot both =
                Harness.snapshot(WEB, Harness.service(1, Protocol.TCP, "203.0.113.1", 0, SchedulerKind.RR, 1));
        assertEquals(2, send(both, tcp(1, PacketBuilder.TCP_SYN), 0));
        assertEquals(100, send(both, PacketBuilder.tcp(CLIENT, 1, VIP, 81).build(), 0));
        assertEquals(-1, send(both, PacketBuilder.udp(CLIENT, 1, VIP, 81).build(), 0));
    }

    @Test
    void thousandsOfServicesAreAllFound() {
        ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(1);
        int count = 5000;
        for (int i = 0; i < count; i++) {
            RealServer real = new RealServer(i, IpAddress.ofInet(i + 1), 80, ForwardingMethod.DR, 1);
            AddressKey key = new AddressKey(Protocol.TCP, IpAddress.ofInet(0x0a000000 + i / 10), 80 + i % 10);
            builder.add(new VirtualService(i, key, SchedulerKind.RR, List.of(real)), null, Harness.PARAMETERS)
                    .nextHops(i, List.of(new NextHop(0, i, 1, 1500)));
        }
        ForwardingSnapshot many = builder.build();
        Harness large = new Harness(2 * count);
        for (int i = 0; i < count; i++) {
            byte[] frame = PacketBuilder.tcp(CLIENT, 1, IpAddress.ofInet(0x0a000000 + i / 10), 80 + i % 10)
                    .build();
            assertEquals(0, large.process(many, frame, 0));
            assertEquals(i, Ethernet.destination(large.umem, large.addresses[0]));
        }
    }

    @Test
    void leavesPacketsAsIpvsDoes() throws IOException {
        int compared = 0;
        for (JsonNode row : Golden.lines("ipvs/packets.jsonl")) {
            String description = row.get("description").asText();
            boolean plain = row.get("method").asText().equals("dr")
                    && row.get("in").size() == 1
                    && row.get("out_client").isEmpty()
                    && row.get("out_real").size() == 1
                    && !description.contains("ICMP")
                    // The director forwards options as they are; a host that routes fills them in.
                    && !description.contains("IP options");
            byte[] in = HexFormat.of().parseHex(row.get("in").get(0).get("hex").asText());
            boolean needsFragmenting = row.get("out_real").size() == 1 && in.length > 1514;
            if (!plain || needsFragmenting) {
                continue;
            }
            Harness fresh = new Harness(16);
            int port = fresh.process(recorded(row), in, 0);
            assertEquals(0, port, description);
            String out = HexFormat.of().formatHex(fresh.get(0));
            assertEquals(
                    row.get("out_real").get(0).get("hex").asText(),
                    out,
                    row.get("id").asText());
            compared++;
        }
        assertTrue(compared >= 18, "only " + compared + " packets could be compared");
    }

    private static ForwardingSnapshot recorded(JsonNode row) {
        String[] words = row.get("setup").get(0).asText().split(" ", -1);
        int colon = words[3].lastIndexOf(':');
        AddressKey key = new AddressKey(
                words[2].equals("-t") ? Protocol.TCP : Protocol.UDP,
                IpAddress.parse(words[3].substring(0, colon).replaceAll("[\\[\\]]", "")),
                Integer.parseInt(words[3].substring(colon + 1)));
        IpAddress rip = IpAddress.parse(row.get("family").asInt() == 4 ? "192.0.2.11" : "fd00:2::11");
        RealServer real = new RealServer(0, rip, key.port(), ForwardingMethod.DR, 1);
        SchedulerKind kind = SchedulerKind.valueOf(words[5].toUpperCase(Locale.ROOT));
        return new ForwardingSnapshot.Builder(1)
                .add(new VirtualService(0, key, kind, List.of(real)), null, Harness.PARAMETERS)
                .nextHops(0, List.of(new NextHop(0, Harness.macOf(0), Harness.DIRECTOR_MAC, 1500)))
                .build();
    }
}
