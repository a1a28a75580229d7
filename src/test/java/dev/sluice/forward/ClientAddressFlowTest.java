package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.service.ClientAddress;
import dev.sluice.service.ForwardingMethod;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Real servers by FULLNAT learn the client's address, by TOA or by the PROXY header, with and without the SYN proxy before it. */
class ClientAddressFlowTest extends SegmentFixture {
    private static final int ISN = 0xffff_fff0;
    private static final int SERVER_ISN = 0x7000_0000;
    private static final byte[] REQUEST = SegmentHarness.ascii("GET / HTTP/1.0\r\n\r\n");

    /** What the client takes for the server's initial number. */
    private int told = SERVER_ISN;

    @BeforeEach
    void fullNat() {
        method = ForwardingMethod.FULLNAT;
        nowMs = 5_000_000;
    }

    /** The handshake as far as the SYN-ACK; whatever completes it is returned. */
    private Segment handshake(int worker, int replyWorker) {
        byte[] options = linux(1460, 100, 0, 7);
        if (!synProxy) {
            byte[] out = toReal(worker, client(Transport.SYN, ISN, 0).tcpOptions(options));
            learnLocal(out);
            Segment syn = new Segment(out).between(local, localPort, real, 8080);
            assertEquals(0, syn.option(Toa.KIND).length, "nothing takes it from the SYN");
            Segment synAck = toTheClient(
                    replyWorker, server(SYN_ACK, SERVER_ISN, ISN + 1).tcpOptions(linux(1460, 1, 100, 7)));
            assertEquals(1460 - added(), ByteBuffer.wrap(synAck.option(Tcp.MSS)).getShort());
            return toServer(worker, client(Transport.ACK, ISN + 1, SERVER_ISN + 1));
        }
        Segment answer = new Segment(sent(
                worker, client(Transport.SYN, ISN, 0).tcpOptions(options).build(), CLIENT_PORT_ID, CLIENT_PORT_ID));
        boolean inet6 = answer.view.inet6();
        assertEquals(
                (inet6 ? 1440 : 1460) - added(),
                ByteBuffer.wrap(answer.option(Tcp.MSS)).getShort());
        told = answer.sequence();
        learnLocal(toReal(worker, client(Transport.ACK, ISN + 1, told + 1).tcpOptions(stamps(101, answer.stamp()))));
        toTheClient(replyWorker, server(SYN_ACK, SERVER_ISN, ISN + 1).tcpOptions(linux(1460, 1, 100, 7)));
        return new Segment(workers.get(replyWorker).get(1)).between(local, localPort, real, 8080);
    }

    private int added() {
        return NumberedSegments.addedBytes(clientAddress, client.indexOf(':') >= 0);
    }

    private byte[] toa() {
        IpAddress address = IpAddress.parse(client);
        ByteBuffer octets = ByteBuffer.allocate(added() - 2).putShort((short) 4001);
        return (added() == 8
                        ? octets.putInt((int) address.low())
                        : octets.putLong(address.high()).putLong(address.low()))
                .array();
    }

    private byte[] proxyHeader() {
        boolean inet6 = client.indexOf(':') >= 0;
        ByteBuffer header = ByteBuffer.allocate(added())
                .put(SegmentHarness.ascii("\r\n\r\n\0\r\nQUIT\n"))
                .put((byte) 0x21)
                .put((byte) (inet6 ? 0x21 : 0x11))
                .putShort((short) (inet6 ? 36 : 12));
        for (String side : new String[] {client, virtual}) {
            IpAddress address = IpAddress.parse(side);
            if (inet6) {
                header.putLong(address.high()).putLong(address.low());
            } else {
                header.putInt((int) address.low());
            }
        }
        return header.putShort((short) 4001).putShort((short) 80).array();
    }

