package dev.sluice.forward;

import static dev.sluice.bench.PacketBuilder.ETHERTYPE_8021AD;
import static dev.sluice.bench.PacketBuilder.ETHERTYPE_8021Q;
import static dev.sluice.forward.GoldenFrames.ID4;
import static dev.sluice.forward.GoldenFrames.back;
import static dev.sluice.forward.GoldenFrames.cut;
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
import dev.sluice.service.RealServer;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Golden cases of ICMP errors and echo replies that the director sends. */
final class GoldenIcmp {
    /** RFC 1812 section 4.3.2.3: 576 octets; what is left of them behind both headers. */
    private static final int QUOTE4 = 576 - 20 - 8;
    /** RFC 4443 section 2.4 (c): 1280 octets. */
    private static final int QUOTE6 = 1280 - 40 - 8;

    private GoldenIcmp() {}

    static List<GoldenCase> cases() {
        List<GoldenCase> cases = new ArrayList<>();
        tooBig(cases);
        timeExceeded(cases);
        tagsAndFrames(cases);
        notAnswered(cases);
        rate(cases);
        echo(cases);
        return cases;
    }

    /** An error from the VIP to the client, of RFC 1812's precedence. */
    private static PacketBuilder error4(int type, int code, int rest, byte[] quoted) {
        return back(PacketBuilder.ethernet().ip(VIP4, CLIENT4))
                .trafficClass(0xc0)
                .icmp(type, code, rest)
                .payload(cut(quoted, QUOTE4));
    }

    private static PacketBuilder error6(int type, int code, int rest, byte[] quoted) {
        return back(PacketBuilder.ethernet().ip(VIP6, CLIENT6))
                .icmp(type, code, rest)
                .payload(cut(quoted, QUOTE6));
    }

    /** What does not fit, and the MTU told; a router need not undo the lower TTL in what it quotes. */
    private static GoldenCase tooBig(
            String name, GoldenSetup setup, int service, int ipBytes, int mtu, UnaryOperator<PacketBuilder> more) {
        int headers = (service < TCP6 ? 20 : 40) + (service % 2 == 0 ? 20 : 8);
        UnaryOperator<PacketBuilder> change = p -> more.apply(p.payloadLength(ipBytes - headers));
        if (service < TCP6) {
            change = p -> more.apply(p.payloadLength(ipBytes - headers).dontFragment());
        }
        int ttl = setup.policy().keepTtl() ? 64 : 63;
        byte[] quoted = change.apply(to(service)).ttl(ttl).buildPacket();
        GoldenCase golden = new GoldenCase("too big: " + name, setup)
                .in(change.apply(to(service)).build(), Verdict.ANSWERED)
                .count(Counter.PACKET_TOO_BIG)
                .count(Counter.ICMP_ERROR_SENT);
        return service < TCP6
                ? golden.answered(
                        ID4,
                        0,
                        id -> error4(3, 4, mtu, quoted).identification(id).build())
                : golden.answered(error6(2, 0, mtu, quoted).build());
    }

    private static void tooBig(List<GoldenCase> cases) {
        cases.add(tooBig("DR, v4", DR, TCP4, 1501, 1500, GoldenFrames::same));
        cases.add(tooBig("DR, v4 UDP", DR.mtu(1400), UDP4, 1472, 1400, GoldenFrames::same));
        cases.add(tooBig("DR, v6", DR, TCP6, 1501, 1500, GoldenFrames::same));
        cases.add(tooBig("DR, v6 UDP", DR.mtu(1300), UDP6, 1400, 1300, GoldenFrames::same));
        cases.add(tooBig("DR, TTL kept", DR.keepTtl(), TCP4, 1501, 1500, GoldenFrames::same));
        cases.add(tooBig("IP options quoted", DR, TCP4, 1501, 1500, p -> p.ipOptions((byte) 148, (byte) 4)));
        cases.add(tooBig("extension header quoted", DR, TCP6, 1501, 1500, p -> p.extension(0, 8)));
        for (int combination = 0; combination < 4; combination++) {
            boolean outer6 = combination % 2 == 1;
            boolean inner6 = combination >= 2;
            int service = inner6 ? TCP6 : TCP4;
            String what = (inner6 ? "v6" : "v4") + " in " + (outer6 ? "v6" : "v4");
            int outer = outer6 ? 40 : 20;
            GoldenSetup ipip = GoldenSetup.ipip(outer6);
            cases.add(tooBig("ipip, " + what, ipip, service, 1500 - outer + 1, 1500 - outer, GoldenFrames::same));
            Tunnel gue = new Tunnel(TunnelType.GUE, 6080, Tunnel.Checksum.CSUM);
            GoldenSetup byGue = GoldenSetup.tunnel(gue, outer6);
            cases.add(tooBig("gue, " + what, byGue, service, 1500 - outer - 11, 1500 - outer - 12, GoldenFrames::same));
            Tunnel gre = new Tunnel(TunnelType.GRE, 0, Tunnel.Checksum.NONE);
            GoldenSetup byGre = GoldenSetup.tunnel(gre, outer6);
            cases.add(tooBig("gre, " + what, byGre, service, 1500 - outer - 3, 1500 - outer - 4, GoldenFrames::same));
            Tunnel greChecksum = new Tunnel(TunnelType.GRE, 0, Tunnel.Checksum.CSUM);
            GoldenSetup byGreChecksum = GoldenSetup.tunnel(greChecksum, outer6);
            cases.add(tooBig(
                    "gre csum, " + what,
                    byGreChecksum,
                    service,
                    1500 - outer - 7,
                    1500 - outer - 8,
                    GoldenFrames::same));
        }
        GoldenSetup narrow = GoldenSetup.ipip(false);
        cases.add(tooBig("no MTU below 68 is told", narrow.mtu(80), TCP4, 100, 68, GoldenFrames::same));
        cases.add(tooBig("no MTU below 1280 is told", narrow.mtu(1280), TCP6, 1281, 1280, GoldenFrames::same));
        cases.add(tooBig(
                "v6 too big though pmtu_disc is off", narrow.withoutPmtuDisc(), TCP6, 1481, 1480, GoldenFrames::same));
    }

