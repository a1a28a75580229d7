package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FlowState;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Sctp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.service.ClientAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.LocalPool;
import dev.sluice.service.TranslationOptions;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** FULLNAT both ways: the real server sees a local address and port, the client sees nothing of it. */
class FullNatTest extends NatFixture {
    private static final IpAddress INET = IpAddress.parse("10.0.2.1");
    private static final IpAddress INET6 = IpAddress.parse("fd00:3::1");

    private List<IpAddress> addresses = List.of(INET, INET6);
    private int firstPort = LocalPool.FIRST_PORT;
    private int lastPort = LocalPool.LAST_PORT;

    @Override
    ForwardingMethod method() {
        return ForwardingMethod.FULLNAT;
    }

    @Override
    TranslationOptions options() {
        return new TranslationOptions(new LocalPool(addresses, firstPort, lastPort), ClientAddress.NONE, false);
    }

    private void learnLocal(byte[] toReal) {
        PacketView view = new PacketView();
        assertEquals(PacketParser.OK, PacketParser.parse(MemorySegment.ofArray(toReal), 0, toReal.length, view));
        AddressFamily family = view.inet6() ? AddressFamily.INET6 : AddressFamily.INET;
        IpAddress seen = family == AddressFamily.INET6
                ? IpAddress.ofInet6(view.sourceHigh(), view.sourceLow())
                : IpAddress.ofInet((int) view.sourceLow());
        local = seen.toString();
        localPort = view.sourcePort();
        assertTrue(addresses.contains(seen), local);
        assertTrue(firstPort <= localPort && localPort <= lastPort, () -> "port " + localPort);
    }

