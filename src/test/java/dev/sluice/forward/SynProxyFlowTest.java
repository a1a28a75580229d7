package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FlowState;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.service.ForwardingMethod;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections through the SYN proxy, from the first SYN on, whatever queue their packets come by and whichever of them are lost. */
class SynProxyFlowTest extends SegmentFixture {
    private static final int ISN = 0xffff_fff0;
    private static final int SERVER_ISN = 0x7000_0000;
    private static final int CLIENT_SCALE = 9;
    private static final int SERVER_SCALE = 5;

    private int cookie;
    private int stamp;

    @BeforeEach
    void proxied() {
        synProxy = true;
        nowMs = 777_777;
    }

    private PacketBuilder syn() {
        return client(Transport.SYN, ISN, 0).tcpOptions(linux(1460, 100, 0, CLIENT_SCALE));
    }

    /** The SYN that is answered. */
    private Segment answered(int worker, PacketBuilder syn) {
        Segment answer = new Segment(sent(worker, syn.build(), CLIENT_PORT_ID, CLIENT_PORT_ID))
                .between(virtual, 80, client, 4001);
        assertEquals(ROUTER_MAC, answer.destinationMac());
        assertEquals(SYN_ACK, answer.flags());
        assertEquals(0, answer.window());
        cookie = answer.sequence();
        stamp = answer.option(Tcp.TIMESTAMPS).length == 0 ? 0 : answer.stamp();
        return answer;
    }

    private PacketBuilder ack() {
        return client(Transport.ACK, ISN + 1, cookie + 1).tcpOptions(stamps(101, stamp));
    }

    /** The acknowledgement that becomes the SYN to the real server. */
    private Segment admitted(int worker, PacketBuilder ack) {
        byte[] out = toReal(worker, ack);
        learnLocal(out);
        Segment syn = judged(out, local, localPort, real, 8080);
        assertEquals(Transport.SYN, syn.flags());
        assertEquals(ISN, syn.sequence());
        assertEquals(0, syn.payload().length);
        return syn;
    }

    private PacketBuilder synAck() {
        return server(SYN_ACK, SERVER_ISN, ISN + 1).tcpOptions(linux(1460, 9000, 101, SERVER_SCALE));
    }

    /** The real server's answer: what the client gets, and what the real server gets. */
    private Segment completed(int worker, PacketBuilder synAck) {
        Segment opening = toTheClient(worker, synAck);
        assertEquals(Transport.ACK, opening.flags());
        assertEquals(cookie + 1, opening.sequence());
        assertEquals(ISN + 1, opening.acknowledgement());
        Harness harness = workers.get(worker);
        assertEquals(2, harness.batch.count());
        assertEquals(REAL_PORT_ID, harness.egress[1]);
        Segment last = new Segment(harness.get(1)).between(local, localPort, real, 8080);
        assertEquals(REAL_MAC, last.destinationMac());
        assertEquals(Transport.ACK, last.flags());
        assertEquals(ISN + 1, last.sequence());
        assertEquals(SERVER_ISN + 1, last.acknowledgement());
        return opening;
    }

    private void handshake(int synWorker, int ackWorker, int replyWorker) {
        answered(synWorker, syn());
        assertEquals(0, flows());
        admitted(ackWorker, ack());
        completed(replyWorker, synAck());
    }