    private static GoldenCase expired(String name, GoldenSetup setup, int service, UnaryOperator<PacketBuilder> in) {
        byte[] quoted = in.apply(to(service)).buildPacket();
        GoldenCase golden = new GoldenCase("time exceeded: " + name, setup)
                .in(in.apply(to(service)).build(), Verdict.ANSWERED)
                .count(Counter.TTL_EXPIRED)
                .count(Counter.ICMP_ERROR_SENT);
        return service < TCP6
                ? golden.answered(
                        ID4,
                        0,
                        id -> error4(11, 0, 0, quoted).identification(id).build())
                : golden.answered(error6(3, 0, 0, quoted).build());
    }

    private static void timeExceeded(List<GoldenCase> cases) {
        GoldenSetup[] setups = {DR, GoldenSetup.ipip(false), GoldenSetup.ipip(true)};
        String[] names = {"DR", "TUN over v4", "TUN over v6"};
        for (int i = 0; i < setups.length; i++) {
            cases.add(expired(names[i] + ", TTL 1", setups[i], TCP4, p -> p.ttl(1)));
            cases.add(expired(names[i] + ", hop limit 1", setups[i], TCP6, p -> p.ttl(1)));
        }
        cases.add(expired("TTL 0", DR, UDP4, p -> p.ttl(0).payloadLength(11)));
        cases.add(expired("hop limit 0", DR, UDP6, p -> p.ttl(0).payloadLength(11)));
        cases.add(expired("quotes up to 576", DR, UDP4, p -> p.ttl(1).payloadLength(1000)));
        cases.add(expired("quotes 548 whole", DR, UDP4, p -> p.ttl(1).payloadLength(QUOTE4 - 28)));
        cases.add(expired("quotes 548 of 549", DR, UDP4, p -> p.ttl(1).payloadLength(QUOTE4 - 27)));
        cases.add(expired("quotes up to 1280", DR, UDP6, p -> p.ttl(1).payloadLength(1400)));
        cases.add(expired("quotes 1232 whole", DR, UDP6, p -> p.ttl(1).payloadLength(QUOTE6 - 48)));
        cases.add(expired("quotes 1232 of 1233", DR, UDP6, p -> p.ttl(1).payloadLength(QUOTE6 - 47)));
        cases.add(expired("quotes no padding", DR, UDP4, p -> p.ttl(1).padding(18)));
        cases.add(expired("quotes no padding, v6", DR, UDP6, p -> p.ttl(1).padding(2)));
        cases.add(expired(
                "of a first fragment", DR, UDP4, p -> p.ttl(1).payloadLength(8).fragment(0, true)));
    }

