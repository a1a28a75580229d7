package dev.sluice.forward;

import static dev.sluice.bench.PacketBuilder.DESTINATION_OPTIONS;
import static dev.sluice.forward.GoldenFrames.CLIENT_SOURCE_PORT;
import static dev.sluice.forward.GoldenFrames.ID4;
import static dev.sluice.forward.GoldenFrames.cut;
import static dev.sluice.forward.GoldenFrames.hash;
import static dev.sluice.forward.GoldenFrames.link;
import static dev.sluice.forward.GoldenFrames.outer;
import static dev.sluice.forward.GoldenFrames.to;
import static dev.sluice.forward.GoldenSetup.CLIENT4;
import static dev.sluice.forward.GoldenSetup.CLIENT6;
import static dev.sluice.forward.GoldenSetup.DR;
import static dev.sluice.forward.GoldenSetup.TCP4;
import static dev.sluice.forward.GoldenSetup.TCP6;
import static dev.sluice.forward.GoldenSetup.UDP4;
import static dev.sluice.forward.GoldenSetup.UDP6;
import static dev.sluice.forward.GoldenSetup.VIP4;
import static dev.sluice.forward.GoldenSetup.VIP6;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.forward.GoldenCase.Verdict;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import java.util.ArrayList;
import java.util.List;

/** Golden cases of ICMP errors that routers send about what real servers answered. */
final class GoldenRelayed {
    private static final IpAddress ROUTER4 = IpAddress.parse("203.0.113.1");
    private static final IpAddress ROUTER6 = IpAddress.parse("2001:db8:9::1");

    /** Type, code and rest. */
    private static final int[][] ERRORS4 = {
        {3, 0, 0},
        {3, 1, 0},
        {3, 2, 0},
        {3, 3, 0},
        {3, 4, 1400},
        {3, 10, 0},
        {3, 13, 0},
        {4, 0, 0},
        {11, 0, 0},
        {11, 1, 0},
        {12, 0, 0x14000000}
    };

    private static final int[][] ERRORS6 = {
        {1, 0, 0}, {1, 1, 0}, {1, 3, 0}, {1, 4, 0}, {2, 0, 1300}, {3, 0, 0}, {3, 1, 0}, {4, 0, 40}, {4, 1, 6}
    };

    private GoldenRelayed() {}

    static List<GoldenCase> cases() {
        List<GoldenCase> cases = new ArrayList<>();
        for (int[] error : ERRORS4) {
            String what = "type " + error[0] + " code " + error[1];
            cases.add(
                    relayed(what + ", v4 TCP", DR, TCP4, error, cut(reply(TCP4).buildPacket(), 28)));
            cases.add(relayed(what + ", v4 UDP", DR, UDP4, error, reply(UDP4).buildPacket()));
        }
        for (int[] error : ERRORS6) {
            String what = "type " + error[0] + " code " + error[1];
            cases.add(relayed(what + ", v6 TCP", DR, TCP6, error, reply(TCP6).buildPacket()));
            cases.add(
                    relayed(what + ", v6 UDP", DR, UDP6, error, cut(reply(UDP6).buildPacket(), 48)));
        }
        int[] needed = {3, 4, 1400};
        int[] tooBig = {2, 0, 1400};
        for (boolean outer6 : new boolean[] {false, true}) {
            String outer = outer6 ? ", outer v6" : ", outer v4";
            for (Tunnel tunnel : List.of(
                    Tunnel.IPIP,
                    new Tunnel(TunnelType.GUE, 6080, Tunnel.Checksum.CSUM),
                    new Tunnel(TunnelType.GRE, 0, Tunnel.Checksum.CSUM))) {
                GoldenSetup setup = GoldenSetup.tunnel(tunnel, outer6);
                String what = tunnel.type().keyword() + outer;
                cases.add(
                        relayed(what + ", v4", setup, TCP4, needed, reply(TCP4).buildPacket()));
                cases.add(
                        relayed(what + ", v6", setup, TCP6, tooBig, reply(TCP6).buildPacket()));
            }
        }
        quotes(cases, needed, tooBig);
        withoutFlow(cases);
        return cases;
    }

