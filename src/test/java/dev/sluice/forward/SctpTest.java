package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.SctpChunk;
import dev.sluice.flow.FlowState;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Sctp;
import dev.sluice.service.Protocol;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import org.junit.jupiter.api.Test;

/** Associations through the pipeline: what opens one, what state it is in, when its ports are used again. */
class SctpTest {
    private static final String VIP = "203.0.113.1";
    private static final VirtualService SERVICE =
            Harness.service(0, Protocol.SCTP, VIP, 9900, SchedulerKind.RR, 1, 1, 1);

    private final ForwardingSnapshot snapshot = Harness.snapshot(SERVICE);

    private static PacketBuilder packet(int client) {
        return PacketBuilder.sctp(IpAddress.ofInet(0x0a000000 + client), 5000, IpAddress.parse(VIP), 9900);
    }

    private static byte[] sctp(int client, int chunk) {
        return packet(client).payload(SctpChunk.of(chunk, 12)).build();
    }

    /** The id of the real server that gets the packet, -1 for none. */
    private int send(Harness harness, byte[] frame, long nowMs) {
        return harness.process(snapshot, frame, nowMs) == Batch.DROPPED
                ? -1
                : (int) (Ethernet.destination(harness.umem, harness.addresses[0]) - Harness.macOf(0));
    }

    private static FlowState state(Harness harness, int client, long nowMs) {
        return FlowState.ofCode(harness.flows.stateCode(harness.slotOf(sctp(client, Sctp.DATA), nowMs)));
    }

    @Test
    void anAssociationStaysOnItsRealServerFromInitToShutdown() {
        Harness harness = new Harness(100);
        int real = send(harness, sctp(1, Sctp.INIT), 0);
        assertEquals(FlowState.SCTP_INIT1, state(harness, 1, 0));
        assertEquals(1, harness.flows.inactiveOf(real));
        assertEquals(1, harness.flows.halfOpen());
        assertEquals(real, send(harness, sctp(1, Sctp.COOKIE_ECHO), 1000));
        assertEquals(FlowState.SCTP_ESTABLISHED, state(harness, 1, 1000));
        assertEquals(1, harness.flows.activeOf(real));
        assertEquals(0, harness.flows.halfOpen());
        assertEquals(real, send(harness, sctp(1, Sctp.DATA), 900_000));
        assertEquals(real, send(harness, packet(1).build(), 900_001), "a packet without a chunk is forwarded");
        assertEquals(FlowState.SCTP_ESTABLISHED, state(harness, 1, 900_001));
        assertEquals(real, send(harness, sctp(1, Sctp.SHUTDOWN), 900_002));
        assertEquals(FlowState.SCTP_SHUTDOWN_RECEIVED, state(harness, 1, 900_002));
        assertEquals(real, send(harness, sctp(1, Sctp.SHUTDOWN_COMPLETE), 900_003));
        assertEquals(FlowState.SCTP_CLOSED, state(harness, 1, 900_003));
        assertEquals(0, harness.flows.activeOf(real));
        harness.pipeline.expire(snapshot, Integer.MAX_VALUE, 900_003 + 61_000 + 300);
        assertEquals(0, harness.flows.size());
        assertEquals(1, harness.counters.get(Counter.FLOW_NEW));
    }

    @Test
    void anInitThatIsNotAnsweredIsForgottenWithinSeconds() {
        Harness harness = new Harness(100);
        send(harness, sctp(1, Sctp.INIT), 0);
        harness.pipeline.expire(snapshot, Integer.MAX_VALUE, 4_300);
        assertEquals(0, harness.flows.size());
        send(harness, sctp(1, Sctp.INIT), 5_000);
        send(harness, sctp(1, Sctp.INIT), 8_000);
        assertEquals(FlowState.SCTP_INIT, state(harness, 1, 60_000));
    }

    @Test
    void withoutSloppySctpOnlyAnInitOpensAnAssociation() {
        Harness harness = new Harness(100, new ConnectionPolicy(Sloppy.HASH, Sloppy.OFF, 1, false, false, 0));
        for (int chunk : new int[] {Sctp.DATA, Sctp.COOKIE_ECHO, Sctp.ABORT, Sctp.SHUTDOWN_ACK, 200}) {
            assertEquals(-1, send(harness, sctp(1, chunk), 0));
        }
        assertEquals(-1, send(harness, packet(1).build(), 0));
        assertEquals(6, harness.counters.get(Counter.SCTP_WITHOUT_FLOW));
        assertEquals(0, harness.flows.size());
        assertTrue(send(harness, sctp(1, Sctp.INIT), 0) >= 0);
        assertEquals(1, harness.counters.get(Counter.FLOW_NEW));
    }

