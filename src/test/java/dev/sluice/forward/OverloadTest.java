package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import dev.sluice.service.SchedulerKind;
import org.junit.jupiter.api.Test;

/** More new flows than are remembered: they are forwarded all the same, and those that were there stay. */
class OverloadTest {
    private static final IpAddress VIP = IpAddress.parse("203.0.113.1");
    private static final int SYN = PacketBuilder.TCP_SYN;
    private static final int ACK = PacketBuilder.TCP_ACK;

    private final ForwardingSnapshot snapshot =
            Harness.snapshot(Harness.service(0, Protocol.TCP, "203.0.113.1", 80, SchedulerKind.RR, 1, 1, 1));

    private static byte[] tcp(int client, int flags) {
        return PacketBuilder.tcp(IpAddress.ofInet(0x0a000000 + client), 5000, VIP, 80)
                .tcpFlags(flags)
                .build();
    }

    /** The id of the real server that gets the packet. */
    private int send(Harness harness, byte[] frame, long nowMs) {
        assertEquals(1, harness.process(snapshot, frame, nowMs));
        return (int) (Ethernet.destination(harness.umem, harness.addresses[0]) - Harness.macOf(0));
    }

    @Test
    void aSynFloodLeavesEstablishedFlowsTheirEntriesAndItselfNoMoreThanItsShare() {
        Harness harness = new Harness(1000);
        harness.flows.setMaxHalfOpen(250);
        int[] realServers = new int[500];
        for (int client = 0; client < 500; client++) {
            realServers[client] = send(harness, tcp(client, SYN), 0);
            assertEquals(realServers[client], send(harness, tcp(client, ACK), 0));
        }
        assertEquals(0, harness.flows.halfOpen());
        for (int client = 1000; client < 101_000; client++) {
            send(harness, tcp(client, SYN), 1 + client / 10);
            if (client % 100 == 0) {
                harness.pipeline.expire(snapshot, 64, 1 + client / 10);
                int known = client / 100 % 500;
                assertEquals(realServers[known], send(harness, tcp(known, ACK), 1 + client / 10));
            }
        }
        assertEquals(250, harness.flows.halfOpen());
        assertEquals(750, harness.flows.size());
        assertEquals(100_000 - 250, harness.counters.get(Counter.FLOW_HALF_OPEN_FULL));
        assertEquals(0, harness.counters.dropped());
        // Its entries are gone within their short timeout after it has ended.
        harness.pipeline.expire(snapshot, Integer.MAX_VALUE, 10_101 + 60_000 + 300);
        assertEquals(0, harness.flows.halfOpen());
        assertEquals(500, harness.flows.size());
    }

    /** A connection opened in the flood, without an entry: its handshake ends at the real server that it began at. */
    @Test
    void aConnectionThatWasNotRememberedIsFoundAgainByItsHash() {
        for (boolean sloppy : new boolean[] {true, false}) {
            Harness harness = new Harness(
                    1000,
                    new ConnectionPolicy(
                            sloppy ? Sloppy.HASH : Sloppy.OFF, sloppy ? Sloppy.HASH : Sloppy.OFF, 1, false, false, 0));
            harness.flows.setMaxHalfOpen(1);
            send(harness, tcp(0, SYN), 0);
            int[] realServers = new int[300];
            int[] share = new int[3];
            for (int client = 1; client < 300; client++) {
                realServers[client] = send(harness, tcp(client, SYN), client);
                share[realServers[client]]++;
            }
            assertEquals(299, harness.counters.get(Counter.FLOW_HALF_OPEN_FULL));
            // The flood's entry is gone: SYNs sent again and ACKs would now find room, and round robin its turn.
            harness.pipeline.expire(snapshot, Integer.MAX_VALUE, 60_300);
            assertEquals(0, harness.flows.size());
            for (int client = 1; client < 300; client++) {
                int flags = client % 2 == 0 ? SYN : ACK;
                long nowMs = client % 2 == 0 ? 59_000 : 800_000;
                assertEquals(realServers[client], send(harness, tcp(client, flags), nowMs), "client " + client);
                assertEquals(realServers[client], send(harness, tcp(client, ACK), nowMs));
            }
            for (int flows : share) {
                assertTrue(flows > 60, "a share of " + flows);
            }
            assertEquals(299, harness.flows.size());
        }
    }

    @Test
    void aboveTheRateNewFlowsAreForwardedWithoutAnEntry() {
        Harness harness = new Harness(10_000, new ConnectionPolicy(Sloppy.HASH, Sloppy.HASH, 1, false, false, 100));
        for (int second = 0; second < 3; second++) {
            for (int i = 0; i < 1000; i++) {
                send(harness, tcp(second * 1000 + i, SYN), second * 1000L + 5000 + i);
            }
        }
        assertEquals(300, harness.flows.size());
        assertEquals(2700, harness.counters.get(Counter.FLOW_RATE_LIMITED));
        assertEquals(300, harness.counters.get(Counter.FLOW_NEW));
    }

    @Test
    void withoutSloppyTcpOnlyASynOpensAConnection() {
        Harness harness = new Harness(100, new ConnectionPolicy(Sloppy.OFF, Sloppy.OFF, 1, false, false, 0));
        for (int flags : new int[] {ACK, PacketBuilder.TCP_FIN | ACK, 0}) {
            assertEquals(Batch.DROPPED, harness.process(snapshot, tcp(1, flags), 0));
        }
        assertEquals(3, harness.counters.get(Counter.TCP_WITHOUT_FLOW));
        assertEquals(Batch.DROPPED, harness.process(snapshot, tcp(1, SYN | PacketBuilder.TCP_RST), 0));
        assertEquals(1, harness.counters.get(Counter.RST_WITHOUT_FLOW));
        assertEquals(0, harness.flows.size());
        assertEquals(1, harness.process(snapshot, tcp(1, SYN | ACK), 0));
        assertEquals(1, harness.process(snapshot, tcp(1, ACK), 0));
        assertEquals(1, harness.counters.get(Counter.FLOW_NEW));
    }

    /** A director that knows nothing and one that knows other connections lead a connection to the same real server. */
    @Test
    void sloppyPacketsGoByHashWhateverTheScheduler() {
        for (Sloppy mode : new Sloppy[] {Sloppy.HASH, Sloppy.SCHEDULE}) {
            ConnectionPolicy policy = new ConnectionPolicy(mode, mode, 1, false, false, 0);
            Harness one = new Harness(1000, policy);
            Harness sibling = new Harness(1000, policy);
            send(sibling, tcp(5000, SYN), 0);
            int agreed = 0;
            for (int client = 0; client < 200; client++) {
                agreed += send(one, tcp(client, ACK), 0) == send(sibling, tcp(client, ACK), 0) ? 1 : 0;
            }
            assertEquals(mode == Sloppy.HASH ? 200 : 0, agreed, mode.keyword());
            assertEquals(200, one.counters.get(Counter.FLOW_NEW_SLOPPY));
        }
    }
}