    private void data(int clientWorker, int replyWorker) {
        Segment request = toServer(
                clientWorker,
                client(PSH_ACK, ISN + 1, cookie + 1)
                        .tcpOptions(stamps(150, (int) nowMs))
                        .payload(SegmentHarness.ascii("GET / HTTP/1.0\r\n\r\n")));
        assertEquals(ISN + 1, request.sequence());
        assertEquals(SERVER_ISN + 1, request.acknowledgement());
        assertEquals(150, request.stamp());
        assertEquals(9000, request.echo(), "on the server's clock");
        Segment response = toTheClient(
                replyWorker,
                server(PSH_ACK, SERVER_ISN + 1, ISN + 19)
                        .tcpOptions(stamps(9040, 150))
                        .payloadLength(1000));
        assertEquals(cookie + 1, response.sequence());
        assertEquals(ISN + 19, response.acknowledgement());
        assertEquals((int) nowMs + 40, response.stamp(), "on the director's clock");
        assertEquals(150, response.echo());
        byte[] sack = ByteBuffer.allocate(12)
                .putInt(0x0101050a)
                .putInt(cookie + 2001)
                .putInt(cookie + 3001)
                .array();
        Segment acknowledgement = toServer(
                clientWorker, client(Transport.ACK, ISN + 19, cookie + 1001).tcpOptions(sack));
        assertEquals(SERVER_ISN + 1001, acknowledgement.acknowledgement());
        assertArrayEquals(
                ByteBuffer.allocate(8)
                        .putInt(SERVER_ISN + 2001)
                        .putInt(SERVER_ISN + 3001)
                        .array(),
                acknowledgement.option(Tcp.SACK));
    }

    @ParameterizedTest
    @CsvSource({
        "NAT, false, 1, 0, 0",
        "NAT, true, 1, 0, 0",
        "FULLNAT, false, 1, 0, 0",
        "FULLNAT, true, 1, 0, 0",
        "NAT, false, 2, 0, 1",
        "NAT, true, 2, 1, 0",
        "FULLNAT, false, 2, 0, 1",
        "FULLNAT, true, 3, 1, 2"
    })
    void aConnectionFromSynToFin(ForwardingMethod by, boolean inet6, int number, int synWorker, int replyWorker) {
        method = by;
        start(inet6, number);
        answered(synWorker, syn());
        assertEquals(0, flows(), "nothing is remembered");
        Segment syn = admitted(0, ack());
        assertArrayEquals(linux(1460, 101, 0, CLIENT_SCALE), syn.options());
        assertState(FlowState.SYN_RECV);
        Segment opening = completed(replyWorker, synAck());
        assertArrayEquals(stamps((int) nowMs, 101), opening.options());
        assertState(FlowState.ESTABLISHED);
        data(0, replyWorker);
        toServer(0, client(FIN_ACK, ISN + 19, cookie + 1001));
        toTheClient(replyWorker, server(FIN_ACK, SERVER_ISN + 1001, ISN + 20));
        Segment last = toServer(0, client(Transport.ACK, ISN + 20, cookie + 1002));
        assertEquals(SERVER_ISN + 1002, last.acknowledgement());
        assertState(FlowState.TIME_WAIT);
        assertEquals(1, flows());
        assertEquals(1, sum(Counter.SYN_PROXY_ANSWERED));
        assertEquals(1, sum(Counter.SYN_PROXY_ACK_SENT));
        assertEquals(1, sum(Counter.FLOW_NEW));
        assertEquals(0, sum(Counter.FLOW_NEW_SLOPPY));
        assertEquals(1, workers.get(0).flows.sequencesInUse());
    }

