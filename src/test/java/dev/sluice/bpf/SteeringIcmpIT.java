package dev.sluice.bpf;

import static dev.sluice.bpf.SteeringOutcome.DROP_NO_DIRECTOR;
import static dev.sluice.bpf.SteeringOutcome.PASS_MALFORMED;
import static dev.sluice.bpf.SteeringOutcome.PASS_NO_SERVICE;
import static dev.sluice.bpf.SteeringOutcome.PASS_NO_SOCKET;
import static dev.sluice.bpf.SteeringOutcome.PASS_OTHER_HOST;
import static dev.sluice.bpf.SteeringOutcome.PASS_PROTOCOL;
import static dev.sluice.bpf.SteeringOutcome.STEERED_ECHO;
import static dev.sluice.bpf.SteeringOutcome.STEERED_ICMP;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.PacketCases;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Protocol;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** ICMP errors by what they quote, and echo requests to a VIP. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SteeringIcmpIT {
    private static final int ECHO4 = 8;
    private static final int ECHO6 = 128;
    private static final int ETHERNET_BYTES = 14;
    private static final IpAddress ROUTER4 = IpAddress.parse("10.8.0.1");
    private static final IpAddress ROUTER6 = IpAddress.parse("2001:db8:8::1");

    private final VerdictLab lab = new VerdictLab();

    SteeringIcmpIT() {
        PacketCases.SERVICES.forEach(service -> lab.maps.addService(service, 7));
    }

    @AfterAll
    void close() {
        lab.close();
    }

    @AfterEach
    void asAtFirst() {
        lab.nic().setAnswersEcho(false);
        lab.maps.setFwmarkRules(List.of());
    }

    private static IpAddress client(IpAddress vip) {
        return vip.family() == AddressFamily.INET ? PacketCases.CLIENT4 : PacketCases.CLIENT6;
    }

    private static IpAddress router(IpAddress vip) {
        return vip.family() == AddressFamily.INET ? ROUTER4 : ROUTER6;
    }

    private static Set<Integer> errors(IpAddress vip) {
        return vip.family() == AddressFamily.INET ? Set.of(3, 4, 11) : Set.of(1, 2, 3, 4);
    }

    private static int error(IpAddress vip) {
        return vip.family() == AddressFamily.INET ? 3 : 1;
    }

    /** What a real server answered from the VIP. */
    private static PacketBuilder answer(Protocol protocol, IpAddress vip, int port) {
        PacketBuilder packet = PacketBuilder.ethernet().ip(vip, client(vip));
        return switch (protocol) {
            case TCP -> packet.tcp(port, 40000);
            case UDP -> packet.udp(port, 40000);
            case SCTP -> packet.sctp(port, 40000);
        };
    }

    /** The IP packet in a frame, cut after so many bytes. */
    private static byte[] quote(PacketBuilder packet, int maxBytes) {
        byte[] frame = packet.build();
        return Arrays.copyOfRange(frame, ETHERNET_BYTES, Math.min(frame.length, ETHERNET_BYTES + maxBytes));
    }

    private static PacketBuilder icmp(IpAddress to, int type, byte[] quoted) {
        return PacketBuilder.ethernet().ip(router(to), to).icmp(type).payload(quoted);
    }

    /** An error to the VIP that quotes all of a packet. */
    private static byte[] about(IpAddress vip, PacketBuilder packet) {
        return icmp(vip, error(vip), quote(packet, 1000)).build();
    }

    @Test
    void everyTypeOfErrorAndNoOther() {
        for (IpAddress vip : List.of(PacketCases.VIP4, PacketCases.VIP6)) {
            byte[] quoted = quote(answer(Protocol.TCP, vip, 80), 1000);
            int echo = vip.family() == AddressFamily.INET ? ECHO4 : ECHO6;
            for (int type = 0; type < 256; type++) {
                boolean steered = errors(vip).contains(type);
                lab.expect(
                        vip + " type " + type, icmp(vip, type, quoted).build(), steered ? STEERED_ICMP : PASS_PROTOCOL);
            }
            lab.nic().setAnswersEcho(true);
            for (int type = 0; type < 256; type++) {
                boolean steered = errors(vip).contains(type);
                SteeringOutcome other = type == echo ? STEERED_ECHO : PASS_PROTOCOL;
                lab.expect(vip + " type " + type, icmp(vip, type, quoted).build(), steered ? STEERED_ICMP : other);
            }
            lab.nic().setAnswersEcho(false);
        }
    }

    @Test
    void theQuotedSourceMustBeAServicesAddressAndPort() {
        for (AddressKey key : PacketCases.SERVICES) {
            IpAddress vip = key.address();
            int port = key.port() == 0 ? 12345 : key.port();
            lab.expect(key.toString(), about(vip, answer(key.protocol(), vip, port)), STEERED_ICMP);
            lab.expect(
                    key + ", another port",
                    about(vip, answer(key.protocol(), vip, port + 1)),
                    key.port() == 0 ? STEERED_ICMP : PASS_NO_SERVICE);
            lab.expect(
                    key + ", sent by the client",
                    about(
                            vip,
                            PacketBuilder.ethernet()
                                    .ip(client(vip), vip)
                                    .raw(key.protocol().number())
                                    .payload((byte) (port >> 8), (byte) port, (byte) (port >> 8), (byte) port, (byte)
                                            0)),
                    PASS_NO_SERVICE);
            IpAddress other = vip.family() == AddressFamily.INET ? PacketCases.OTHER4 : PacketCases.OTHER6;
            lab.expect(key + ", another address", about(other, answer(key.protocol(), other, port)), PASS_NO_SERVICE);
            lab.expect(
                    key + ", sent elsewhere",
                    icmp(other, error(vip), quote(answer(key.protocol(), vip, port), 1000))
                            .build(),
                    PASS_NO_SERVICE);
        }
    }

    @Test
    void quotedOptionsAndExtensionHeaders() {
        PacketBuilder options = answer(Protocol.UDP, PacketCases.VIP4, 53).ipOptions(new byte[40]);
        lab.expect("options", about(PacketCases.VIP4, options), STEERED_ICMP);
        PacketBuilder chain = answer(Protocol.UDP, PacketCases.VIP6, 53);
        for (int headers = 1; headers <= PacketCases.MAX_EXTENSION_HEADERS; headers++) {
            chain.extension(headers == 1 ? PacketBuilder.AUTHENTICATION : PacketBuilder.DESTINATION_OPTIONS, 16);
            lab.expect(headers + " headers", about(PacketCases.VIP6, chain), STEERED_ICMP);
        }
        chain.extension(PacketBuilder.ROUTING, 8);
        lab.expect("one header too many", about(PacketCases.VIP6, chain), PASS_MALFORMED);
    }

    @Test
    void errorsBehindOptionsExtensionHeadersAndTags() {
        for (IpAddress vip : List.of(PacketCases.VIP4, PacketCases.VIP6)) {
            byte[] quoted = quote(answer(Protocol.TCP, vip, 80), 1000);
            PacketBuilder packet = icmp(vip, error(vip), quoted);
            if (vip.family() == AddressFamily.INET) {
                packet.ipOptions(new byte[8]);
            } else {
                packet.extension(PacketBuilder.HOP_BY_HOP, 8).extension(PacketBuilder.DESTINATION_OPTIONS, 24);
            }
            lab.expect(vip + " behind more", packet.build(), STEERED_ICMP);
            packet.tag(PacketBuilder.ETHERTYPE_8021AD, 7).tag(PacketBuilder.ETHERTYPE_8021Q, 9);
            lab.expect(vip + " in tags", packet.build(), STEERED_ICMP);
        }
        // A fragment of an error may lack what it quotes.
        for (int offset : new int[] {0, 8}) {
            byte[] quoted = quote(answer(Protocol.TCP, PacketCases.VIP4, 80), 1000);
            lab.expect(
                    "fragment at " + offset,
                    icmp(PacketCases.VIP4, 3, quoted).fragment(offset, true).build(),
                    PASS_PROTOCOL);
            byte[] quoted6 = quote(answer(Protocol.TCP, PacketCases.VIP6, 80), 1000);
            lab.expect(
                    "fragment6 at " + offset,
                    icmp(PacketCases.VIP6, 1, quoted6)
                            .fragmentHeader(offset, true, 3)
                            .build(),
                    PASS_PROTOCOL);
        }
    }

    @Test
    void quotedFragments() {
        PacketBuilder first4 = answer(Protocol.UDP, PacketCases.VIP4, 53).fragment(0, true);
        lab.expect("first", about(PacketCases.VIP4, first4), STEERED_ICMP);
        PacketBuilder strange4 = answer(Protocol.UDP, PacketCases.VIP4, 54).fragment(0, true);
        lab.expect("first, another port", about(PacketCases.VIP4, strange4), PASS_NO_SERVICE);
        for (boolean more : new boolean[] {true, false}) {
            PacketBuilder later = PacketBuilder.ethernet()
                    .ip(PacketCases.VIP4, PacketCases.CLIENT4)
                    .fragment(1480, more)
                    .payloadLength(8);
            lab.expect("later", about(PacketCases.VIP4, later.raw(PacketBuilder.UDP)), STEERED_ICMP);
            lab.expect("later, icmp", about(PacketCases.VIP4, later.raw(PacketBuilder.ICMP)), PASS_PROTOCOL);
            PacketBuilder other = PacketBuilder.ethernet()
                    .ip(PacketCases.ALL_PORTS4, PacketCases.CLIENT4)
                    .fragment(1480, more)
                    .payloadLength(8);
            lab.expect("later, tcp", about(PacketCases.ALL_PORTS4, other.raw(PacketBuilder.TCP)), STEERED_ICMP);
            lab.expect("later, no udp", about(PacketCases.ALL_PORTS4, other.raw(PacketBuilder.UDP)), PASS_NO_SERVICE);
            PacketBuilder later6 = PacketBuilder.ethernet()
                    .ip(PacketCases.VIP6, PacketCases.CLIENT6)
                    .extension(PacketBuilder.ROUTING, 24)
                    .fragmentHeader(1448, more, 4)
                    .payloadLength(8);
            lab.expect("later6", about(PacketCases.VIP6, later6.raw(PacketBuilder.UDP)), STEERED_ICMP);
            lab.expect(
                    "later6, hidden", about(PacketCases.VIP6, later6.raw(PacketBuilder.AUTHENTICATION)), PASS_PROTOCOL);
        }
        PacketBuilder first6 = answer(Protocol.UDP, PacketCases.VIP6, 53).fragmentHeader(0, true, 4);
        lab.expect("first6", about(PacketCases.VIP6, first6), STEERED_ICMP);
        PacketBuilder strange6 = answer(Protocol.UDP, PacketCases.VIP6, 54).fragmentHeader(0, true, 4);
        lab.expect("first6, another port", about(PacketCases.VIP6, strange6), PASS_NO_SERVICE);
    }

    @Test
    void quotedIpsec() {
        for (IpAddress vip : List.of(PacketCases.IKE4, PacketCases.IKE6, PacketCases.ALL_PORTS6)) {
            PacketBuilder esp = PacketBuilder.ethernet()
                    .ip(vip, client(vip))
                    .raw(PacketBuilder.ESP)
                    .payloadLength(8);
            lab.expect("esp " + vip, about(vip, esp), STEERED_ICMP);
        }
        PacketBuilder ah = PacketBuilder.ethernet()
                .ip(PacketCases.IKE4, PacketCases.CLIENT4)
                .raw(PacketBuilder.AUTHENTICATION)
                .payloadLength(12);
        lab.expect("ah", about(PacketCases.IKE4, ah), STEERED_ICMP);
        PacketBuilder other = PacketBuilder.ethernet()
                .ip(PacketCases.VIP4, PacketCases.CLIENT4)
                .raw(PacketBuilder.ESP)
                .payloadLength(8);
        lab.expect("esp without IKE", about(PacketCases.VIP4, other), PASS_NO_SERVICE);
    }

    @Test
    void quotesThatAreCutOrBroken() {
        for (IpAddress vip : List.of(PacketCases.VIP4, PacketCases.VIP6)) {
            int needed = (vip.family() == AddressFamily.INET ? 20 : 40) + 4;
            for (int length = 0; length <= needed + 4; length++) {
                byte[] cut = quote(answer(Protocol.TCP, vip, 80), length);
                lab.expect(
                        vip + " quoted to byte " + length,
                        icmp(vip, error(vip), cut).build(),
                        length < needed ? PASS_MALFORMED : STEERED_ICMP);
                // What is behind the IP packet's end is padding, however well it would fit.
                byte[] whole = quote(answer(Protocol.TCP, vip, 80), 1000);
                int ipBytes = (vip.family() == AddressFamily.INET ? 20 : 0) + 8 + length;
                lab.expect(
                        vip + " ends with byte " + length,
                        icmp(vip, error(vip), whole).ipLength(ipBytes).build(),
                        length < needed ? PASS_MALFORMED : STEERED_ICMP);
            }
            for (int version = 0; version < 16; version++) {
                if (version != (vip.family() == AddressFamily.INET ? 4 : 6)) {
                    PacketBuilder wrong = answer(Protocol.TCP, vip, 80).ipVersion(version);
                    lab.expect(vip + " version " + version, about(vip, wrong), PASS_MALFORMED);
                }
            }
            PacketBuilder icmp = PacketBuilder.ethernet()
                    .ip(router(vip), vip)
                    .raw(vip.family() == AddressFamily.INET ? PacketBuilder.ICMP : PacketBuilder.ICMPV6);
            lab.expect(
                    "seven bytes",
                    icmp.payload(new byte[] {(byte) error(vip), 0, 0, 0, 0, 0, 0})
                            .build(),
                    PASS_MALFORMED);
        }
        for (int words = 0; words < 5; words++) {
            PacketBuilder wrong = answer(Protocol.TCP, PacketCases.VIP4, 80).headerWords(words);
            lab.expect("header of " + words, about(PacketCases.VIP4, wrong), PASS_MALFORMED);
        }
        lab.expect(
                "header beyond the end",
                about(
                        PacketCases.VIP4,
                        answer(Protocol.UDP, PacketCases.VIP4, 53).headerWords(15)),
                PASS_MALFORMED);
    }

    @Test
    void quotesOfAMarkedServiceMatchTheRuleTurnedRound() {
        IpAddress vip = IpAddress.parse("10.6.0.9");
        IpPrefix clients = IpPrefix.parse("10.0.0.0/24");
        lab.maps.setFwmarkRules(
                List.of(new FwmarkRule(1, Protocol.TCP, IpPrefix.parse("10.6.0.8/30"), 80, 90, clients)));
        lab.expect("of the service", about(vip, answer(Protocol.TCP, vip, 85)), STEERED_ICMP);
        lab.expect("of another port", about(vip, answer(Protocol.TCP, vip, 91)), PASS_NO_SERVICE);
        lab.expect("of udp", about(vip, answer(Protocol.UDP, vip, 85)), PASS_NO_SERVICE);
        PacketBuilder elsewhere = PacketBuilder.tcp(vip, 85, IpAddress.parse("10.0.1.1"), 85);
        lab.expect("to another client", about(vip, elsewhere), PASS_NO_SERVICE);
        lab.nic().setAnswersEcho(true);
        lab.expect(
                "echo",
                PacketBuilder.ethernet()
                        .ip(PacketCases.CLIENT4, vip)
                        .icmp(ECHO4)
                        .build(),
                PASS_NO_SERVICE);
    }

    @Test
    void echoToAddressesThatHaveAService() {
        for (AddressKey key : PacketCases.SERVICES) {
            IpAddress vip = key.address();
            PacketBuilder echo = PacketBuilder.ethernet()
                    .ip(client(vip), vip)
                    .icmp(vip.family() == AddressFamily.INET ? ECHO4 : ECHO6)
                    .payloadLength(56);
            lab.expect("not the director's", echo.build(), PASS_PROTOCOL);
            lab.nic().setAnswersEcho(true);
            lab.expect("echo " + vip, echo.build(), STEERED_ECHO);
            lab.expect("no data", echo.payload().build(), STEERED_ECHO);
            lab.nic().setAnswersEcho(false);
        }
        lab.nic().setAnswersEcho(true);
        IpAddress sctpOnly = IpAddress.parse("10.3.0.7");
        byte[] echo = PacketBuilder.ethernet()
                .ip(PacketCases.CLIENT4, sctpOnly)
                .icmp(ECHO4)
                .build();
        lab.expect("no service", echo, PASS_NO_SERVICE);
        AddressKey sctp = new AddressKey(Protocol.SCTP, sctpOnly, 1);
        lab.maps.addService(sctp, 1);
        lab.expect("sctp alone", echo, STEERED_ECHO);
        lab.maps.removeService(sctp);
        lab.expect("service gone", echo, PASS_NO_SERVICE);
        lab.expect(
                "fragment",
                PacketBuilder.ethernet()
                        .ip(PacketCases.CLIENT4, PacketCases.VIP4)
                        .icmp(ECHO4)
                        .fragment(0, true)
                        .payloadLength(64)
                        .build(),
                PASS_PROTOCOL);
    }

    @Test
    void theInterfaceAndTheDirectorDecideAsForAnyPacket() {
        byte[] error = about(PacketCases.VIP4, answer(Protocol.TCP, PacketCases.VIP4, 80));
        byte[] echo = PacketBuilder.ethernet()
                .ip(PacketCases.CLIENT6, PacketCases.VIP6)
                .icmp(ECHO6)
                .build();
        InterfaceMaps own = lab.nic();
        own.setAnswersEcho(true);
        own.setStationAddress(PacketBuilder.DEFAULT_SOURCE_MAC);
        lab.expect("error, other host", error, PASS_OTHER_HOST);
        lab.expect("echo, other host", echo, PASS_OTHER_HOST);
        own.setStationAddress(0);
        lab.takeSocket();
        try {
            lab.expect("error, no director", error, DROP_NO_DIRECTOR);
            lab.expect("echo, no director", echo, DROP_NO_DIRECTOR);
            own.setWithoutDirector(InterfaceMaps.WithoutDirector.PASS);
            lab.expect("error passed", error, PASS_NO_SOCKET);
            lab.expect("echo passed", echo, PASS_NO_SOCKET);
        } finally {
            own.setWithoutDirector(InterfaceMaps.WithoutDirector.DROP);
            lab.giveSocket();
        }
        assertEquals(STEERED_ICMP, lab.run("error again", error));
        assertEquals(STEERED_ECHO, lab.run("echo again", echo));
    }
}