    private static byte[] concat(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    @ParameterizedTest
    @CsvSource({
        "false, false, 1, 0",
        "true, false, 1, 0",
        "false, true, 1, 0",
        "true, true, 1, 0",
        "false, false, 2, 1",
        "false, true, 2, 1"
    })
    void toaUntilTheClientHasAnAnswer(boolean inet6, boolean proxied, int number, int replyWorker) {
        clientAddress = ClientAddress.TOA;
        synProxy = proxied;
        start(inet6, number);
        Segment last = handshake(0, replyWorker);
        assertArrayEquals(toa(), last.option(Toa.KIND));
        assertEquals(SERVER_ISN + 1, last.acknowledgement());
        for (int i = 0; i < 2; i++) {
            Segment request = toServer(0, client(PSH_ACK, ISN + 1, told + 1).payload(REQUEST));
            assertArrayEquals(toa(), request.option(Toa.KIND));
            assertArrayEquals(REQUEST, request.payload());
            assertEquals(ISN + 1, request.sequence());
            assertEquals(SERVER_ISN + 1, request.acknowledgement());
        }
        Segment response = toTheClient(
                replyWorker, server(PSH_ACK, SERVER_ISN + 1, ISN + 1).payloadLength(100));
        assertEquals(told + 1, response.sequence());
        Segment after = toServer(0, client(Transport.ACK, ISN + 1, told + 101));
        assertEquals(0, after.options().length);
        assertEquals(SERVER_ISN + 101, after.acknowledgement());
        assertEquals(proxied ? 1 : 0, workers.get(0).flows.sequencesInUse());
        assertState(FlowState.ESTABLISHED);
        int slot = workers.get(0).slotOf(fromClient(Transport.TCP).build(), nowMs);
        assertEquals(proxied ? FlowTable.FLAG_NUMBERED : 0, workers.get(0).flows.flags(slot) & FlowTable.FLAG_NUMBERED);
        assertEquals(3, sum(Counter.TOA_ADDED));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void toaUntilTheServerHasData(int number) {
        clientAddress = ClientAddress.TOA;
        start(false, number);
        handshake(0, number - 1);
        toServer(0, client(PSH_ACK, ISN + 1, told + 1).payload(REQUEST));
        // A server that takes an upload says nothing for a while.
        toTheClient(number - 1, server(Transport.ACK, SERVER_ISN + 1, ISN + 1 + REQUEST.length));
        Segment more =
                toServer(0, client(PSH_ACK, ISN + 1 + REQUEST.length, told + 1).payload(REQUEST));
        assertEquals(0, more.options().length);
        assertEquals(0, workers.get(0).flows.sequencesInUse());
        Segment reply =
                toTheClient(number - 1, server(PSH_ACK, SERVER_ISN + 1, ISN + 1).payloadLength(9));
        assertEquals(SERVER_ISN + 1, reply.sequence());
        long slow = sum(Counter.TOA_ADDED);
        toServer(0, client(Transport.ACK, ISN + 1, told + 1));
        assertEquals(slow, sum(Counter.TOA_ADDED));
    }

    @Test
    void toaGoesWithoutWhereThereIsNoRoom() {
        clientAddress = ClientAddress.TOA;
        start(false, 1);
        handshake(0, 0);
        Segment full = toServer(0, client(PSH_ACK, ISN + 1, told + 1).payloadLength(1460));
        assertEquals(0, full.options().length);
        byte[] many = new byte[36];
        Arrays.fill(many, (byte) Tcp.NO_OPERATION);
        assertArrayEquals(
                many,
                toServer(0, client(PSH_ACK, ISN + 1, told + 1).tcpOptions(many)).options());
        assertEquals(2, sum(Counter.TOA_NO_ROOM));
        Segment fin = toServer(0, client(FIN_ACK, ISN + 1, told + 1));
        assertEquals(0, fin.options().length);
    }

    @Test
    void toaIsForFullNatOnly() {
        method = ForwardingMethod.NAT;
        clientAddress = ClientAddress.TOA;
        start(false, 1);
        toServer(0, client(Transport.SYN, ISN, 0));
        toTheClient(0, server(SYN_ACK, SERVER_ISN, ISN + 1));
        assertEquals(
                0, toServer(0, client(Transport.ACK, ISN + 1, SERVER_ISN + 1)).options().length);
        assertEquals(0, workers.get(0).flows.sequencesInUse());
    }

    @ParameterizedTest
    @CsvSource({
        "false, false, 1, 0",
        "true, false, 1, 0",
        "false, true, 1, 0",
        "true, true, 1, 0",
        "false, false, 2, 1",
        "false, true, 2, 1"
    })
    void theProxyHeaderIsTheFirstThatTheServerReads(boolean inet6, boolean proxied, int number, int replyWorker) {
        clientAddress = ClientAddress.PROXY;
        synProxy = proxied;
        start(inet6, number);
        int length = added();
        Segment last = handshake(0, replyWorker);
        assertEquals(ISN + 1, last.sequence());
        assertArrayEquals(proxyHeader(), last.payload());
        // Whichever of them arrives, the octets are the same.
        for (int i = 0; i < 2; i++) {
            Segment request = toServer(0, client(PSH_ACK, ISN + 1, told + 1).payload(REQUEST));
            assertEquals(ISN + 1, request.sequence());
            assertEquals(SERVER_ISN + 1, request.acknowledgement());
            assertArrayEquals(concat(proxyHeader(), REQUEST), request.payload());
        }
        Segment second =
                toServer(0, client(PSH_ACK, ISN + 1 + REQUEST.length, told + 1).payload(REQUEST));
        assertEquals(ISN + 1 + REQUEST.length + length, second.sequence());
        assertArrayEquals(REQUEST, second.payload());
        // Part of the header is nothing of the client's.
        Segment part = toTheClient(replyWorker, server(Transport.ACK, SERVER_ISN + 1, ISN + 1 + 10));
        assertEquals(ISN + 1, part.acknowledgement());
        assertEquals(told + 1, part.sequence());
        Segment all = toTheClient(replyWorker, server(Transport.ACK, SERVER_ISN + 1, ISN + 1 + length));
        assertEquals(ISN + 1, all.acknowledgement());
        Segment again = toServer(0, client(PSH_ACK, ISN + 1, told + 1).payload(REQUEST));
        assertEquals(ISN + 1 + length, again.sequence(), "the header is there");
        assertArrayEquals(REQUEST, again.payload());
        byte[] sack = ByteBuffer.allocate(12)
                .putInt(0x0101050a)
                .putInt(ISN + 1 + length + 18)
                .putInt(ISN + 1 + length + 36)
                .array();
        Segment gap = toTheClient(
                replyWorker,
                server(Transport.ACK, SERVER_ISN + 1, ISN + 1 + length).tcpOptions(sack));
        assertArrayEquals(
                ByteBuffer.allocate(8).putInt(ISN + 19).putInt(ISN + 37).array(), gap.option(Tcp.SACK));
        Segment response = toTheClient(
                replyWorker, server(PSH_ACK, SERVER_ISN + 1, ISN + 37 + length).payloadLength(100));
        assertEquals(ISN + 37, response.acknowledgement());
        Segment fin = toServer(0, client(FIN_ACK, ISN + 37, told + 101));
        assertEquals(ISN + 37 + length, fin.sequence());
        assertEquals(SERVER_ISN + 101, fin.acknowledgement());
        assertEquals(1, workers.get(0).flows.sequencesInUse());
    }

    /** The client's address is of the client's family, and so is the VIP's. */
    @ParameterizedTest
    @CsvSource({"false, TOA, false", "true, TOA, false", "false, PROXY, true", "true, PROXY, true", "true, TOA, true"})
    void aRealServerOfTheOtherFamily(boolean inet6, ClientAddress how, boolean proxied) {
        clientAddress = how;
        synProxy = proxied;
        start(inet6, 1);
        real = inet6 ? "192.0.2.11" : "fd00:2::11";
        reload();
        Segment last = handshake(0, 0);
        assertEquals(inet6, !last.view.inet6());
        if (how == ClientAddress.TOA) {
            assertArrayEquals(toa(), last.option(Toa.KIND));
        } else {
            assertArrayEquals(proxyHeader(), last.payload());
        }
        Segment request = toServer(0, client(PSH_ACK, ISN + 1, told + 1).payload(REQUEST));
        assertEquals(ISN + 1, request.sequence());
        assertEquals(SERVER_ISN + 1, request.acknowledgement());
        byte[] sent = how == ClientAddress.TOA ? REQUEST : concat(proxyHeader(), REQUEST);
        assertArrayEquals(sent, request.payload());
        Segment response = toTheClient(
                0, server(PSH_ACK, SERVER_ISN + 1, ISN + 1 + sent.length).payloadLength(1000));
        assertEquals(told + 1, response.sequence());
        assertEquals(ISN + 1 + REQUEST.length, response.acknowledgement());
        Segment after = toServer(0, client(Transport.ACK, ISN + 1 + REQUEST.length, told + 1001));
        assertEquals(ISN + 1 + sent.length, after.sequence());
        assertEquals(SERVER_ISN + 1001, after.acknowledgement());
        assertEquals(0, after.options().length);
    }

    @Test
    void theProxyHeaderMovesWithItsConnection() {
        clientAddress = ClientAddress.PROXY;
        start(false, 2);
        handshake(0, 1);
        Segment request = toServer(1, client(PSH_ACK, ISN + 1, told + 1).payload(REQUEST));
        assertArrayEquals(concat(proxyHeader(), REQUEST), request.payload());
        expire();
        assertEquals(
                ISN + 1 + REQUEST.length,
                toTheClient(0, server(Transport.ACK, SERVER_ISN + 1, ISN + 1 + REQUEST.length + added()))
                        .acknowledgement());
        assertEquals(
                ISN + 1 + added(),
                toServer(1, client(PSH_ACK, ISN + 1, told + 1).payload(REQUEST)).sequence());
        assertEquals(1, flows());
    }

    @Test
    void aConnectionWithoutItsBeginningIsNotBegunByTheProxyHeader() {
        clientAddress = ClientAddress.PROXY;
        start(false, 1);
        dropped(0, client(PSH_ACK, ISN + 1, told + 1).payload(REQUEST), CLIENT_PORT_ID, Counter.NAT_WITHOUT_FLOW);
        assertEquals(0, flows());
        assertEquals(0, workers.get(0).flows.sequencesInUse());
        assertEquals(0, workers.get(0).connections.active(0));
        // By TOA it is one like any other, of which the real server knows already.
        clientAddress = ClientAddress.TOA;
        reload();
        byte[] out = toReal(0, client(PSH_ACK, ISN + 1, told + 1).payload(REQUEST));
        assertEquals(0, new Segment(out).options().length);
        assertEquals(0, workers.get(0).flows.sequencesInUse());
    }

    @Test
    void aFullSegmentBeforeTheHeaderIsAcknowledgedIsSentAgain() {
        clientAddress = ClientAddress.PROXY;
        start(false, 1);
        handshake(0, 0);
        dropped(
                0,
                client(PSH_ACK, ISN + 1, told + 1).payloadLength(1460),
                CLIENT_PORT_ID,
                Counter.PROXY_HEADER_TOO_BIG);
        toTheClient(0, server(Transport.ACK, SERVER_ISN + 1, ISN + 1 + added()));
        assertEquals(
                ISN + 1 + added(),
                toServer(0, client(PSH_ACK, ISN + 1, told + 1).payloadLength(1460))
                        .sequence());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatDoesNotFitIsQuotedAsTheClientSentIt(boolean inet6) {
        clientAddress = ClientAddress.PROXY;
        synProxy = true;
        start(inet6, 1);
        handshake(0, 0);
        int sequence = ISN + 1;
        PacketBuilder large = client(Transport.ACK, sequence, told + 1).payloadLength(1480);
        byte[] answer = sent(0, (inet6 ? large : large.dontFragment()).build(), CLIENT_PORT_ID, CLIENT_PORT_ID);
        MemorySegment segment = MemorySegment.ofArray(answer);
        int ip = inet6 ? 40 : 20;
        assertEquals(inet6 ? 0x0200 : 0x0304, Wire.u16(segment, 14 + ip));
        int quoted = 14 + ip + 8 + ip;
        assertEquals(sequence, Wire.i32(segment, quoted + Tcp.SEQUENCE));
        assertEquals(told + 1, Wire.i32(segment, quoted + Tcp.ACKNOWLEDGEMENT));
    }

    @Test
    void datagramsHaveNoAddress() {
        clientAddress = ClientAddress.PROXY;
        start(false, 1);
        byte[] in = fromClient(Transport.UDP).payloadLength(9).build();
        assertEquals(in.length, sent(0, in, CLIENT_PORT_ID, REAL_PORT_ID).length);
    }
}