    /** What a real server sent to the client. */
    private static PacketBuilder reply(int service) {
        PacketBuilder reply = switch (service) {
            case TCP4 -> PacketBuilder.tcp(VIP4, 80, CLIENT4, CLIENT_SOURCE_PORT);
            case UDP4 -> PacketBuilder.udp(VIP4, 53, CLIENT4, CLIENT_SOURCE_PORT);
            case TCP6 -> PacketBuilder.tcp(VIP6, 80, CLIENT6, CLIENT_SOURCE_PORT);
            default -> PacketBuilder.udp(VIP6, 53, CLIENT6, CLIENT_SOURCE_PORT);
        };
        return reply.ttl(57).payloadLength(100);
    }

    private static PacketBuilder error(int service, int[] error, byte[] quoted) {
        PacketBuilder packet = service < TCP6
                ? PacketBuilder.ethernet().ip(ROUTER4, VIP4)
                : PacketBuilder.ethernet().ip(ROUTER6, VIP6);
        return packet.icmp(error[0], error[1], error[2]).payload(quoted);
    }

    /** A flow, and the error about its reply, which goes to the same real server. */
    private static GoldenCase relayed(String name, GoldenSetup setup, int service, int[] error, byte[] quoted) {
        byte[] opening = to(service).build();
        byte[] packet = to(service).ttl(63).buildPacket();
        byte[] on = error(service, error, quoted).ttl(63).buildPacket();
        GoldenCase golden = new GoldenCase("relayed: " + name, setup).in(opening, Verdict.FORWARDED);
        if (setup.tunnel() == null) {
            golden.forwarded(link(to(service), service).ttl(63).build());
        } else if (setup.outer6()) {
            golden.forwarded(
                    outer(setup, service, packet, hash(opening)).ttl(63).build());
        } else {
            golden.forwarded(
                    ID4,
                    0,
                    id -> outer(setup, service, packet, hash(opening))
                            .ttl(63)
                            .identification(id)
                            .build());
        }
        golden.next(5).in(error(service, error, quoted).build(), Verdict.FORWARDED);
        if (setup.tunnel() == null) {
            golden.forwarded(
                    link(error(service, error, quoted), service).ttl(63).build());
        } else if (setup.outer6()) {
            golden.forwarded(outer(setup, service, on, hash(opening)).ttl(63).build());
        } else {
            golden.forwarded(
                    ID4,
                    1,
                    id -> outer(setup, service, on, hash(opening))
                            .ttl(63)
                            .identification(id)
                            .build());
        }
        return golden.count(Counter.ICMP_RELAYED);
    }

    private static void quotes(List<GoldenCase> cases, int[] needed, int[] tooBig) {
        byte[] alert = {(byte) 148, 4, 0, 0};
        cases.add(relayed(
                "IP options quoted",
                DR,
                TCP4,
                needed,
                reply(TCP4).ipOptions(alert).buildPacket()));
        byte[] most = new byte[40];
        cases.add(relayed(
                "40 octets of options quoted, and 8 more",
                DR,
                UDP4,
                needed,
                cut(reply(UDP4).ipOptions(most).buildPacket(), 68)));
        cases.add(relayed("only ports quoted", DR, UDP4, needed, cut(reply(UDP4).buildPacket(), 24)));
        cases.add(relayed(
                "first fragment quoted",
                DR,
                UDP4,
                needed,
                reply(UDP4).fragment(0, true).buildPacket()));
        cases.add(relayed(
                "a wrong sum quoted",
                DR,
                UDP4,
                needed,
                reply(UDP4).ipChecksum(1).buildPacket()));
        cases.add(relayed(
                "a longer length quoted",
                DR,
                UDP4,
                needed,
                reply(UDP4).ipLength(1500).buildPacket()));
        cases.add(relayed(
                "hop-by-hop options quoted",
                DR,
                TCP6,
                tooBig,
                reply(TCP6).extension(0, 16).buildPacket()));
        cases.add(relayed(
                "two extension headers quoted",
                DR,
                UDP6,
                tooBig,
                reply(UDP6)
                        .extension(DESTINATION_OPTIONS, 24)
                        .extension(PacketBuilder.ROUTING, 8)
                        .buildPacket()));
        cases.add(relayed(
                "first fragment quoted, v6",
                DR,
                UDP6,
                tooBig,
                reply(UDP6).fragmentHeader(0, true, 5).buildPacket()));
    }

