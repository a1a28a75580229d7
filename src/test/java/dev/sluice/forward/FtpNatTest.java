package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FlowCounts;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** FTP sessions through NAT, passive and active, whatever queues the packets come by. */
class FtpNatTest {
    private static final int CLIENT_PORT_ID = 0;
    private static final int REAL_PORT_ID = 1;
    private static final long ROUTER_MAC = 0x02_00_00_00_0c_00L;
    private static final long REAL_MAC = Harness.macOf(0);
    private static final int SYN_ACK = Transport.SYN | Transport.ACK;

    private final List<Harness> workers = new ArrayList<>();
    private ForwardingSnapshot snapshot = ForwardingSnapshot.empty();
    private String client = "";
    private String virtual = "";
    private String real = "";
    private int realPort;
    private long nowMs = 1000;

    private void start(boolean inet6, int number, int port) {
        client = inet6 ? "2001:db8:7::9" : "10.7.0.9";
        virtual = inet6 ? "2001:db8:100::1" : "198.51.100.1";
        real = inet6 ? "fd00:2::11" : "10.0.2.11";
        realPort = port;
        RealServer server = new RealServer(0, IpAddress.parse(real), port, ForwardingMethod.NAT, 1);
        snapshot = new ForwardingSnapshot.Builder(1)
                .routes(Harness.defaultRoutes(new NextHop(CLIENT_PORT_ID, ROUTER_MAC, Harness.DIRECTOR_MAC, 1500)))
                .add(
                        new VirtualService(
                                0,
                                new AddressKey(Protocol.TCP, IpAddress.parse(virtual), 21),
                                SchedulerKind.RR,
                                List.of(server)),
                        null,
                        Harness.PARAMETERS)
                .nextHops(
                        0,
                        List.of(new NextHop(
                                REAL_PORT_ID, REAL_MAC, Harness.DIRECTOR_MAC, 1500, RealServer.VLAN_NONE, null)))
                .build();
        FlowExchange exchange = new FlowExchange(number);
        FlowCounts counts = new FlowCounts(ForwardingSnapshot.MAX_REAL_SERVERS);
        PersistenceTable templates = Harness.templates();
        for (int i = 0; i < number; i++) {
            workers.add(new Harness(64, ConnectionPolicy.DEFAULT, counts, exchange, templates));
        }
    }

    private PacketBuilder fromClient(int port, int virtualPort, int flags, int sequence, int acknowledgement) {
        return PacketBuilder.tcp(IpAddress.parse(client), port, IpAddress.parse(virtual), virtualPort)
                .macs(ROUTER_MAC, Harness.DIRECTOR_MAC)
                .tcpFlags(flags)
                .tcpNumbers(sequence, acknowledgement);
    }

    private PacketBuilder fromReal(int from, int port, int flags, int sequence, int acknowledgement) {
        return PacketBuilder.tcp(IpAddress.parse(real), from, IpAddress.parse(client), port)
                .macs(REAL_MAC, Harness.DIRECTOR_MAC)
                .tcpFlags(flags)
                .tcpNumbers(sequence, acknowledgement);
    }

    /** What comes out of one packet, which must be sound. */
    private byte[] sent(int worker, PacketBuilder packet, int ingress, int egress) {
        Harness harness = workers.get(worker);
        harness.put(0, packet.build());
        harness.process(snapshot, 1, ingress, nowMs);
        assertEquals(egress, harness.egress[0]);
        byte[] out = harness.get(0);
        MemorySegment segment = MemorySegment.ofArray(out);
        PacketView view = view(out);
        int length = view.ipLengthBytes() - (int) (view.l4Offset() - view.l3Offset());
        assertEquals(
                0, Checksum.transport(segment, view.l3Offset(), view.inet6(), Transport.TCP, view.l4Offset(), length));
        return out;
    }

    private byte[] toReal(int worker, PacketBuilder packet, int port) {
        byte[] out = sent(worker, packet, CLIENT_PORT_ID, REAL_PORT_ID);
        assertEquals(IpAddress.parse(real).low(), view(out).destinationLow());
        assertEquals(port, view(out).destinationPort());
        return out;
    }

