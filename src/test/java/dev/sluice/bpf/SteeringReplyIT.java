package dev.sluice.bpf;

import static dev.sluice.bpf.SteeringOutcome.DROP_NO_DIRECTOR;
import static dev.sluice.bpf.SteeringOutcome.PASS_MALFORMED;
import static dev.sluice.bpf.SteeringOutcome.PASS_NO_SERVICE;
import static dev.sluice.bpf.SteeringOutcome.PASS_NO_SOCKET;
import static dev.sluice.bpf.SteeringOutcome.PASS_OTHER_HOST;
import static dev.sluice.bpf.SteeringOutcome.PASS_PROTOCOL;
import static dev.sluice.bpf.SteeringOutcome.STEERED;
import static dev.sluice.bpf.SteeringOutcome.STEERED_REPLY;
import static dev.sluice.bpf.SteeringOutcome.STEERED_REPLY_FRAGMENT;
import static dev.sluice.bpf.SteeringOutcome.STEERED_REPLY_ICMP;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.PacketCases;
import dev.sluice.bench.PacketCases.PacketCase;
import dev.sluice.bench.ProgramRun;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.Protocol;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What real servers that are reached by translation send, and ICMP errors about what was sent to them. */
class SteeringReplyIT {
    private static final int ETHERNET_BYTES = 14;
    private static final int RPORT = 8080;
    private static final int CPORT = 40_000;

    private final VerdictLab lab = new VerdictLab();

    @AfterEach
    void close() {
        lab.close();
    }

    private static final Net INET =
            net("10.20.0.11", "10.20.0.12", "10.20.0.1", "198.51.100.7", "10.20.0.254", "10.20.0.2");
    private static final Net INET6 = net("fd00::11", "fd00::12", "fd00::1", "2001:db8:7::7", "fd00::fe", "fd00::2");
    private static final List<Net> NETS = List.of(INET, INET6);

    private static Net net(String rip, String other, String dip, String client, String router, String local) {
        return new Net(
                IpAddress.parse(rip),
                IpAddress.parse(other),
                IpAddress.parse(dip),
                IpAddress.parse(client),
                IpAddress.parse(router),
                IpAddress.parse(local));
    }

    /**
     * The addresses of one family.
     *
     * @param rip reached by translation
     * @param other another real server
     * @param dip the director's own
     * @param local given to connections of clients
     */
    private record Net(
            IpAddress rip, IpAddress other, IpAddress dip, IpAddress client, IpAddress router, IpAddress local) {
        boolean isInet() {
            return rip.family() == AddressFamily.INET;
        }

        @Override
        public String toString() {
            return rip.family().toString();
        }

        AddressKey real(Protocol protocol, int port) {
            return new AddressKey(protocol, rip, port);
        }

        /** An error that a router sends to the source of a packet. */
        byte[] error(IpAddress to, PacketBuilder about) {
            byte[] frame = about.build();
            return PacketBuilder.ethernet()
                    .ip(router, to)
                    .icmp(isInet() ? 3 : 1)
                    .payload(Arrays.copyOfRange(frame, ETHERNET_BYTES, frame.length))
                    .build();
        }
    }

    private static PacketBuilder packet(
            Protocol protocol, IpAddress source, int sourcePort, IpAddress destination, int destinationPort) {
        PacketBuilder packet = PacketBuilder.ethernet().ip(source, destination);
        return switch (protocol) {
            case TCP -> packet.tcp(sourcePort, destinationPort);
            case UDP -> packet.udp(sourcePort, destinationPort);
            case SCTP -> packet.sctp(sourcePort, destinationPort);
        };
    }

    private void expect(String name, PacketBuilder packet, SteeringOutcome outcome) {
        lab.expect(name, packet.build(), outcome);
    }

    @Test
    void whatARealServerSendsFromItsPort() {
        for (Net net : NETS) {
            for (Protocol protocol : Protocol.values()) {
                String name = net + " " + protocol;
                PacketBuilder reply = packet(protocol, net.rip(), RPORT, net.client(), CPORT);
                expect(name + " before", reply, PASS_NO_SERVICE);
                AddressKey real = net.real(protocol, RPORT);
                lab.maps.addRealServer(real);
                expect(name, reply, STEERED_REPLY);
                expect(
                        name + " from another port",
                        packet(protocol, net.rip(), RPORT + 1, net.client(), CPORT),
                        PASS_NO_SERVICE);
                expect(
                        name + " to that port",
                        packet(protocol, net.client(), CPORT, net.rip(), RPORT),
                        PASS_NO_SERVICE);
                expect(
                        name + " from another host",
                        packet(protocol, net.other(), RPORT, net.client(), CPORT),
                        PASS_NO_SERVICE);
                for (Protocol another : Protocol.values()) {
                    expect(
                            name + " not by " + another,
                            packet(another, net.rip(), RPORT, net.client(), CPORT),
                            another == protocol ? STEERED_REPLY : PASS_NO_SERVICE);
                }
                lab.maps.removeRealServer(real);
                expect(name + " after", reply, PASS_NO_SERVICE);
            }
        }
    }

