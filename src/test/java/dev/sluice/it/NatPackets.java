package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.SctpChunk;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Sctp;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Packets made by hand, from a client that does not exist to rs1 and back, and ICMP errors about them from both sides: sent from
 * the hosts around the director, captured behind it, and compared by {@code src/test/scripts/nat-oracle}.
 */
final class NatPackets {
    private static final int CLIENT_PORT = 34_567;
    private static final int STUMP = 8;
    /** Of a datagram over IPv4, in a frame. */
    private static final int UDP_CHECKSUM = 14 + 20 + 6;

    private static final HexFormat HEX = HexFormat.of();

    private final LabFixture lab;
    private final String directorOut;
    private final String rs1;

    private record Case(String name, String frame, Endpoint was, Endpoint now) {}

    private record Endpoint(String address, int port) {}

    /** The flow of a protocol: client, VIP and its port, RIP and its port. */
    private record Flow(String name, int protocol, String client, Endpoint virtual, Endpoint real) {}

    /** @param network of the real servers: 51 with one arm, 52 with two */
    NatPackets(LabFixture lab, int network) {
        this.lab = lab;
        directorOut = "02:%d:00:00:00:02".formatted(network);
        rs1 = "02:%d:00:00:00:11".formatted(network);
        // Neither the kernel of rs1 nor the router's has anything to say to these clients.
        for (String host : List.of("rs1", "router")) {
            lab.exec(host, "ip", "route", "replace", "blackhole", "198.51.100.64/27")
                    .orFail();
            lab.exec(host, "ip", "-6", "route", "replace", "blackhole", "2001:db8:100::70/124")
                    .orFail();
        }
    }

    /** The commands that make the services that these packets are for. */
    String rules(int network) {
        StringBuilder rules = new StringBuilder();
        for (Flow flow : flows(network)) {
            String option = Map.of(PacketBuilder.TCP, "-t", PacketBuilder.UDP, "-u")
                    .getOrDefault(flow.protocol(), "--sctp-service");
            rules.append("-A %s %s -s rr\n".formatted(option, text(flow.virtual())));
            rules.append("-a %s %s -r %s -m\n".formatted(option, text(flow.virtual()), text(flow.real())));
        }
        return rules.toString();
    }

    private static String text(Endpoint endpoint) {
        return Topology.host(endpoint.address()) + ":" + endpoint.port();
    }

    private static List<Flow> flows(int network) {
        List<Flow> flows = new ArrayList<>();
        for (String vip : Topology.VIPS) {
            boolean inet6 = Topology.isInet6(vip);
            String client = inet6 ? "2001:db8:100::77" : "198.51.100.77";
            String rip = inet6 ? "fd00:%d::11".formatted(network) : "10.0.%d.11".formatted(network - 51);
            String version = inet6 ? "6" : "4";
            flows.add(new Flow(
                    "tcp" + version, PacketBuilder.TCP, client, new Endpoint(vip, 443), new Endpoint(rip, 8443)));
            flows.add(new Flow(
                    "udp" + version, PacketBuilder.UDP, client, new Endpoint(vip, 53), new Endpoint(rip, 5353)));
            flows.add(new Flow(
                    "sctp" + version, PacketBuilder.SCTP, client, new Endpoint(vip, 3868), new Endpoint(rip, 3869)));
        }
        return flows;
    }

    /** Sends everything, in both directions in turn. */
    void assertTranslated(int network) throws IOException {
        List<Flow> flows = flows(network);
        List<Case> cases = new ArrayList<>();
        flows.forEach(flow -> cases.add(request(flow, 0, 20)));
        assertTranslated("router", "eth2", "rs1", "eth1", cases);

        cases.clear();
        for (Flow flow : flows) {
            cases.add(reply(flow, 0, 33));
            cases.addAll(errorsAboutRequests(flow));
        }
        assertTranslated("rs1", "eth1", "router", "eth2", cases);

        cases.clear();
        for (Flow flow : flows) {
            cases.add(request(flow, 1, 1001));
            cases.addAll(errorsAboutReplies(flow));
        }
        // No checksum over IPv4; the director fills it in, as IPVS does.
        cases.add(withoutChecksum(request(flows.get(1), 2, 55)));
        assertTranslated("router", "eth2", "rs1", "eth1", cases);

        cases.clear();
        flows.forEach(flow -> cases.add(reply(flow, 1, 1400)));
        cases.add(withoutChecksum(reply(flows.get(1), 2, 54)));
        assertTranslated("rs1", "eth1", "router", "eth2", cases);
    }

    private static Case withoutChecksum(Case of) {
        String frame =
                of.frame().substring(0, 2 * UDP_CHECKSUM) + "0000" + of.frame().substring(2 * UDP_CHECKSUM + 4);
        return new Case(of.name() + " without checksum", frame, of.was(), of.now());
    }

    private Case request(Flow flow, int number, int length) {
        String frame =
                frame(transport(flow, new Endpoint(flow.client(), CLIENT_PORT), flow.virtual(), number, true, length)
                        .macs(mac("02:51:00:00:00:fe"), mac(Topology.DIRECTOR_MAC)));
        return new Case(flow.name() + " request " + number, frame, flow.virtual(), flow.real());
    }

    private Case reply(Flow flow, int number, int length) {
        String frame =
                frame(transport(flow, flow.real(), new Endpoint(flow.client(), CLIENT_PORT), number, false, length)
                        .macs(mac(rs1), mac(directorOut)));
        return new Case(flow.name() + " reply " + number, frame, flow.real(), flow.virtual());
    }

