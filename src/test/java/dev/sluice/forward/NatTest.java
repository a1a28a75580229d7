package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FlowState;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Sctp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** NAT both ways: what comes out is judged by checksums computed anew over all of it. */
class NatTest extends NatFixture {
    @Override
    ForwardingMethod method() {
        return ForwardingMethod.NAT;
    }

    @ParameterizedTest
    @CsvSource({"false, 1", "true, 1", "false, 2", "true, 2"})
    void bothWaysWhateverQueueRepliesComeBy(boolean inet6, int number) {
        start(inet6, number);
        int other = number - 1;
        Random random = new Random(7);
        for (int protocol : new int[] {Transport.TCP, Transport.UDP}) {
            for (int bytes = 0; bytes < 40; bytes++) {
                byte[] payload = new byte[bytes];
                random.nextBytes(payload);
                int flags = bytes == 0 ? Transport.SYN : Transport.ACK;
                judge(
                        toReal(0, fromClient(protocol).tcpFlags(flags).payload(payload)),
                        protocol,
                        client,
                        4001,
                        real,
                        8080);
                judge(
                        toClient(
                                other,
                                fromReal(protocol)
                                        .tcpFlags(flags | Transport.ACK)
                                        .payload(payload)),
                        protocol,
                        virtual,
                        80,
                        client,
                        4001);
            }
        }
        assertEquals(2, workers.get(0).flows.size());
        assertEquals(80, workers.get(other).counters.get(Counter.REPLY_HIT));
        assertEquals(40, workers.get(other).counters.serviceOutPackets(0));
        assertEquals(40, workers.get(other).counters.realServerOutPackets(1));
        assertTrue(workers.get(other).counters.realServerOutBytes(1) > 40 * 28);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void checksumsOfSctp(boolean inet6) {
        start(inet6, 1);
        Random random = new Random(9);
        for (int bytes = 4; bytes < 1200; bytes = bytes * 5 / 4 + 1) {
            byte[] chunk = new byte[bytes];
            random.nextBytes(chunk);
            chunk[0] = Sctp.INIT;
            byte[] in = withCrc(fromClient(Transport.SCTP).payload(chunk).build(), inet6);
            judge(sent(0, in, CLIENT_PORT_ID, REAL_PORT_ID), Transport.SCTP, client, 4001, real, 8080);
            chunk[0] = Sctp.INIT_ACK;
            in = withCrc(fromReal(Transport.SCTP).payload(chunk).build(), inet6);
            judge(sent(0, in, REAL_PORT_ID, CLIENT_PORT_ID), Transport.SCTP, virtual, 80, client, 4001);
        }
    }

    @Test
    void aDamagedPacketStaysDamaged() {
        start(false, 1);
        toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.SYN));
        byte[] frame = fromClient(Transport.TCP)
                .tcpFlags(Transport.ACK)
                .payloadLength(20)
                .build();
        frame[frame.length - 1] ^= 4;
        byte[] out = sent(0, frame, CLIENT_PORT_ID, REAL_PORT_ID);
        assertNotEquals(0, Checksum.transport(MemorySegment.ofArray(out), 14, false, Transport.TCP, 34, 40));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 17, 100})
    void aDatagramWithoutChecksumGetsOneAsFromIpvs(int bytes) {
        start(false, 1);
        byte[] payload = new byte[bytes];
        new Random(bytes).nextBytes(payload);
        judge(
                toReal(0, fromClient(Transport.UDP).payload(payload).transportChecksum(0)),
                Transport.UDP,
                client,
                4001,
                real,
                8080);
        judge(
                toClient(0, fromReal(Transport.UDP).payload(payload).transportChecksum(0)),
                Transport.UDP,
                virtual,
                80,
                client,
                4001);
    }

    @Test
    void aDatagramWithoutChecksumGetsOneOverItsTails() {
        start(false, 1);
        Harness harness = workers.get(0);
        byte[] payload = new byte[1001];
        new Random(3).nextBytes(payload);
        byte[] frame =
                fromClient(Transport.UDP).payload(payload).transportChecksum(0).build();
        // Cut at odd places.
        byte[] head = java.util.Arrays.copyOf(frame, 301);
        byte[] middle = java.util.Arrays.copyOfRange(frame, 301, 602);
        byte[] rest = java.util.Arrays.copyOfRange(frame, 602, frame.length);
        harness.put(0, head);
        harness.put(1, middle);
        harness.put(2, rest);
        long[] at = harness.addresses.clone();
        harness.batch.clear();
        harness.batch.add(at[0], head.length);
        harness.batch.addTail(at[1], middle.length);
        harness.batch.addTail(at[2], rest.length);
        harness.pipeline.process(snapshot, harness.batch, CLIENT_PORT_ID, nowMs);
        assertEquals(REAL_PORT_ID, harness.egress[0]);
        byte[] out = frame.clone();
        System.arraycopy(harness.get(0), 0, out, 0, head.length);
        judge(out, Transport.UDP, client, 4001, real, 8080);
    }

    @ParameterizedTest
    @CsvSource({"false, 1", "true, 1", "false, 2", "true, 2"})
    void fragmentsOfBothWaysComeTogether(boolean inet6, int number) {
        start(inet6, number);
        byte[] payload = new byte[2000];
        new Random(5).nextBytes(payload);
        toReal(0, fromClient(Transport.UDP));
        for (boolean reply : new boolean[] {false, true}) {
            int worker = reply ? number - 1 : 0;
            List<byte[]> pieces = (reply ? fromReal(Transport.UDP) : fromClient(Transport.UDP))
                    .payload(payload)
                    .buildFragments(600, 77);
            byte[] whole = (reply
                            ? packet(Transport.UDP, virtual, 80, client, 4001)
                            : packet(Transport.UDP, client, 4001, real, 8080))
                    .payload(payload)
                    .build();
            int ip = inet6 ? 40 : 20;
            byte[] together = new byte[whole.length - 14 - ip];
            for (byte[] piece : pieces) {
                byte[] out = sent(
                        worker, piece, reply ? REAL_PORT_ID : CLIENT_PORT_ID, reply ? CLIENT_PORT_ID : REAL_PORT_ID);
                MemorySegment segment = MemorySegment.ofArray(out);
                int header = inet6 ? 48 : 20;
                int offset = inet6 ? Wire.u16(segment, 14 + 40 + 2) & 0xfff8 : (Wire.u16(segment, 14 + 6) & 0x1fff) * 8;
                int length = (inet6 ? Wire.u16(segment, 14 + 4) + 40 : Wire.u16(segment, 14 + 2)) - header;
                System.arraycopy(out, 14 + header, together, offset, length);
                // The addresses of every piece.
                int addresses = 14 + (inet6 ? 8 : 12);
                assertEquals(
                        HexFormat.of().formatHex(whole, addresses, addresses + (inet6 ? 32 : 8)),
                        HexFormat.of().formatHex(out, addresses, addresses + (inet6 ? 32 : 8)));
                if (!inet6) {
                    assertEquals(0, Checksum.of(segment, 14, 20));
                }
            }
            assertEquals(
                    HexFormat.of().formatHex(whole, 14 + ip, whole.length),
                    HexFormat.of().formatHex(together));
        }
    }

    @Test
    void theOwnerLearnsFromRepliesOnOtherQueues() {
        start(false, 2);
        toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.SYN));
        toClient(1, fromReal(Transport.TCP).tcpFlags(Transport.SYN | Transport.ACK));
        toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.ACK));
        assertState(FlowState.ESTABLISHED);
        toClient(1, fromReal(Transport.TCP).tcpFlags(Transport.FIN | Transport.ACK));
        assertState(FlowState.FIN_WAIT);
        toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.FIN | Transport.ACK));
        assertState(FlowState.TIME_WAIT);
    }

    @Test
    void repliesAloneKeepAConnectionAlive() {
        start(false, 2);
        toReal(0, fromClient(Transport.UDP));
        for (int i = 0; i < 10; i++) {
            nowMs += 200_000;
            toClient(1, fromReal(Transport.UDP));
            expire();
        }
        assertEquals(1, workers.get(0).flows.size());
        nowMs += 301_000;
        expire();
        assertEquals(0, workers.get(0).flows.size());
        Harness other = workers.get(1);
        other.put(0, fromReal(Transport.UDP).build());
        other.process(snapshot, 1, REAL_PORT_ID, nowMs);
        assertEquals(1, other.counters.get(Counter.REPLY_PASSED_ON));
    }

    @Test
    void aConnectionTakenOverTakesItsRepliesAlong() {
        start(false, 2);
        toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.SYN));
        toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.ACK));
        judge(toReal(1, fromClient(Transport.TCP).tcpFlags(Transport.ACK)), Transport.TCP, client, 4001, real, 8080);
        expire();
        assertEquals(0, workers.get(0).flows.size());
        assertEquals(1, workers.get(1).flows.size());
        for (int worker = 0; worker < 2; worker++) {
            judge(
                    toClient(worker, fromReal(Transport.TCP).tcpFlags(Transport.ACK)),
                    Transport.TCP,
                    virtual,
                    80,
                    client,
                    4001);
        }
    }

    @Test
    void repliesDoNotKeepTheFormerOwnersEntry() {
        start(false, 2);
        toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.SYN));
        toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.ACK));
        toReal(1, fromClient(Transport.TCP).tcpFlags(Transport.ACK));
        // Before the letter is read, and later than it was written.
        nowMs += 5;
        toClient(0, fromReal(Transport.TCP).tcpFlags(Transport.ACK));
        expire();
        assertEquals(0, workers.get(0).flows.size());
        assertEquals(1, workers.get(1).flows.size());
        toClient(0, fromReal(Transport.TCP).tcpFlags(Transport.ACK));
    }

    @Test
    void aRemovedRealServersRepliesStillReachTheirClients() {
        start(false, 1);
        toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.SYN));
        ForwardingSnapshot all = snapshot;
        snapshot = new ForwardingSnapshot.Builder(2).routes(all.routes()).build();
        judge(toClient(0, fromReal(Transport.TCP).tcpFlags(Transport.ACK)), Transport.TCP, virtual, 80, client, 4001);
        snapshot = new ForwardingSnapshot.Builder(3)
                .add(
                        new VirtualService(
                                5,
                                new AddressKey(Protocol.UDP, IpAddress.parse(virtual), 80),
                                SchedulerKind.RR,
                                List.of(new RealServer(9, IpAddress.parse(real), 8080, ForwardingMethod.NAT, 1))),
                        null,
                        Harness.PARAMETERS)
                .routes(all.routes())
                .build();
        judge(
                toClient(0, fromReal(Transport.TCP).tcpFlags(Transport.RST | Transport.ACK)),
                Transport.TCP,
                virtual,
                80,
                client,
                4001);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsTooLargeForTheClientsWayIsAnsweredToTheRealServer(boolean inet6) {
        start(inet6, 1);
        snapshot = snapshot(1300, ForwardingMethod.NAT);
        toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.SYN));
        PacketBuilder large = fromReal(Transport.TCP).tcpFlags(Transport.ACK).payloadLength(1400);
        byte[] answer = sent(0, (inet6 ? large : large.dontFragment()).build(), REAL_PORT_ID, REAL_PORT_ID);
        MemorySegment segment = MemorySegment.ofArray(answer);
        assertEquals(REAL_MAC, Ethernet.destination(segment, 0));
        long icmp = 14L + (inet6 ? 40 : 20);
        assertEquals(inet6 ? 0x0200 : 0x0304, Wire.u16(segment, icmp));
        assertEquals(1300, Wire.i32(segment, icmp + 4));
        // It quotes what the real server sent, not what the client would have got.
        assertEquals(
                IpAddress.parse(real).low(),
                inet6 ? Wire.i64(segment, icmp + 8 + 16) : Wire.u32(segment, icmp + 8 + 12));
    }

    @Test
    void whatMayBeFragmentedIs() {
        start(false, 1);
        snapshot = snapshot(1300, ForwardingMethod.NAT);
        toReal(0, fromClient(Transport.UDP));
        Harness harness = workers.get(0);
        harness.put(0, fromReal(Transport.UDP).payloadLength(1400).build());
        harness.process(snapshot, 1, REAL_PORT_ID, nowMs);
        assertEquals(2, harness.batch.count());
        for (int i = 0; i < 2; i++) {
            byte[] piece = harness.get(i);
            assertEquals(CLIENT_PORT_ID, harness.egress[i]);
            assertEquals(0, Checksum.of(MemorySegment.ofArray(piece), 14, 20));
            assertEquals(IpAddress.parse(virtual).low(), Wire.u32(MemorySegment.ofArray(piece), 14 + 12));
        }
        assertEquals(1, harness.counters.get(Counter.FRAGMENT_MADE));
    }

    @Test
    void aTableThatIsFullRefusesNewConnections() {
        start(false, 1);
        for (int port = 1; port <= 70; port++) {
            byte[] frame = packet(Transport.UDP, client, port, virtual, 80).build();
            Harness harness = workers.get(0);
            harness.put(0, frame);
            harness.process(snapshot, 1, CLIENT_PORT_ID, nowMs);
        }
        assertEquals(64, workers.get(0).flows.size());
        assertEquals(6, workers.get(0).counters.get(Counter.NAT_WITHOUT_FLOW));
    }
}