    private static GoldenCase dropped(String name, int service, byte[] quoted) {
        int[] error = service < TCP6 ? new int[] {3, 1, 0} : new int[] {1, 0, 0};
        return dropped(name, service, error(service, error, quoted));
    }

    private static GoldenCase dropped(String name, int service, PacketBuilder error) {
        return new GoldenCase("relayed to nobody: " + name, DR)
                .in(to(service).build(), Verdict.FORWARDED)
                .forwarded(link(to(service), service).ttl(63).build())
                .next(5)
                .in(error.build(), Verdict.DROPPED)
                .count(Counter.ICMP_WITHOUT_FLOW);
    }

    private static void withoutFlow(List<GoldenCase> cases) {
        cases.add(dropped(
                "to another address than the quoted packet's source",
                UDP4,
                PacketBuilder.ethernet()
                        .ip(ROUTER4, IpAddress.parse("10.0.0.101"))
                        .icmp(3, 1, 0)
                        .payload(reply(UDP4).buildPacket())));
        cases.add(dropped(
                "to another address than the quoted packet's source, v6",
                UDP6,
                PacketBuilder.ethernet()
                        .ip(ROUTER6, IpAddress.parse("2001:db8::101"))
                        .icmp(1, 0, 0)
                        .payload(reply(UDP6).buildPacket())));
        cases.add(dropped("another port", UDP4, reply(UDP4).udp(53, 40_001).buildPacket()));
        cases.add(dropped("another port, v6", UDP6, reply(UDP6).udp(53, 40_001).buildPacket()));
        cases.add(dropped(
                "another service's port",
                UDP4,
                reply(UDP4).udp(54, CLIENT_SOURCE_PORT).buildPacket()));
        cases.add(dropped("from the client", UDP4, to(UDP4).buildPacket()));
        cases.add(dropped(
                "from another address than the error's destination",
                UDP4,
                reply(UDP4).ip(IpAddress.parse("10.0.0.101"), CLIENT4).buildPacket()));
        cases.add(
                dropped("a later fragment", UDP4, reply(UDP4).fragment(8, true).buildPacket()));
        cases.add(dropped(
                "a later fragment, v6",
                UDP6,
                reply(UDP6).fragmentHeader(8, true, 5).buildPacket()));
        cases.add(dropped("another protocol", UDP4, reply(UDP4).nextHeader(6).buildPacket()));
        cases.add(dropped(
                "an ICMP message",
                UDP4,
                PacketBuilder.ethernet().ip(VIP4, CLIENT4).icmp(0).buildPacket()));
        cases.add(dropped("cut in the IP header", UDP4, cut(reply(UDP4).buildPacket(), 19)));
        cases.add(dropped("cut before the ports", UDP4, cut(reply(UDP4).buildPacket(), 22)));
        cases.add(dropped("cut in the IP header, v6", UDP6, cut(reply(UDP6).buildPacket(), 39)));
        cases.add(dropped(
                "cut in an extension header",
                UDP6,
                cut(reply(UDP6).extension(0, 16).buildPacket(), 50)));
        cases.add(dropped("nothing", UDP4, new byte[0]));
        cases.add(dropped("an IPv6 packet in IPv4's error", UDP4, reply(UDP6).buildPacket()));
        cases.add(dropped(
                "options over the end", UDP4, cut(reply(UDP4).headerWords(15).buildPacket(), 28)));
    }
}