    @Test
    void portZeroIsEveryPort() {
        for (Net net : NETS) {
            lab.maps.addRealServer(net.real(Protocol.UDP, 0));
            for (int port : new int[] {1, 53, 65_535}) {
                expect(net + " " + port, packet(Protocol.UDP, net.rip(), port, net.client(), CPORT), STEERED_REPLY);
            }
            expect(net + " tcp", packet(Protocol.TCP, net.rip(), 53, net.client(), CPORT), PASS_NO_SERVICE);
        }
    }

    @Test
    void whatIsSentToTheHostItselfPasses() {
        for (Net net : NETS) {
            lab.maps.addRealServer(net.real(Protocol.TCP, RPORT));
            PacketBuilder toHost = packet(Protocol.TCP, net.rip(), RPORT, net.dip(), CPORT);
            expect(net + " not its own yet", toHost, STEERED_REPLY);
            lab.maps.setOwnAddresses(Set.of(INET.dip(), INET6.dip()));
            expect(net + " its own", toHost, PASS_NO_SERVICE);
            expect(
                    net + " fragment",
                    packet(Protocol.TCP, net.rip(), RPORT, net.dip(), CPORT).raw(PacketBuilder.TCP),
                    PASS_MALFORMED);
            expect(net + " client", packet(Protocol.TCP, net.rip(), RPORT, net.client(), CPORT), STEERED_REPLY);
            lab.expect(
                    net + " error",
                    net.error(net.dip(), packet(Protocol.TCP, net.dip(), CPORT, net.rip(), RPORT)),
                    PASS_NO_SERVICE);
            lab.maps.setOwnAddresses(Set.of(net.client()));
            expect(net + " no longer its own", toHost, STEERED_REPLY);
            expect(net + " client's", packet(Protocol.TCP, net.rip(), RPORT, net.client(), CPORT), PASS_NO_SERVICE);
            lab.maps.setOwnAddresses(Set.of());
        }
    }

    @Test
    void whatIsForAServiceIsForItWhoeverSendsIt() {
        for (Net net : NETS) {
            AddressKey service = new AddressKey(Protocol.TCP, net.client(), CPORT);
            lab.maps.addRealServer(net.real(Protocol.TCP, RPORT));
            lab.maps.addService(service, 1);
            lab.maps.setOwnAddresses(Set.of(net.client()));
            expect(net.toString(), packet(Protocol.TCP, net.rip(), RPORT, net.client(), CPORT), STEERED);
            lab.maps.removeService(service);
            lab.maps.setOwnAddresses(Set.of());
        }
    }

    @Test
    void errorsAboutWhatWasSentToARealServer() {
        for (Net net : NETS) {
            for (Protocol protocol : Protocol.values()) {
                String name = net + " " + protocol;
                PacketBuilder sent = packet(protocol, net.client(), CPORT, net.rip(), RPORT);
                lab.expect(name + " before", net.error(net.client(), sent), PASS_NO_SERVICE);
                lab.maps.addRealServer(net.real(protocol, RPORT));
                lab.expect(name, net.error(net.client(), sent), STEERED_REPLY_ICMP);
                lab.expect(name + " sent elsewhere", net.error(net.other(), sent), PASS_NO_SERVICE);
                lab.expect(
                        name + " another port",
                        net.error(net.client(), packet(protocol, net.client(), CPORT, net.rip(), RPORT + 1)),
                        PASS_NO_SERVICE);
                lab.expect(
                        name + " from there",
                        net.error(net.rip(), packet(protocol, net.rip(), RPORT, net.client(), CPORT)),
                        PASS_NO_SERVICE);
                lab.maps.removeRealServer(net.real(protocol, RPORT));
            }
        }
    }