    private byte[] toClient(int worker, PacketBuilder packet, int port) {
        byte[] out = sent(worker, packet, REAL_PORT_ID, CLIENT_PORT_ID);
        assertEquals(IpAddress.parse(virtual).low(), view(out).sourceLow());
        assertEquals(IpAddress.parse(client).low(), view(out).destinationLow());
        assertEquals(port, view(out).sourcePort());
        return out;
    }

    private static PacketView view(byte[] frame) {
        PacketView view = new PacketView();
        assertEquals(PacketParser.OK, PacketParser.parse(MemorySegment.ofArray(frame), 0, frame.length, view));
        return view;
    }

    private static int number(byte[] frame, int field) {
        return Wire.i32(MemorySegment.ofArray(frame), view(frame).l4Offset() + field);
    }

    private static String text(byte[] frame) {
        int from = (int) view(frame).l4Offset() + 20;
        return new String(Arrays.copyOfRange(frame, from, frame.length), java.nio.charset.StandardCharsets.ISO_8859_1);
    }

    private void login(int toWorker, int fromWorker) {
        toReal(toWorker, fromClient(4001, 21, Transport.SYN, 999, 0), realPort);
        toClient(fromWorker, fromReal(realPort, 4001, SYN_ACK, 4999, 1000), 21);
        toReal(toWorker, fromClient(4001, 21, Transport.ACK, 1000, 5000), realPort);
    }

    @ParameterizedTest
    @CsvSource({"1, 21, 0", "1, 2121, 0", "2, 21, 0", "2, 2121, 1"})
    void passive(int number, int port, int dataWorker) {
        start(false, number, port);
        int other = number - 1;
        login(0, other);
        toReal(0, fromClient(4001, 21, Transport.ACK, 1000, 5000).payload(SegmentHarness.ascii("PASV\r\n")), port);
        String reply = "227 Entering Passive Mode (10,0,2,11,200,1).\r\n";
        String rewritten = "227 Entering Passive Mode (198,51,100,1,200,1).\r\n";
        int grown = rewritten.length() - reply.length();
        for (int i = 0; i < 3; i++) {
            byte[] out = toClient(
                    other, fromReal(port, 4001, Transport.ACK, 5000, 1006).payload(SegmentHarness.ascii(reply)), 21);
            assertEquals(rewritten, text(out));
            assertEquals(5000, number(out, Tcp.SEQUENCE), "as often as it is sent");
        }
        // The client acknowledges what it has, and the server hears what it has sent.
        byte[] ack = toReal(0, fromClient(4001, 21, Transport.ACK, 1006, 5000 + rewritten.length()), port);
        assertEquals(5000 + reply.length(), number(ack, Tcp.ACKNOWLEDGEMENT));
        byte[] more = toClient(
                other,
                fromReal(port, 4001, Transport.ACK, 5000 + reply.length(), 1006)
                        .payload(SegmentHarness.ascii("150 Here it comes\r\n")),
                21);
        assertEquals(5000 + rewritten.length(), number(more, Tcp.SEQUENCE));
        assertEquals(5000 + reply.length() + grown, number(more, Tcp.SEQUENCE));

        int data = 200 * 256 + 1;
        toReal(dataWorker, fromClient(4002, data, Transport.SYN, 1, 0), data);
        toClient(other, fromReal(data, 4002, SYN_ACK, 1, 2), data);
        toReal(dataWorker, fromClient(4002, data, Transport.ACK, 2, 2).payloadLength(100), data);
        assertEquals(1, workers.get(dataWorker).counters.get(Counter.FLOW_HIT) > 0 ? 1 : 0);
        assertEquals(0, workers.get(dataWorker).counters.get(Counter.NO_SERVICE));
        assertEquals(2, workers.stream().mapToInt(worker -> worker.flows.size()).sum());
        assertEquals(3, workers.get(other).counters.get(Counter.FTP_EXPECTED));
    }