    @ParameterizedTest
    @CsvSource({"false, 1", "true, 1", "false, 2", "true, 2", "false, 3"})
    void bothWaysWhateverQueueRepliesComeBy(boolean inet6, int number) {
        start(inet6, number);
        int other = number - 1;
        Random random = new Random(7);
        for (int protocol : new int[] {Transport.TCP, Transport.UDP}) {
            for (int bytes = 0; bytes < 20; bytes++) {
                byte[] payload = new byte[bytes];
                random.nextBytes(payload);
                int flags = bytes == 0 ? Transport.SYN : Transport.ACK;
                byte[] out = toReal(0, fromClient(protocol).tcpFlags(flags).payload(payload));
                if (bytes == 0) {
                    learnLocal(out);
                    assertEquals(0, localPort % number);
                }
                judge(out, protocol, local, localPort, real, 8080);
                PacketBuilder reply =
                        fromReal(protocol).tcpFlags(flags | Transport.ACK).payload(payload);
                judge(toClient(other, reply), protocol, virtual, 80, client, 4001);
            }
        }
        assertEquals(2, workers.get(0).flows.size());
        assertEquals(40, workers.get(other).counters.get(Counter.REPLY_HIT));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void checksumsOfSctp(boolean inet6) {
        start(inet6, 1);
        byte[] chunk = new byte[100];
        new Random(9).nextBytes(chunk);
        chunk[0] = Sctp.INIT;
        byte[] in = withCrc(fromClient(Transport.SCTP).payload(chunk).build(), inet6);
        byte[] out = sent(0, in, CLIENT_PORT_ID, REAL_PORT_ID);
        learnLocal(out);
        judge(out, Transport.SCTP, local, localPort, real, 8080);
        chunk[0] = Sctp.INIT_ACK;
        in = withCrc(fromReal(Transport.SCTP).payload(chunk).build(), inet6);
        judge(sent(0, in, REAL_PORT_ID, CLIENT_PORT_ID), Transport.SCTP, virtual, 80, client, 4001);
    }

    @ParameterizedTest
    @CsvSource({"false, 1", "true, 1", "false, 2", "true, 2"})
    void fragmentsOfBothWaysComeTogether(boolean inet6, int number) {
        start(inet6, number);
        byte[] payload = new byte[2000];
        new Random(5).nextBytes(payload);
        learnLocal(toReal(0, fromClient(Transport.UDP)));
        for (boolean reply : new boolean[] {false, true}) {
            List<byte[]> pieces = (reply ? fromReal(Transport.UDP) : fromClient(Transport.UDP))
                    .payload(payload)
                    .buildFragments(600, 77);
            byte[] whole = (reply
                            ? packet(Transport.UDP, virtual, 80, client, 4001)
                            : packet(Transport.UDP, local, localPort, real, 8080))
                    .payload(payload)
                    .build();
            int ip = inet6 ? 40 : 20;
            byte[] together = new byte[whole.length - 14 - ip];
            for (int i = 0; i < pieces.size(); i++) {
                // The later ones by another queue than the first.
                int worker = i == 0 ? 0 : number - 1;
                byte[] out = sent(
                        worker,
                        pieces.get(i),
                        reply ? REAL_PORT_ID : CLIENT_PORT_ID,
                        reply ? CLIENT_PORT_ID : REAL_PORT_ID);
                MemorySegment segment = MemorySegment.ofArray(out);
                int header = inet6 ? 48 : 20;
                int offset = inet6 ? Wire.u16(segment, 14 + 40 + 2) & 0xfff8 : (Wire.u16(segment, 14 + 6) & 0x1fff) * 8;
                int length = (inet6 ? Wire.u16(segment, 14 + 4) + 40 : Wire.u16(segment, 14 + 2)) - header;
                System.arraycopy(out, 14 + header, together, offset, length);
                int at = 14 + (inet6 ? 8 : 12);
                assertEquals(
                        HexFormat.of().formatHex(whole, at, at + (inet6 ? 32 : 8)),
                        HexFormat.of().formatHex(out, at, at + (inet6 ? 32 : 8)));
                if (!inet6) {
                    assertEquals(0, Checksum.of(segment, 14, 20));
                }
            }
            assertEquals(
                    HexFormat.of().formatHex(whole, 14 + ip, whole.length),
                    HexFormat.of().formatHex(together));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void errorsAreTranslatedBothWays(boolean inet6) {
        start(inet6, 1);
        learnLocal(toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.SYN)));
        // A router before the real server, about what the director sent there.
        String router = inet6 ? "fd00:2::fe" : "192.0.2.254";
        byte[] quoted = packet(Transport.TCP, local, localPort, real, 8080).build();
        byte[] out = sent(0, error(inet6, router, local, quoted), REAL_PORT_ID, CLIENT_PORT_ID);
        judgeError(
                out,
                inet6,
                virtual,
                client,
                packet(Transport.TCP, client, 4001, virtual, 80).build());
        // A router before the client, about what the director sent there.
        router = inet6 ? "2001:db8:8::fe" : "10.8.0.254";
        quoted = packet(Transport.TCP, virtual, 80, client, 4001).build();
        out = sent(0, error(inet6, router, virtual, quoted), CLIENT_PORT_ID, REAL_PORT_ID);
        judgeError(
                out,
                inet6,
                local,
                real,
                packet(Transport.TCP, real, 8080, local, localPort).build());
    }

    private static byte[] error(boolean inet6, String from, String to, byte[] quotedFrame) {
        return PacketBuilder.ethernet()
                .ip(IpAddress.parse(from), IpAddress.parse(to))
                .icmp(inet6 ? 2 : 3, inet6 ? 0 : 4, 1400)
                .payload(Arrays.copyOfRange(quotedFrame, 14, quotedFrame.length))
                .build();
    }

    private static void judgeError(byte[] out, boolean inet6, String from, String to, byte[] quotedFrame) {
        MemorySegment segment = MemorySegment.ofArray(out);
        int ip = inet6 ? 40 : 20;
        IpAddress source = IpAddress.parse(from);
        IpAddress destination = IpAddress.parse(to);
        assertEquals(source.low(), inet6 ? Wire.i64(segment, 14 + 16) : Wire.u32(segment, 14 + 12));
        assertEquals(destination.low(), inet6 ? Wire.i64(segment, 14 + 32) : Wire.u32(segment, 14 + 16));
        int length = out.length - 14 - ip;
        if (inet6) {
            assertEquals(0, Checksum.transport(segment, 14, true, Transport.ICMPV6, 14 + ip, length));
        } else {
            assertEquals(0, Checksum.of(segment, 14, 20));
            assertEquals(0, Checksum.of(segment, 14 + ip, length));
        }
        assertEquals(
                HexFormat.of().formatHex(quotedFrame, 14, quotedFrame.length),
                HexFormat.of().formatHex(out, 14 + ip + 8, out.length));
    }

    @Test
    void theOwnerLearnsFromRepliesOnOtherQueues() {
        start(false, 2);
        learnLocal(toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.SYN)));
        toClient(1, fromReal(Transport.TCP).tcpFlags(Transport.SYN | Transport.ACK));
        toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.ACK));
        assertState(FlowState.ESTABLISHED);
        toClient(1, fromReal(Transport.TCP).tcpFlags(Transport.FIN | Transport.ACK));
        toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.FIN | Transport.ACK));
        assertState(FlowState.TIME_WAIT);
    }

    @Test
    void everyPairOfThePoolIsUsedOnceAndThenNoMore() {
        addresses = List.of(INET, IpAddress.parse("10.0.2.2"), IpAddress.parse("10.0.2.3"));
        firstPort = 2000;
        lastPort = 2007;
        start(false, 2);
        Set<String> pairs = new HashSet<>();
        for (int worker = 0; worker < 2; worker++) {
            Harness harness = workers.get(worker);
            for (int port = 1; port <= 13; port++) {
                harness.put(
                        0,
                        packet(Transport.UDP, client, 100 * worker + port, virtual, 80)
                                .build());
                harness.process(snapshot, 1, CLIENT_PORT_ID, nowMs);
                if (port <= 12) {
                    assertEquals(REAL_PORT_ID, harness.egress[0], "port " + port + " of worker " + worker);
                    learnLocal(harness.get(0));
                    assertEquals(worker, localPort % 2);
                    assertTrue(pairs.add(local + " " + localPort));
                }
            }
            assertEquals(1, harness.counters.get(Counter.LOCAL_PORTS_EXHAUSTED));
            assertEquals(12, harness.flows.size());
        }
        // One more address, and those refused may come.
        addresses =
                List.of(INET, IpAddress.parse("10.0.2.2"), IpAddress.parse("10.0.2.3"), IpAddress.parse("10.0.2.9"));
        nowMs++;
        snapshot = snapshot(1500, method());
        workers.get(0).put(0, packet(Transport.UDP, client, 13, virtual, 80).build());
        workers.get(0).process(snapshot, 1, CLIENT_PORT_ID, nowMs);
        learnLocal(workers.get(0).get(0));
        assertEquals("10.0.2.9", local);
    }

    /** Those of an FTP session have to, or its server takes data connections for somebody else's. */
    @Test
    void aClientsConnectionsHaveOneLocalAddressAndClientsAllOfThem() {
        addresses = List.of(INET, IpAddress.parse("10.0.2.2"), IpAddress.parse("10.0.2.3"));
        start(false, 1);
        Set<String> ofAll = new HashSet<>();
        for (int number = 1; number <= 20; number++) {
            Set<String> ofOne = new HashSet<>();
            for (int port = 5000; port < 5003; port++) {
                String someone = "198.51.100." + number;
                workers.get(0)
                        .put(
                                0,
                                packet(Transport.UDP, someone, port, virtual, 80)
                                        .build());
                workers.get(0).process(snapshot, 1, CLIENT_PORT_ID, nowMs);
                learnLocal(workers.get(0).get(0));
                ofOne.add(local);
            }
            assertEquals(1, ofOne.size(), ofOne::toString);
            ofAll.addAll(ofOne);
        }
        assertEquals(3, ofAll.size(), ofAll::toString);
    }

    @Test
    void anExpiredConnectionsPairIsFree() {
        addresses = List.of(INET);
        firstPort = 2000;
        lastPort = 2000;
        start(false, 1);
        learnLocal(toReal(0, fromClient(Transport.UDP)));
        nowMs += 301_000;
        byte[] out = sent(0, packet(Transport.UDP, client, 4002, virtual, 80).build(), CLIENT_PORT_ID, REAL_PORT_ID);
        judge(out, Transport.UDP, local, 2000, real, 8080);
    }

    @Test
    void aPairOfAConnectionThatHasMovedIsNotGivenAgain() {
        addresses = List.of(INET);
        firstPort = 2000;
        lastPort = 2001;
        start(false, 2);
        toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.SYN));
        toReal(0, fromClient(Transport.TCP).tcpFlags(Transport.ACK));
        byte[] moved = toReal(1, fromClient(Transport.TCP).tcpFlags(Transport.ACK));
        learnLocal(moved);
        assertEquals(2000, localPort);
        expire();
        assertEquals(0, workers.get(0).flows.size());
        Harness first = workers.get(0);
        first.put(
                0,
                packet(Transport.TCP, client, 4002, virtual, 80)
                        .tcpFlags(Transport.SYN)
                        .build());
        first.process(snapshot, 1, CLIENT_PORT_ID, nowMs);
        assertEquals(Batch.DROPPED, first.egress[0]);
        assertEquals(1, first.counters.get(Counter.LOCAL_PORTS_EXHAUSTED));
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
    void twoClientsOfTheSamePortAreTold() {
        start(false, 1);
        learnLocal(toReal(0, fromClient(Transport.UDP)));
        int firstLocal = localPort;
        byte[] out =
                sent(0, packet(Transport.UDP, "10.7.0.10", 4001, virtual, 80).build(), CLIENT_PORT_ID, REAL_PORT_ID);
        learnLocal(out);
        assertNotEquals(firstLocal, localPort);
        judge(toClient(0, fromReal(Transport.UDP)), Transport.UDP, virtual, 80, "10.7.0.10", 4001);
        localPort = firstLocal;
        judge(toClient(0, fromReal(Transport.UDP)), Transport.UDP, virtual, 80, client, 4001);
    }

    @Test
    void whatComesToALocalAddressForNobodyIsCounted() {
        start(false, 1);
        local = INET.toString();
        localPort = 5000;
        Harness harness = workers.get(0);
        harness.put(0, fromReal(Transport.TCP).tcpFlags(Transport.ACK).build());
        harness.process(snapshot, 1, REAL_PORT_ID, nowMs);
        assertEquals(Batch.DROPPED, harness.egress[0]);
        assertEquals(1, harness.counters.get(Counter.REPLY_WITHOUT_FLOW));
    }
}