    @Test
    void fragmentsByAddressAndProtocol() {
        for (Net net : NETS) {
            AddressKey one = net.real(Protocol.UDP, RPORT);
            AddressKey two = net.real(Protocol.UDP, RPORT + 1);
            lab.maps.addRealServer(one);
            lab.maps.addRealServer(two);
            for (int offset : new int[] {0, 1448}) {
                expect(
                        net + " at " + offset,
                        fragment(net, net.client(), PacketBuilder.UDP, offset),
                        STEERED_REPLY_FRAGMENT);
                expect(net + " tcp", fragment(net, net.client(), PacketBuilder.TCP, offset), PASS_NO_SERVICE);
                expect(
                        net + " icmp",
                        fragment(net, net.client(), net.isInet() ? PacketBuilder.ICMP : PacketBuilder.ICMPV6, offset),
                        PASS_PROTOCOL);
            }
            lab.maps.setOwnAddresses(Set.of(net.client()));
            expect(net + " own", fragment(net, net.client(), PacketBuilder.UDP, 1448), PASS_NO_SERVICE);
            lab.maps.setOwnAddresses(Set.of());
            PacketBuilder quoted =
                    PacketBuilder.ethernet().ip(net.client(), net.rip()).raw(PacketBuilder.UDP);
            lab.expect(
                    net + " quoted",
                    net.error(net.client(), fragmented(net, quoted.payloadLength(8), 1448)),
                    STEERED_REPLY_ICMP);
            lab.maps.removeRealServer(one);
            expect(net + " of the other", fragment(net, net.client(), PacketBuilder.UDP, 1448), STEERED_REPLY_FRAGMENT);
            lab.maps.removeRealServer(two);
            expect(net + " of none", fragment(net, net.client(), PacketBuilder.UDP, 1448), PASS_NO_SERVICE);
        }
    }

    private static PacketBuilder fragment(Net net, IpAddress to, int protocol, int offset) {
        return fragmented(
                net, PacketBuilder.ethernet().ip(net.rip(), to).raw(protocol).payloadLength(16), offset);
    }

    /** An error about a fragment that the director sent from a local address to a real server. */
    private static byte[] aboutFragmentToPeer(Net net) {
        PacketBuilder sent = PacketBuilder.ethernet()
                .ip(net.local(), net.rip())
                .raw(PacketBuilder.UDP)
                .payloadLength(8);
        return net.error(net.local(), fragmented(net, sent, 1448));
    }

    private static PacketBuilder fragmented(Net net, PacketBuilder packet, int offset) {
        return net.isInet() ? packet.fragment(offset, true) : packet.fragmentHeader(offset, true, 7);
    }

    @Test
    void ipsecOfWhoAnswersIke() {
        for (Net net : NETS) {
            PacketBuilder esp = PacketBuilder.ethernet()
                    .ip(net.rip(), net.client())
                    .raw(PacketBuilder.ESP)
                    .payloadLength(8);
            lab.maps.addRealServer(net.real(Protocol.UDP, RPORT));
            expect(net + " no IKE", esp, PASS_NO_SERVICE);
            lab.maps.addRealServer(net.real(Protocol.UDP, 4500));
            expect(net + " IKE", esp, STEERED_REPLY);
        }
    }

    @Test
    void behindOptionsExtensionHeadersAndTags() {
        for (Net net : NETS) {
            lab.maps.addRealServer(net.real(Protocol.TCP, RPORT));
            PacketBuilder reply = packet(Protocol.TCP, net.rip(), RPORT, net.client(), CPORT);
            PacketBuilder sent = packet(Protocol.TCP, net.client(), CPORT, net.rip(), RPORT);
            if (net.isInet()) {
                reply.ipOptions(new byte[8]);
                sent.ipOptions(new byte[40]);
            } else {
                reply.extension(PacketBuilder.HOP_BY_HOP, 8).extension(PacketBuilder.DESTINATION_OPTIONS, 24);
                sent.extension(PacketBuilder.ROUTING, 24);
            }
            expect(net + " behind more", reply, STEERED_REPLY);
            expect(
                    net + " in tags",
                    reply.tag(PacketBuilder.ETHERTYPE_8021AD, 7).tag(PacketBuilder.ETHERTYPE_8021Q, 9),
                    STEERED_REPLY);
            lab.expect(net + " quoted", net.error(net.client(), sent), STEERED_REPLY_ICMP);
        }
    }