    @Test
    void withSloppySctpAnyChunkOpensAnAssociation() {
        Harness harness = new Harness(100, new ConnectionPolicy(Sloppy.OFF, Sloppy.HASH, 1, false, false, 0));
        assertTrue(send(harness, sctp(1, Sctp.DATA), 0) >= 0);
        assertEquals(FlowState.SCTP_ESTABLISHED, state(harness, 1, 0));
        assertTrue(send(harness, sctp(2, Sctp.ABORT), 0) >= 0);
        assertEquals(FlowState.SCTP_CLOSED, state(harness, 2, 0));
        assertEquals(-1, send(harness, packet(3).build(), 0));
        assertEquals(1, harness.counters.get(Counter.SCTP_WITHOUT_FLOW));
        assertEquals(2, harness.counters.get(Counter.FLOW_NEW_SLOPPY));
    }

    @Test
    void anInitOnAClosedAssociationIsScheduledAnew() {
        for (int mode = 0; mode <= 2; mode++) {
            Harness harness = new Harness(100, new ConnectionPolicy(Sloppy.HASH, Sloppy.HASH, mode, false, false, 0));
            int real = send(harness, sctp(1, Sctp.INIT), 0);
            send(harness, sctp(1, Sctp.COOKIE_ECHO), 0);
            assertEquals(real, send(harness, sctp(1, Sctp.INIT), 0), "established");
            send(harness, sctp(1, Sctp.SHUTDOWN), 0);
            assertEquals(real, send(harness, sctp(1, Sctp.INIT), 0), "shutting down");
            send(harness, sctp(1, Sctp.ABORT), 0);
            assertEquals(real, send(harness, sctp(1, Sctp.DATA), 0), "closed, and not asked to open");
            int next = send(harness, sctp(1, Sctp.INIT), 0);
            assertEquals(mode == 0 ? FlowState.SCTP_INIT : FlowState.SCTP_INIT1, state(harness, 1, 0));
            assertEquals(mode > 0 ? 1 : 0, harness.counters.get(Counter.FLOW_REUSED));
            if (mode > 0) {
                assertNotEquals(real, next);
            } else {
                assertEquals(real, next);
            }
        }
    }

    @Test
    void anInitOnAQuiescedRealServerIsScheduledAnewWithExpireNodest() {
        Harness harness = new Harness(100, new ConnectionPolicy(Sloppy.HASH, Sloppy.HASH, 0, true, false, 0));
        int real = send(harness, sctp(1, Sctp.INIT), 0);
        send(harness, sctp(1, Sctp.COOKIE_ECHO), 0);
        int[] weights = {1, 1, 1};
        weights[real] = 0;
        ForwardingSnapshot quiesced =
                Harness.snapshot(Harness.service(0, Protocol.SCTP, VIP, 9900, SchedulerKind.RR, weights));
        assertEquals(1, harness.process(quiesced, sctp(1, Sctp.DATA), 0));
        assertEquals(Harness.macOf(real), Ethernet.destination(harness.umem, harness.addresses[0]));
        assertEquals(1, harness.process(quiesced, sctp(1, Sctp.INIT), 0));
        assertNotEquals(Harness.macOf(real), Ethernet.destination(harness.umem, harness.addresses[0]));
        assertEquals(1, harness.counters.get(Counter.FLOW_REUSED));
    }

    @Test
    void aFloodOfInitsHasTheShareOfHalfOpenFlows() {
        Harness harness = new Harness(1000, new ConnectionPolicy(Sloppy.OFF, Sloppy.OFF, 1, false, false, 0));
        harness.flows.setMaxHalfOpen(100);
        int known = send(harness, sctp(0, Sctp.INIT), 0);
        send(harness, sctp(0, Sctp.COOKIE_ECHO), 0);
        int[] realServers = new int[2000];
        for (int client = 1; client < 2000; client++) {
            realServers[client] = send(harness, sctp(client, Sctp.INIT), 1);
        }
        assertEquals(100, harness.flows.halfOpen());
        assertEquals(101, harness.flows.size());
        assertEquals(1999 - 100, harness.counters.get(Counter.FLOW_HALF_OPEN_FULL));
        assertEquals(known, send(harness, sctp(0, Sctp.DATA), 2));
        // A handshake that began in the flood goes on where it began, although INIT alone may open an association.
        assertEquals(realServers[1500], send(harness, sctp(1500, Sctp.COOKIE_ECHO), 1000));
        assertEquals(0, harness.counters.dropped());
    }
}
