package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Transport;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** FTP by FULLNAT: the real server connects to a local address, and data connections that the client opens have one of their own. */
class FtpFullNatTest extends SegmentFixture {
    private static final int CONTROL_PORT = 4001;

    @BeforeEach
    void fullNat() {
        method = ForwardingMethod.FULLNAT;
    }

    @Override
    ForwardingSnapshot snapshot(int clientMtu, ForwardingMethod by) {
        RealServer server = new RealServer(0, IpAddress.parse(real), 0, by, 1);
        AddressKey key = new AddressKey(Protocol.TCP, IpAddress.parse(virtual), 21);
        return new ForwardingSnapshot.Builder(1)
                .routes(Harness.defaultRoutes(new NextHop(CLIENT_PORT_ID, ROUTER_MAC, Harness.DIRECTOR_MAC, clientMtu)))
                .add(
                        new VirtualService(0, key, SchedulerKind.RR, Set.of(), null, false, options(), List.of(server)),
                        null,
                        Harness.PARAMETERS)
                .nextHops(
                        0,
                        List.of(new NextHop(
                                REAL_PORT_ID, REAL_MAC, Harness.DIRECTOR_MAC, 1500, RealServer.VLAN_NONE, null)))
                .build();
    }

    private PacketBuilder fromClient(int port, int virtualPort, int flags, int sequence, int acknowledgement) {
        return packet(Transport.TCP, client, port, virtual, virtualPort)
                .macs(ROUTER_MAC, Harness.DIRECTOR_MAC)
                .tcpFlags(flags)
                .tcpNumbers(sequence, acknowledgement);
    }

    private PacketBuilder fromReal(
            int port, String toAddress, int toPort, int flags, int sequence, int acknowledgement) {
        return packet(Transport.TCP, real, port, toAddress, toPort)
                .macs(REAL_MAC, Harness.DIRECTOR_MAC)
                .tcpFlags(flags)
                .tcpNumbers(sequence, acknowledgement);
    }

    private void login(int worker, int replyWorker) {
        byte[] out = toReal(worker, fromClient(CONTROL_PORT, 21, Transport.SYN, 999, 0));
        learnLocal(out);
        toClient(replyWorker, fromReal(21, local, localPort, SYN_ACK, 4999, 1000));
        toReal(worker, fromClient(CONTROL_PORT, 21, Transport.ACK, 1000, 5000));
    }

    private static String text(Segment segment) {
        return new String(segment.payload(), StandardCharsets.ISO_8859_1);
    }

    @ParameterizedTest
    @CsvSource({"false, 1, PORT", "false, 2, PORT", "false, 1, EPRT", "true, 1, EPRT", "true, 2, EPRT"})
    void active(boolean inet6, int number, String command) {
        start(inet6, number);
        int other = number - 1;
        login(0, other);
        String control = local;
        int controlPort = localPort;
        String line = command.equals("PORT")
                ? "PORT 10,7,0,9,15,163\r\n"
                : "EPRT |" + (inet6 ? 2 : 1) + "|" + client + "|4003|\r\n";
        String announced = "";
        for (int i = 0; i < 2; i++) {
            Segment out = new Segment(toReal(
                            0, fromClient(CONTROL_PORT, 21, PSH_ACK, 1000, 5000).payload(SegmentHarness.ascii(line))))
                    .between(control, controlPort, real, 21);
            assertEquals(1000, out.sequence());
            assertTrue(announced.isEmpty() || announced.equals(text(out)), "the same when it comes again");
            announced = text(out);
        }
        String data;
        int dataPort;
        if (command.equals("PORT")) {
            Matcher port = Pattern.compile("PORT (.*),(\\d+),(\\d+)\r\n").matcher(announced);
            assertTrue(port.matches(), announced);
            data = port.group(1).replace(',', '.');
            dataPort = Integer.parseInt(port.group(2)) * 256 + Integer.parseInt(port.group(3));
        } else {
            String[] parts = announced.split("\\|", -1);
            data = IpAddress.parse(parts[2]).toString();
            dataPort = Integer.parseInt(parts[3]);
        }
        assertEquals(
                IpAddress.parse(control),
                IpAddress.parse(data),
                "servers refuse another than the control connection's");
        assertEquals(2, flows());
        // Numbers behind the line are those of the longer or shorter one.
        int grown = announced.length() - line.length();
        Segment reply = new Segment(toClient(
                other,
                fromReal(21, control, controlPort, PSH_ACK, 5000, 1000 + announced.length())
                        .payload(SegmentHarness.ascii("200 PORT command successful.\r\n"))));
        assertEquals(1000 + line.length(), reply.acknowledgement());
        Segment next = new Segment(toReal(
                0,
                fromClient(CONTROL_PORT, 21, PSH_ACK, 1000 + line.length(), 5030)
                        .payload(SegmentHarness.ascii("LIST\r\n"))));
        assertEquals(1000 + line.length() + grown, next.sequence());
        // The data connection, which the real server opens.
        new Segment(toClient(other, fromReal(20, data, dataPort, Transport.SYN, 1, 0)))
                .between(virtual, 20, client, 4003);
        new Segment(toReal(0, fromClient(4003, 20, SYN_ACK, 1, 2))).between(data, dataPort, real, 20);
        new Segment(toClient(other, fromReal(20, data, dataPort, PSH_ACK, 2, 2).payloadLength(100)))
                .between(virtual, 20, client, 4003);
        assertEquals(2, flows());
    }

    @ParameterizedTest
    @CsvSource({"false, 1", "true, 1", "false, 2", "true, 2"})
    void passive(boolean inet6, int number) {
        start(inet6, number);
        int other = number - 1;
        login(0, other);
        String line = inet6 ? "229 Entering Extended Passive Mode (|||50001|)\r\n" : "227 ok (192,0,2,11,195,81).\r\n";
        Segment reply = new Segment(toClient(
                other, fromReal(21, local, localPort, PSH_ACK, 5000, 1000).payload(SegmentHarness.ascii(line))));
        assertEquals(inet6 ? line : "227 ok (198,51,100,1,195,81).\r\n", text(reply));
        byte[] out = toReal(0, fromClient(4002, 50001, Transport.SYN, 1, 0));
        String control = local;
        learnLocal(out);
        assertEquals(control, local);
        new Segment(out).between(local, localPort, real, 50001);
        new Segment(toClient(other, fromReal(50001, local, localPort, SYN_ACK, 1, 2)))
                .between(virtual, 50001, client, 4002);
        new Segment(toReal(0, fromClient(4002, 50001, PSH_ACK, 2, 2).payloadLength(100)))
                .between(local, localPort, real, 50001);
        assertEquals(2, flows());
    }
}