    @Test
    void localAddressesByTheirPorts() {
        for (Net net : NETS) {
            lab.maps.putLocalAddress(net.local(), 1024, 2047);
            // As on most directors: the address is the host's as well.
            lab.maps.setOwnAddresses(Set.of(net.local()));
            for (Protocol protocol : Protocol.values()) {
                for (int port : new int[] {1023, 1024, 1500, 2047, 2048}) {
                    boolean given = port >= 1024 && port <= 2047;
                    String name = net + " " + protocol + " " + port;
                    expect(
                            name,
                            packet(protocol, net.other(), RPORT, net.local(), port),
                            given ? STEERED_REPLY : PASS_NO_SERVICE);
                    lab.expect(
                            name + " quoted",
                            net.error(net.local(), packet(protocol, net.local(), port, net.other(), RPORT)),
                            given ? STEERED_REPLY_ICMP : PASS_NO_SERVICE);
                }
            }
            expect(
                    net + " another address",
                    packet(Protocol.TCP, net.other(), RPORT, net.dip(), 1500),
                    PASS_NO_SERVICE);
            expect(net + " fragment", fragment(net, net.local(), PacketBuilder.UDP, 8), PASS_NO_SERVICE);
            lab.maps.addRealServer(net.real(Protocol.UDP, RPORT));
            expect(net + " fragment by NAT", fragment(net, net.local(), PacketBuilder.UDP, 8), PASS_NO_SERVICE);
            lab.maps.addPeer(net.real(Protocol.UDP, 0));
            expect(
                    net + " fragment of a peer",
                    fragment(net, net.local(), PacketBuilder.UDP, 8),
                    STEERED_REPLY_FRAGMENT);
            expect(net + " another protocol's", fragment(net, net.local(), PacketBuilder.TCP, 8), PASS_NO_SERVICE);
            lab.maps.removeRealServer(net.real(Protocol.UDP, RPORT));
            expect(
                    net + " fragment of a peer alone",
                    fragment(net, net.local(), PacketBuilder.UDP, 8),
                    STEERED_REPLY_FRAGMENT);
            lab.expect(net + " quoted fragment", aboutFragmentToPeer(net), STEERED_REPLY_ICMP);
            expect(net + " to another", fragment(net, net.client(), PacketBuilder.UDP, 8), PASS_NO_SERVICE);
            lab.maps.removePeer(net.real(Protocol.UDP, 0));
            expect(net + " no peer", fragment(net, net.local(), PacketBuilder.UDP, 8), PASS_NO_SERVICE);
            lab.expect(net + " quoted fragment, no peer", aboutFragmentToPeer(net), PASS_NO_SERVICE);
            lab.maps.putLocalAddress(net.local(), 2048, 2048);
            expect(net + " range left", packet(Protocol.TCP, net.other(), 1, net.local(), 2047), PASS_NO_SERVICE);
            expect(net + " range now", packet(Protocol.TCP, net.other(), 1, net.local(), 2048), STEERED_REPLY);
            lab.maps.removeLocalAddress(net.local());
            expect(net + " removed", packet(Protocol.TCP, net.other(), 1, net.local(), 2048), PASS_NO_SERVICE);
            expect(net + " nothing left", fragment(net, net.client(), PacketBuilder.UDP, 8), PASS_NO_SERVICE);
        }
        assertThrows(IllegalArgumentException.class, () -> lab.maps.putLocalAddress(INET.local(), 0, 9));
        assertThrows(IllegalArgumentException.class, () -> lab.maps.putLocalAddress(INET.local(), 9, 8));
    }

    @Test
    void theInterfaceAndTheDirectorDecideAsForAnyPacket() {
        lab.maps.addRealServer(INET.real(Protocol.TCP, RPORT));
        PacketBuilder reply = packet(Protocol.TCP, INET.rip(), RPORT, INET.client(), CPORT);
        lab.nic().setStationAddress(PacketBuilder.DEFAULT_SOURCE_MAC);
        expect("another station's", reply, PASS_OTHER_HOST);
        lab.nic().setStationAddress(PacketBuilder.DEFAULT_DESTINATION_MAC);
        expect("its own", reply, STEERED_REPLY);
        lab.takeSocket();
        expect("no director", reply, DROP_NO_DIRECTOR);
        lab.nic().setWithoutDirector(InterfaceMaps.WithoutDirector.PASS);
        expect("passed", reply, PASS_NO_SOCKET);
        lab.giveSocket();
        expect("director", reply, STEERED_REPLY);
    }

    @Test
    void everyCaseOfTheTableStaysWhatItIs() {
        PacketCases.SERVICES.forEach(service -> lab.maps.addService(service, 7));
        for (Net net : NETS) {
            lab.maps.addRealServer(net.real(Protocol.TCP, 0));
            lab.maps.addRealServer(net.real(Protocol.UDP, 0));
            lab.maps.putLocalAddress(net.local(), 1, 65_535);
        }
        for (PacketCase packet : PacketCases.all()) {
            int length = packet.frame().length;
            if (length >= ETHERNET_BYTES && length <= ProgramRun.MAX_FRAME_BYTES) {
                lab.expect(packet.name(), packet.frame(), packet.outcome());
            }
        }
    }

    @Test
    void familiesAreKeptApart() {
        // The same sixteen bytes: IPv4's address in the last four.
        IpAddress mapped = IpAddress.parse("::10.20.0.11");
        assertEquals(AddressFamily.INET6, mapped.family());
        lab.maps.addRealServer(new AddressKey(Protocol.TCP, mapped, RPORT));
        expect("inet", packet(Protocol.TCP, INET.rip(), RPORT, INET.client(), CPORT), PASS_NO_SERVICE);
        assertEquals(List.of(new AddressKey(Protocol.TCP, mapped, RPORT)), List.copyOf(lab.maps.realServers()));
    }
}