    /** From rs1 and from a router before it, addressed to the client, about requests as they came out of the director. */
    private List<Case> errorsAboutRequests(Flow flow) {
        byte[] quote = quote(flow, transport(flow, new Endpoint(flow.client(), CLIENT_PORT), flow.real(), 0, true, 20));
        String beforeRs1 = flow.real().address().replace("11", Topology.isInet6(flow.client()) ? "fd" : "253");
        List<Case> cases = new ArrayList<>();
        for (String sender : List.of(flow.real().address(), beforeRs1)) {
            for (PacketBuilder error : errors(sender, flow.client())) {
                String frame = frame(error.macs(mac(rs1), mac(directorOut)).payload(quote));
                cases.add(new Case(flow.name() + " error about a request", frame, flow.real(), flow.virtual()));
            }
        }
        return cases;
    }

    /** From the client and from a router before it, addressed to the VIP, about replies as they came out of the director. */
    private List<Case> errorsAboutReplies(Flow flow) {
        byte[] quote =
                quote(flow, transport(flow, flow.virtual(), new Endpoint(flow.client(), CLIENT_PORT), 0, false, 33));
        List<Case> cases = new ArrayList<>();
        for (String sender : List.of(flow.client(), flow.client().replace("77", "78"))) {
            for (PacketBuilder error : errors(sender, flow.virtual().address())) {
                String frame = frame(error.macs(mac("02:51:00:00:00:fe"), mac(Topology.DIRECTOR_MAC))
                        .payload(quote));
                cases.add(new Case(flow.name() + " error about a reply", frame, flow.virtual(), flow.real()));
            }
        }
        return cases;
    }

    /** SCTP's checksum goes over the whole packet and cannot be right in part: of SCTP eight octets are quoted. */
    private static byte[] quote(Flow flow, PacketBuilder quoted) {
        byte[] packet = quoted.ttl(57).buildPacket();
        int header = Topology.isInet6(flow.client()) ? 40 : 20;
        return flow.protocol() == PacketBuilder.SCTP ? Arrays.copyOf(packet, header + STUMP) : packet;
    }

    private static List<PacketBuilder> errors(String sender, String receiver) {
        int[][] kinds = Topology.isInet6(sender)
                ? new int[][] {{1, 0, 0}, {1, 4, 0}, {2, 0, 1400}, {3, 0, 0}, {4, 1, 6}}
                : new int[][] {{3, 1, 0}, {3, 3, 0}, {3, 4, 1400}, {11, 0, 0}};
        return Arrays.stream(kinds)
                .map(kind -> PacketBuilder.ethernet()
                        .ip(IpAddress.parse(sender), IpAddress.parse(receiver))
                        .ttl(60)
                        .icmp(kind[0], kind[1], kind[2]))
                .toList();
    }

    private static PacketBuilder transport(
            Flow flow, Endpoint source, Endpoint destination, int number, boolean request, int length) {
        PacketBuilder packet = PacketBuilder.ethernet()
                .ip(IpAddress.parse(source.address()), IpAddress.parse(destination.address()))
                .ttl(61);
        switch (flow.protocol()) {
            case PacketBuilder.TCP -> {
                int opening = PacketBuilder.TCP_SYN | (request ? 0 : PacketBuilder.TCP_ACK);
                packet.tcp(source.port(), destination.port())
                        .tcpFlags(number == 0 ? opening : PacketBuilder.TCP_ACK | PacketBuilder.TCP_PSH)
                        .tcpNumbers(1000 + number, request && number == 0 ? 0 : 2000)
                        .payloadLength(number == 0 ? 0 : length);
            }
            case PacketBuilder.UDP ->
                packet.udp(source.port(), destination.port()).payloadLength(length);
            default -> {
                int opening = request ? Sctp.INIT : Sctp.INIT_ACK;
                packet.sctp(source.port(), destination.port())
                        .tcpNumbers(request && number == 0 ? 0 : 0x1234, 0)
                        .payload(SctpChunk.bundle(SctpChunk.of(number == 0 ? opening : Sctp.DATA, length)));
            }
        }
        return packet;
    }

    private static String frame(PacketBuilder packet) {
        return HEX.formatHex(packet.build());
    }

    private static long mac(String text) {
        return Long.parseLong(text.replace(":", ""), 16);
    }

    /** All are forwarded in their order, and each as scapy says. */
    private void assertTranslated(
            String sender, String senderInterface, String receiver, String receiverInterface, List<Case> cases)
            throws IOException {
        Capture capture = Capture.start(
                lab,
                receiver,
                receiverInterface,
                "(ether src 02:51:00:00:00:02 or ether src 02:52:00:00:00:02)"
                        + " and (net 198.51.100.64/27 or net 2001:db8:100::70/124)");
        Path frames = lab.state().resolve("frames-" + System.nanoTime());
        Files.write(frames, cases.stream().map(Case::frame).toList());
        lab.exec(sender, "src/test/scripts/send-frames", senderInterface, frames.toString())
                .orFail();
        List<byte[]> out = capture.stop(cases.size());
        assertEquals(
                cases.size(),
                out.size(),
                () -> names(cases) + "\n" + Reading.of(lab).stats().outcomes());
        JsonMapper json = new JsonMapper();
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < cases.size(); i++) {
            Case sent = cases.get(i);
            lines.add(json.writeValueAsString(Map.of(
                    "name", sent.name(),
                    "in", sent.frame(),
                    "out", HEX.formatHex(out.get(i)),
                    "was", List.of(sent.was().address(), sent.was().port()),
                    "now", List.of(sent.now().address(), sent.now().port()))));
        }
        Path file = lab.state().resolve("nat-oracle-" + System.nanoTime());
        Files.write(file, lines);
        lab.exec(receiver, "src/test/scripts/nat-oracle", file.toString()).orFail();
    }

    private static List<String> names(List<Case> cases) {
        return cases.stream().map(Case::name).toList();
    }
}