    private static void tagsAndFrames(List<GoldenCase> cases) {
        UnaryOperator<PacketBuilder> one = p -> p.tag(ETHERTYPE_8021Q, 0xb000 | 7);
        UnaryOperator<PacketBuilder> two =
                p -> p.tag(ETHERTYPE_8021AD, 0x6000 | 9).tag(ETHERTYPE_8021Q, 8);
        for (boolean both : new boolean[] {false, true}) {
            UnaryOperator<PacketBuilder> tags = both ? two : one;
            String name = both ? "QinQ" : "VLAN";
            // Whatever tags packets have that leave for the real server.
            GoldenSetup setup = both ? DR.inVlan(RealServer.VLAN_NONE) : DR.inVlan(100);
            byte[] quoted4 = to(TCP4).ttl(1).buildPacket();
            cases.add(new GoldenCase("time exceeded: comes back in its " + name, setup)
                    .in(tags.apply(to(TCP4)).ttl(1).build(), Verdict.ANSWERED)
                    .answered(
                            ID4 + (both ? 8 : 4),
                            0,
                            id -> tags.apply(error4(11, 0, 0, quoted4))
                                    .identification(id)
                                    .build())
                    .count(Counter.TTL_EXPIRED)
                    .count(Counter.ICMP_ERROR_SENT));
            byte[] quoted6 = to(TCP6).ttl(1).buildPacket();
            cases.add(new GoldenCase("time exceeded: comes back in its " + name + ", v6", setup)
                    .in(tags.apply(to(TCP6)).ttl(1).build(), Verdict.ANSWERED)
                    .answered(tags.apply(error6(3, 0, 0, quoted6)).build())
                    .count(Counter.TTL_EXPIRED)
                    .count(Counter.ICMP_ERROR_SENT));
        }
        // What lies in tails is not quoted, and their frames are free.
        byte[] big4 = to(UDP4).payloadLength(4000).dontFragment().build();
        byte[] big4Quoted =
                cut(to(UDP4).payloadLength(4000).dontFragment().ttl(63).buildPacket(), 300 - 14);
        cases.add(new GoldenCase("too big: in four frames, the first one of 300 octets", DR)
                .in(big4, 300, 1400, Verdict.ANSWERED)
                .answered(
                        ID4,
                        0,
                        id -> error4(3, 4, 1500, big4Quoted).identification(id).build())
                .count(Counter.PACKET_TOO_BIG)
                .count(Counter.ICMP_ERROR_SENT));
        byte[] big6 = to(UDP6).payloadLength(8000).build();
        byte[] big6Quoted = to(UDP6).payloadLength(8000).ttl(63).buildPacket();
        cases.add(new GoldenCase("too big: v6 in frames", DR)
                .in(big6, 1500, 1500, Verdict.ANSWERED)
                .answered(error6(2, 0, 1500, big6Quoted).build())
                .count(Counter.PACKET_TOO_BIG)
                .count(Counter.ICMP_ERROR_SENT));
    }

    private static GoldenCase silent(String name, Counter reason, byte[] frame) {
        return new GoldenCase("no answer: " + name, DR)
                .in(frame, Verdict.DROPPED)
                .count(reason);
    }

    private static void notAnswered(List<GoldenCase> cases) {
        for (String from : List.of("0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.1.1", "255.255.255.255")) {
            byte[] frame =
                    PacketBuilder.udp(IpAddress.parse(from), 1, VIP4, 53).ttl(1).build();
            cases.add(silent("TTL 1 from " + from, Counter.TTL_EXPIRED, frame));
            byte[] big = PacketBuilder.udp(IpAddress.parse(from), 1, VIP4, 53)
                    .dontFragment()
                    .payloadLength(1500)
                    .build();
            cases.add(silent("too big from " + from, Counter.PACKET_TOO_BIG, big));
        }
        for (String from : List.of("::", "::1", "ff02::1", "ff0e::9")) {
            byte[] frame =
                    PacketBuilder.udp(IpAddress.parse(from), 1, VIP6, 53).ttl(1).build();
            cases.add(silent("hop limit 1 from " + from, Counter.TTL_EXPIRED, frame));
        }
        byte[] quoted = PacketBuilder.udp(VIP4, 53, CLIENT4, GoldenFrames.CLIENT_SOURCE_PORT)
                .payloadLength(1500)
                .buildPacket();
        PacketBuilder error = PacketBuilder.ethernet().ip(CLIENT4, VIP4).icmp(3, 3, 0);
        for (boolean big : new boolean[] {false, true}) {
            byte[] frame = big
                    ? error.payload(quoted).dontFragment().build()
                    : error.payload(cut(quoted, 28)).ttl(1).build();
            cases.add(new GoldenCase("no answer: an ICMP error " + (big ? "that is too big" : "of TTL 1"), DR)
                    .in(to(UDP4).build(), Verdict.FORWARDED)
                    .forwarded(GoldenFrames.link(to(UDP4), UDP4).ttl(63).build())
                    .next(1)
                    .in(frame, Verdict.DROPPED)
                    .count(Counter.ICMP_RELAYED)
                    .count(big ? Counter.PACKET_TOO_BIG : Counter.TTL_EXPIRED));
            error.ttl(64);
        }
    }