    @ParameterizedTest
    @CsvSource({"false, 1", "true, 1", "false, 2", "true, 2"})
    void extendedPassiveAndActive(boolean inet6, int number) {
        start(inet6, number, 21);
        int other = number - 1;
        login(0, other);
        String reply = "229 Entering Extended Passive Mode (|||50000|)\r\n";
        byte[] out =
                toClient(other, fromReal(21, 4001, Transport.ACK, 5000, 1000).payload(SegmentHarness.ascii(reply)), 21);
        assertEquals(reply, text(out));
        toReal(other, fromClient(4002, 50_000, Transport.SYN, 1, 0), 50_000);

        String command = "EPRT |" + (inet6 ? 2 : 1) + "|" + client + "|4003|\r\n";
        out = toReal(0, fromClient(4001, 21, Transport.ACK, 1000, 5048).payload(SegmentHarness.ascii(command)), 21);
        assertEquals(command, text(out));
        assertEquals(1, workers.get(0).counters.get(Counter.FTP_EXPECTED) - (number == 1 ? 1 : 0));
        toClient(other, fromReal(20, 4003, Transport.SYN, 1, 0), 20);
        toReal(0, fromClient(4003, 20, SYN_ACK, 1, 2), 20);
        toClient(other, fromReal(20, 4003, Transport.ACK, 2, 2).payloadLength(77), 20);
        workers.forEach(worker -> worker.pipeline.expire(snapshot, 1000, nowMs));
        assertEquals(3, workers.stream().mapToInt(worker -> worker.flows.size()).sum());
        assertEquals(0, workers.get(0).counters.get(Counter.REPLY_WITHOUT_FLOW));
    }

    @Test
    void aDataConnectionThatNobodyAnnouncedIsNone() {
        start(false, 1, 21);
        login(0, 0);
        Harness harness = workers.get(0);
        harness.put(0, fromClient(4002, 50_000, Transport.SYN, 1, 0).build());
        harness.process(snapshot, 1, CLIENT_PORT_ID, nowMs);
        assertEquals(Batch.DROPPED, harness.egress[0]);
        assertEquals(1, harness.counters.get(Counter.NO_SERVICE));
        // Nor one for another client, nor later than it is waited for.
        toClient(
                0,
                fromReal(21, 4001, Transport.ACK, 5000, 1000).payload(SegmentHarness.ascii("229 ok (|||50000|)\r\n")),
                21);
        nowMs += FlowState.LISTEN.defaultTimeoutMs() + 1;
        harness.put(0, fromClient(4002, 50_000, Transport.SYN, 1, 0).build());
        harness.process(snapshot, 1, CLIENT_PORT_ID, nowMs);
        assertEquals(Batch.DROPPED, harness.egress[0]);
    }

    @Test
    void aCommandThatNamesAnotherHostOpensNothing() {
        start(false, 1, 21);
        login(0, 0);
        toReal(
                0,
                fromClient(4001, 21, Transport.ACK, 1000, 5000)
                        .payload(SegmentHarness.ascii("PORT 10,7,0,8,15,160\r\n")),
                21);
        assertEquals(0, workers.get(0).counters.get(Counter.FTP_EXPECTED));
        assertEquals(1, workers.get(0).flows.size());
    }

    @Test
    void numbersMoveWithAConnectionThatChangesItsWorker() {
        start(false, 2, 21);
        login(0, 0);
        String reply = "227 ok (10,0,2,11,200,1)\r\n";
        toClient(0, fromReal(21, 4001, Transport.ACK, 5000, 1000).payload(SegmentHarness.ascii(reply)), 21);
        byte[] ack = toReal(1, fromClient(4001, 21, Transport.ACK, 1000, 5000 + reply.length() + 3), 21);
        assertEquals(5000 + reply.length(), number(ack, Tcp.ACKNOWLEDGEMENT), "by the worker that took it over");
        workers.get(0).pipeline.expire(snapshot, 100, nowMs);
        assertEquals(0, workers.get(0).flows.size());
        byte[] more = toClient(
                0,
                fromReal(21, 4001, Transport.ACK, 5000 + reply.length(), 1000).payloadLength(5),
                21);
        assertEquals(5000 + reply.length() + 3, number(more, Tcp.SEQUENCE));
        assertArrayEquals(new byte[] {0, 1, 2, 3, 4}, Arrays.copyOfRange(more, more.length - 5, more.length));
    }
}