    @Test
    void windowsAreThoseOfTheScaleThatTheClientWasTold() {
        start(false, 1);
        handshake(0, 0, 0);
        int told = server(Transport.ACK, 0, 0).build().length;
        assertTrue(told > 0);
        byte[] frame = server(Transport.ACK, SERVER_ISN + 1, ISN + 1).build();
        int window = new Segment(frame).window();
        assertEquals(
                window >>> 2,
                toTheClient(0, server(Transport.ACK, SERVER_ISN + 1, ISN + 1)).window());
        assertEquals(
                new Segment(client(Transport.ACK, ISN + 1, cookie + 1).build()).window(),
                toServer(0, client(Transport.ACK, ISN + 1, cookie + 1)).window(),
                "the client's own scale was told");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void whatIsLostIsRepeated(int number) {
        start(false, number);
        int other = number - 1;
        answered(0, syn());
        int first = cookie;
        // The client did not get it.
        nowMs += 1000;
        answered(other, syn());
        assertEquals(first, cookie, "within the minute");
        // Its acknowledgement was lost: it probes the window, by a segment with the number before.
        nowMs += 500;
        admitted(0, client(Transport.ACK, ISN, cookie + 1).tcpOptions(stamps(300, stamp)));
        assertEquals(1, sum(Counter.FLOW_NEW));
        // The SYN was lost, then the SYN-ACK: each probe repeats it.
        for (int i = 0; i < 3; i++) {
            nowMs += 500;
            admitted(0, client(Transport.ACK, ISN, cookie + 1).tcpOptions(stamps(400 + i, stamp)));
            assertState(FlowState.SYN_RECV);
        }
        // Data does not go to a server that has not answered.
        admitted(
                0,
                client(PSH_ACK, ISN + 1, cookie + 1)
                        .tcpOptions(stamps(500, stamp))
                        .payloadLength(100));
        completed(other, synAck());
        // The real server did not get its ACK and repeats; the client's answer to that is for it.
        Segment again = toTheClient(other, synAck());
        assertEquals(SYN_ACK, again.flags());
        assertEquals(cookie, again.sequence());
        assertEquals(1, workers.get(other).batch.count());
        data(0, other);
        assertEquals(1, flows());
        assertEquals(1, sum(Counter.FLOW_NEW));
    }

    @Test
    void aClientThatClosesAtOnce() {
        start(false, 1);
        answered(0, syn());
        admitted(0, client(FIN_ACK, ISN + 1, cookie + 1).tcpOptions(stamps(101, stamp)));
        assertState(FlowState.SYN_RECV);
        completed(0, synAck());
        Segment fin = toServer(0, client(FIN_ACK, ISN + 1, cookie + 1).tcpOptions(stamps(102, (int) nowMs)));
        assertEquals(SERVER_ISN + 1, fin.acknowledgement());
        assertState(FlowState.CLOSE_WAIT);
    }

    @Test
    void aClientThatResets() {
        start(false, 1);
        answered(0, syn());
        admitted(0, ack());
        Segment reset = toServer(0, client(Transport.RST | Transport.ACK, ISN + 1, cookie + 1));
        assertEquals(Transport.RST, reset.flags());
        assertEquals(ISN + 1, reset.sequence());
        assertEquals(0, reset.acknowledgement());
        answered(0, syn());
        admitted(0, ack());
        completed(0, synAck());
        reset = toServer(0, client(Transport.RST | Transport.ACK, ISN + 1, cookie + 1));
        assertEquals(SERVER_ISN + 1, reset.acknowledgement());
        assertState(FlowState.CLOSE);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aServerThatRefuses(int number) {
        start(false, number);
        answered(0, syn());
        admitted(0, ack());
        Segment reset = toTheClient(number - 1, server(Transport.RST | Transport.ACK, 0, ISN + 1));
        assertEquals(Transport.RST | Transport.ACK, reset.flags());
        assertEquals(cookie + 1, reset.sequence(), "so that the client takes it");
        assertState(FlowState.CLOSE);
        // It tries again, with another number, while the flow is remembered.
        answered(0, client(Transport.SYN, 5, 0));
        assertEquals(1, flows());
        byte[] out = toReal(0, client(Transport.ACK, 6, cookie + 1));
        assertEquals(5, new Segment(out).sequence());
        assertEquals(1, flows());
        assertEquals(1, sum(Counter.FLOW_REUSED));
        assertState(FlowState.SYN_RECV);
    }

    @Test
    void aConnectionThatTheServerStillHasIsReset() {
        start(false, 1);
        answered(0, syn());
        admitted(0, ack());
        Segment reset = new Segment(sent(0, server(Transport.ACK, 700, 800).build(), REAL_PORT_ID, REAL_PORT_ID))
                .between(local, localPort, real, 8080);
        assertEquals(Transport.RST, reset.flags());
        assertEquals(800, reset.sequence());
        assertEquals(REAL_MAC, reset.destinationMac());
        assertEquals(1, sum(Counter.SYN_PROXY_RESET));
        assertState(FlowState.SYN_RECV);
        dropped(0, server(Transport.ACK, 700, ISN + 1), REAL_PORT_ID, Counter.SYN_PROXY_UNEXPECTED);
        admitted(0, ack());
        completed(0, synAck());
        data(0, 0);
    }

    @Test
    void portsAreUsedAgain() {
        start(false, 1);
        handshake(0, 0, 0);
        data(0, 0);
        toTheClient(0, server(FIN_ACK, SERVER_ISN + 1001, ISN + 19));
        toServer(0, client(FIN_ACK, ISN + 19, cookie + 1002));
        assertState(FlowState.TIME_WAIT);
        // A segment of the old connection that comes late is the old connection's.
        Segment late = toServer(0, client(Transport.ACK, ISN + 1, cookie + 1));
        assertEquals(SERVER_ISN + 1, late.acknowledgement());
        int old = cookie;
        answered(0, client(Transport.SYN, 77, 0));
        assertState(FlowState.TIME_WAIT);
        assertTrue(old != cookie);
        assertEquals(77, new Segment(toReal(0, client(Transport.ACK, 78, cookie + 1))).sequence());
        assertState(FlowState.SYN_RECV);
        assertEquals(1, flows());
        assertEquals(1, workers.get(0).flows.sequencesInUse());
    }

    @Test
    void whatIsNoCookieIsDropped() {
        start(false, 2);
        answered(0, syn());
        dropped(1, client(Transport.ACK, ISN + 1, cookie + 9), CLIENT_PORT_ID, Counter.SYN_COOKIE_INVALID);
        dropped(1, client(Transport.ACK, ISN + 99, cookie + 1), CLIENT_PORT_ID, Counter.SYN_COOKIE_INVALID);
        dropped(1, client(SYN_ACK, ISN + 1, cookie + 1), CLIENT_PORT_ID, Counter.SYN_COOKIE_INVALID);
        dropped(1, client(Transport.FIN, ISN + 1, cookie + 1), CLIENT_PORT_ID, Counter.SYN_COOKIE_INVALID);
        dropped(1, client(Transport.RST, ISN + 1, cookie + 1), CLIENT_PORT_ID, Counter.RST_WITHOUT_FLOW);
        nowMs += 120_000;
        dropped(1, ack(), CLIENT_PORT_ID, Counter.SYN_COOKIE_INVALID);
        assertEquals(0, flows());
        // And while a server is awaited.
        nowMs -= 120_000;
        admitted(0, ack());
        dropped(0, client(Transport.ACK, ISN + 1, cookie + 9), CLIENT_PORT_ID, Counter.SYN_COOKIE_INVALID);
        assertEquals(1, flows());
    }

    @Test
    void aFloodLeavesNothingBehind() {
        start(false, 2);
        for (int i = 0; i < 1000; i++) {
            PacketBuilder syn = PacketBuilder.tcp(
                            IpAddress.ofInet(0x0b00_0000 + i), 1024 + i, IpAddress.parse(virtual), 80)
                    .macs(ROUTER_MAC, Harness.DIRECTOR_MAC)
                    .tcpFlags(Transport.SYN)
                    .tcpNumbers(i * 7919L, 0);
            byte[] out = sent(i & 1, syn.build(), CLIENT_PORT_ID, CLIENT_PORT_ID);
            assertEquals(SYN_ACK, new Segment(out).flags());
        }
        assertEquals(0, flows());
        assertEquals(1000, sum(Counter.SYN_PROXY_ANSWERED));
        assertEquals(0, sum(Counter.FLOW_NEW));
        assertEquals(0, workers.get(0).flows.sequencesInUse());
    }

    @Test
    void aConnectionMovesToAnotherWorker() {
        start(false, 2);
        answered(0, syn());
        admitted(0, ack());
        // By the other queue, before the server has answered and after.
        admitted(1, client(Transport.ACK, ISN, cookie + 1).tcpOptions(stamps(300, stamp)));
        assertEquals(1, flows());
        completed(0, synAck());
        expire();
        data(1, 0);
        data(0, 1);
        assertEquals(1, flows());
        assertEquals(
                1, workers.get(0).flows.sequencesInUse() + workers.get(1).flows.sequencesInUse());
    }

    @Test
    void turnedOffAndOnWithConnectionsUnderWay() {
        start(false, 1);
        answered(0, syn());
        synProxy = false;
        reload();
        // The client has its cookie and takes the connection for open.
        admitted(0, ack());
        completed(0, synAck());
        data(0, 0);
        synProxy = true;
        reload();
        toTheClient(0, server(Transport.ACK, SERVER_ISN + 1, ISN + 19));
        Segment more = toServer(0, client(Transport.ACK, ISN + 19, cookie + 1));
        assertEquals(SERVER_ISN + 1, more.acknowledgement());
    }

    @Test
    void turnedOnWithAHandshakeUnderWay() {
        synProxy = false;
        start(false, 1);
        assertEquals(ISN, toServer(0, syn()).sequence());
        synProxy = true;
        reload();
        assertEquals(ISN, toServer(0, syn()).sequence(), "again, for nobody has answered");
        Segment answer = toTheClient(0, synAck());
        assertEquals(SERVER_ISN, answer.sequence());
        assertEquals(SYN_ACK, answer.flags());
        assertEquals(
                SERVER_ISN + 1,
                toServer(0, client(Transport.ACK, ISN + 1, SERVER_ISN + 1)).acknowledgement());
        assertState(FlowState.ESTABLISHED);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void errorsQuoteTheNumbersOfWhoGetsThem(boolean inet6) {
        method = ForwardingMethod.FULLNAT;
        start(inet6, 2);
        handshake(0, 0, 1);
        // A router before the client, about a segment of the server's as the client would have got it.
        byte[] quoted = packet(Transport.TCP, virtual, 80, client, 4001)
                .tcpNumbers(Integer.toUnsignedLong(cookie + 101), 0)
                .build();
        for (int bytes : new int[] {inet6 ? 48 : 28, quoted.length - 14}) {
            byte[] out = sent(
                    0,
                    error(
                            inet6,
                            inet6 ? "2001:db8:8::fe" : "10.8.0.254",
                            virtual,
                            Arrays.copyOfRange(quoted, 14, 14 + bytes)),
                    CLIENT_PORT_ID,
                    REAL_PORT_ID);
            MemorySegment segment = MemorySegment.ofArray(out);
            int ip = inet6 ? 40 : 20;
            assertEquals(SERVER_ISN + 101, Wire.i32(segment, 14 + ip + 8 + ip + Tcp.SEQUENCE));
            int length = out.length - 14 - ip;
            assertEquals(
                    0,
                    inet6
                            ? Checksum.transport(segment, 14, true, Transport.ICMPV6, 14 + ip, length)
                            : Checksum.of(segment, 14 + ip, length));
        }
    }

    private static byte[] error(boolean inet6, String from, String to, byte[] quoted) {
        return PacketBuilder.ethernet()
                .ip(IpAddress.parse(from), IpAddress.parse(to))
                .icmp(inet6 ? 2 : 3, inet6 ? 0 : 4, 1400)
                .payload(quoted)
                .build();
    }

    @Test
    void aSegmentTooLargeForTheClientIsAnsweredByTheServersNumbers() {
        start(false, 1);
        handshake(0, 0, 0);
        snapshot = snapshot(1000, method);
        Harness harness = workers.get(0);
        harness.put(
                0,
                server(PSH_ACK, SERVER_ISN + 1, ISN + 1)
                        .dontFragment()
                        .payloadLength(1300)
                        .build());
        harness.process(snapshot, 1, REAL_PORT_ID, nowMs);
        assertEquals(REAL_PORT_ID, harness.egress[0]);
        byte[] out = harness.get(0);
        assertEquals(SERVER_ISN + 1, Wire.i32(MemorySegment.ofArray(out), 14 + 20 + 8 + 20 + Tcp.SEQUENCE));
    }

    @Test
    void datagramsOfTheServiceAreLeftAlone() {
        start(false, 1);
        toReal(0, fromClient(Transport.UDP));
        assertEquals(0, sum(Counter.SYN_PROXY_ANSWERED));
        assertEquals(1, flows());
    }
}