    private static void rate(List<GoldenCase> cases) {
        byte[] quoted = to(TCP4).ttl(1).buildPacket();
        GoldenCase golden = new GoldenCase("rate: 40 a second, two at once, one more 25 ms later", DR.icmpErrors(40));
        int[] at = {1000, 1000, 1000, 1024, 1025, 1025};
        boolean[] answered = {true, true, false, false, true, false};
        for (int i = 0; i < at.length; i++) {
            golden = i == 0 ? golden.next(at[0]) : golden.next(at[i]);
            golden.in(to(TCP4).ttl(1).build(), answered[i] ? Verdict.ANSWERED : Verdict.DROPPED);
            if (answered[i]) {
                golden.answered(
                        ID4,
                        i,
                        id -> error4(11, 0, 0, quoted).identification(id).build());
            }
        }
        cases.add(golden.count(Counter.TTL_EXPIRED, 6)
                .count(Counter.ICMP_ERROR_SENT, 3)
                .count(Counter.ICMP_RATE_LIMITED, 3));
        cases.add(new GoldenCase("rate: none at all", DR.icmpErrors(0))
                .in(to(TCP4).ttl(1).build(), Verdict.DROPPED)
                .in(to(TCP6).payloadLength(1500).build(), Verdict.DROPPED)
                .next(10_000)
                .in(to(TCP6).ttl(1).build(), Verdict.DROPPED)
                .count(Counter.TTL_EXPIRED, 2)
                .count(Counter.PACKET_TOO_BIG)
                .count(Counter.ICMP_RATE_LIMITED, 3));
    }

    private static GoldenCase echo(String name, boolean inet6, UnaryOperator<PacketBuilder> change) {
        PacketBuilder request = inet6
                ? PacketBuilder.ethernet().ip(CLIENT6, VIP6).icmp(128, 0, 0x12340001)
                : PacketBuilder.ethernet().ip(CLIENT4, VIP4).icmp(8, 0, 0x12340001);
        PacketBuilder reply = inet6
                ? PacketBuilder.ethernet().ip(VIP6, CLIENT6).icmp(129, 0, 0x12340001)
                : PacketBuilder.ethernet().ip(VIP4, CLIENT4).icmp(0, 0, 0x12340001);
        return new GoldenCase("echo: " + name, DR.answerEcho())
                .in(change.apply(request).build(), Verdict.ANSWERED)
                .answered(back(change.apply(reply)).ttl(64).build())
                .count(Counter.ECHO_ANSWERED);
    }

    private static void echo(List<GoldenCase> cases) {
        for (boolean inet6 : new boolean[] {false, true}) {
            String family = inet6 ? ", v6" : ", v4";
            cases.add(echo("56 octets" + family, inet6, p -> p.payloadLength(56)));
            cases.add(echo("none" + family, inet6, GoldenFrames::same));
            cases.add(echo("odd" + family, inet6, p -> p.payloadLength(57).trafficClass(0x28)));
            cases.add(echo(
                    "TTL 1 arrived" + family, inet6, p -> p.payloadLength(8).ttl(1)));
            cases.add(echo("padded" + family, inet6, p -> p.padding(18)));
            cases.add(echo("in a VLAN" + family, inet6, p -> p.tag(ETHERTYPE_8021Q, 0x2007)));
            cases.add(inFrames(family, echo("", inet6, p -> p.payloadLength(4000))));
            PacketBuilder request = inet6
                    ? PacketBuilder.ethernet().ip(CLIENT6, VIP6).icmp(128)
                    : PacketBuilder.ethernet().ip(CLIENT4, VIP4).icmp(8);
            cases.add(silent("echo left to the kernel" + family, Counter.UNSUPPORTED_PROTOCOL, request.build()));
            PacketBuilder reply = request.icmp(inet6 ? 129 : 0);
            cases.add(silent("echo reply" + family, Counter.UNSUPPORTED_PROTOCOL, reply.build()));
        }
        byte[] stamp = PacketBuilder.ethernet()
                .ip(CLIENT4, VIP4)
                .icmp(13)
                .payloadLength(12)
                .build();
        cases.add(silent("timestamp request", Counter.UNSUPPORTED_PROTOCOL, stamp));
        cases.add(echo("IP options", false, p -> p.ipOptions((byte) 148, (byte) 4)));
    }

    private static GoldenCase inFrames(String family, GoldenCase whole) {
        GoldenCase.Step step = whole.steps.getFirst();
        byte[] in = step.in().getFirst().packet();
        GoldenCase golden =
                new GoldenCase("echo: 4000 octets in frames" + family, whole.setup).in(in, 501, 1400, Verdict.ANSWERED);
        golden.steps.getFirst().out().addAll(step.out());
        return golden.count(Counter.ECHO_ANSWERED);
    }
}
