package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.Transport;
import dev.sluice.service.ClientAddress;
import dev.sluice.service.ForwardingMethod;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Two streams of octets through connections whose segments change, with segments lost, sent again in other sizes, out of order, and by other
 * queues: what each side reads is what the other wrote.
 */
class SegmentStreamsTest extends SegmentFixture {
    private static final int ISN = 0xffff_ff00;
    private static final int SERVER_ISN = 0x7fff_ff80;
    private static final int STREAM = 3000;
    private static final int WINDOW = 600;

    private final byte[] request = new byte[STREAM];
    private final byte[] response = new byte[STREAM];
    private Side clientSide = new Side(0);
    private Side serverSide = new Side(0);
    private Random random = new Random(0);
    private int number;
    private int told;

    /** What one side has got, and what of its own the other has. */
    private static final class Side {
        final byte[] got;
        final boolean[] has;
        int next;
        int acknowledged;
        int sent;

        Side(int size) {
            got = new byte[size];
            has = new boolean[size];
        }

        void receive(int offset, byte[] octets) {
            for (int i = 0; i < octets.length; i++) {
                assertTrue(!has[offset + i] || got[offset + i] == octets[i], "another octet at the same number");
                got[offset + i] = octets[i];
                has[offset + i] = true;
            }
            while (next < has.length && has[next]) {
                next++;
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "NONE, true, 1, 1",
        "NONE, true, 2, 2",
        "TOA, false, 2, 3",
        "TOA, true, 2, 4",
        "PROXY, false, 1, 5",
        "PROXY, false, 2, 6",
        "PROXY, true, 1, 7",
        "PROXY, true, 3, 8"
    })
    void whatIsWrittenIsRead(ClientAddress how, boolean proxied, int workerCount, int seed) {
        method = ForwardingMethod.FULLNAT;
        clientAddress = how;
        synProxy = proxied;
        number = workerCount;
        random = new Random(seed);
        random.nextBytes(request);
        random.nextBytes(response);
        nowMs = 9_000_000;
        start(false, number);
        int header = how == ClientAddress.PROXY ? ProxyHeader.INET_BYTES : 0;
        clientSide = new Side(STREAM);
        serverSide = new Side(header + STREAM);
        open();
        for (int step = 0; clientSide.next < STREAM || serverSide.next < header + STREAM; step++) {
            assertTrue(step < 20_000, () -> "stuck at " + clientSide.next + " and " + serverSide.next);
            nowMs += random.nextInt(20);
            if (random.nextBoolean()) {
                clientSends();
            } else {
                serverSends();
            }
            if (random.nextInt(50) == 0) {
                expire();
            }
        }
        assertEquals(0, Arrays.compare(response, clientSide.got));
        assertEquals(0, Arrays.compare(request, Arrays.copyOfRange(serverSide.got, header, header + STREAM)));
        assertTrue(flows() <= number, "whoever has seen a packet of its");
    }

    private void open() {
        PacketBuilder syn = client(Transport.SYN, ISN, 0).tcpOptions(linux(1460, 100, 0, 7));
        if (synProxy) {
            told = new Segment(sent(0, syn.build(), CLIENT_PORT_ID, CLIENT_PORT_ID)).sequence();
            learnLocal(toReal(0, client(Transport.ACK, ISN + 1, told + 1)));
        } else {
            told = SERVER_ISN;
            learnLocal(toReal(0, syn));
        }
        toClient(number - 1, server(SYN_ACK, SERVER_ISN, ISN + 1).tcpOptions(linux(1460, 1, 100, 7)));
        // What completes the handshake is lost.
    }

    private boolean isLost() {
        return random.nextInt(4) == 0;
    }

    private void clientSends() {
        int from = clientSide.acknowledged + random.nextInt(Math.min(WINDOW, STREAM - clientSide.acknowledged) + 1);
        from = Math.min(from, clientSide.sent);
        int length = random.nextInt(Math.min(200, STREAM - from) + 1);
        clientSide.sent = Math.max(clientSide.sent, from + length);
        PacketBuilder segment = client(PSH_ACK, ISN + 1 + from, told + 1 + clientSide.next)
                .payload(Arrays.copyOfRange(request, from, from + length));
        // Now and then its packets come by another queue.
        int worker = random.nextInt(20) == 0 ? random.nextInt(number) : 0;
        Segment out = toServer(worker, segment);
        if (!isLost()) {
            int offset = out.sequence() - (ISN + 1);
            serverSide.receive(offset, out.payload());
            int acknowledged = out.acknowledgement() - (SERVER_ISN + 1);
            assertTrue(acknowledged <= serverSide.sent, "acknowledges what was never sent");
            serverSide.acknowledged = Math.max(serverSide.acknowledged, acknowledged);
        }
    }

    private void serverSends() {
        int from = serverSide.acknowledged + random.nextInt(Math.min(WINDOW, STREAM - serverSide.acknowledged) + 1);
        from = Math.min(from, serverSide.sent);
        int length = random.nextInt(Math.min(200, STREAM - from) + 1);
        // A server speaks when it has heard of the client.
        length = serverSide.next == 0 ? 0 : length;
        serverSide.sent = Math.max(serverSide.sent, from + length);
        PacketBuilder segment = server(PSH_ACK, SERVER_ISN + 1 + from, ISN + 1 + serverSide.next)
                .payload(Arrays.copyOfRange(response, from, from + length));
        Segment out = toTheClient(random.nextInt(number), segment);
        if (!isLost()) {
            clientSide.receive(out.sequence() - (told + 1), out.payload());
            int acknowledged = out.acknowledgement() - (ISN + 1);
            assertTrue(acknowledged <= clientSide.sent, "acknowledges what was never sent");
            clientSide.acknowledged = Math.max(clientSide.acknowledged, acknowledged);
        }
    }
}
