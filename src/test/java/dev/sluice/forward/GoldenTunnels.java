package dev.sluice.forward;

import static dev.sluice.bench.PacketBuilder.ETHERTYPE_8021AD;
import static dev.sluice.bench.PacketBuilder.ETHERTYPE_8021Q;
import static dev.sluice.forward.GoldenFrames.ID4;
import static dev.sluice.forward.GoldenFrames.hash;
import static dev.sluice.forward.GoldenFrames.outer;
import static dev.sluice.forward.GoldenFrames.to;
import static dev.sluice.forward.GoldenSetup.TCP4;
import static dev.sluice.forward.GoldenSetup.TCP6;
import static dev.sluice.forward.GoldenSetup.UDP4;
import static dev.sluice.forward.GoldenSetup.UDP6;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.forward.GoldenCase.Verdict;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.RealServer;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** Golden cases of packets that fit through their tunnel. */
final class GoldenTunnels {
    private static final Map<String, Tunnel> TUNNELS = tunnels();

    private GoldenTunnels() {}

    private static Map<String, Tunnel> tunnels() {
        Map<String, Tunnel> tunnels = new LinkedHashMap<>();
        tunnels.put("ipip", Tunnel.IPIP);
        for (Tunnel.Checksum checksum : Tunnel.Checksum.values()) {
            tunnels.put("gue " + checksum.keyword(), new Tunnel(TunnelType.GUE, 6080, checksum));
        }
        tunnels.put("gre nocsum", new Tunnel(TunnelType.GRE, 0, Tunnel.Checksum.NONE));
        tunnels.put("gre csum", new Tunnel(TunnelType.GRE, 0, Tunnel.Checksum.CSUM));
        return tunnels;
    }

    static List<GoldenCase> cases() {
        List<GoldenCase> cases = new ArrayList<>();
        TUNNELS.forEach((name, tunnel) -> {
            for (int combination = 0; combination < 4; combination++) {
                boolean outer6 = combination % 2 == 1;
                boolean inner6 = combination >= 2;
                String what = name + ", " + (inner6 ? "v6" : "v4") + " in " + (outer6 ? "v6" : "v4");
                GoldenSetup setup = GoldenSetup.tunnel(tunnel, outer6);
                int odd = 41 + combination;
                cases.add(forwarded(what, setup, inner6 ? TCP6 : TCP4, p -> p.payloadLength(odd)));
                inFrames(cases, what, setup, inner6 ? UDP6 : UDP4);
            }
        });
        for (int combination = 0; combination < 4; combination++) {
            fields(cases, combination % 2 == 1, combination >= 2);
        }
        ttl(cases);
        dontFragment(cases);
        sources(cases);
        shapes(cases);
        return cases;
    }

    private static GoldenCase forwarded(
            String name, GoldenSetup setup, int service, UnaryOperator<PacketBuilder> inner) {
        return forwarded(name, setup, service, 64, inner, GoldenFrames::same);
    }

    /** The packet that comes in, and what it has become: {@code change} says what is special about the outer header. */
    private static GoldenCase forwarded(
            String name,
            GoldenSetup setup,
            int service,
            int ttl,
            UnaryOperator<PacketBuilder> inner,
            UnaryOperator<PacketBuilder> change) {
        byte[] in = inner.apply(to(service)).ttl(ttl).build();
        GoldenCase golden = new GoldenCase("tunnel: " + name, setup).in(in, Verdict.FORWARDED);
        int after = setup.policy().keepTtl() ? ttl : ttl - 1;
        byte[] packet = inner.apply(to(service)).ttl(after).buildPacket();
        // RFC 791: DF is the bit of value 0x40 in the seventh octet.
        boolean whole =
                service < TCP6 && (packet[6] & 0x40) != 0 && setup.policy().pmtuDisc();
        if (setup.outer6() || whole) {
            PacketBuilder outer = outer(setup, service, packet, hash(in)).ttl(after);
            return golden.forwarded(
                    change.apply(whole ? outer.dontFragment() : outer).build());
        }
        return golden.forwarded(
                ID4,
                0,
                id -> change.apply(outer(setup, service, packet, hash(in))
                                .ttl(after)
                                .identification(id))
                        .build());
    }

    /** A packet in several frames, of odd lengths, so that checksums go on in the middle of 16 bits. */
    private static void inFrames(List<GoldenCase> cases, String what, GoldenSetup small, int service) {
        GoldenSetup setup = small.mtu(9000);
        byte[] in = to(service).payloadLength(3001).build();
        byte[] packet = to(service).payloadLength(3001).ttl(63).buildPacket();
        GoldenCase golden = new GoldenCase("tunnel: in frames, " + what, setup).in(in, 301, 777, Verdict.FORWARDED);
        if (setup.outer6()) {
            golden.forwarded(outer(setup, service, packet, hash(in)).ttl(63).build());
        } else {
            golden.forwarded(
                    ID4,
                    0,
                    id -> outer(setup, service, packet, hash(in))
                            .ttl(63)
                            .identification(id)
                            .build());
        }
        cases.add(golden);
    }

    /** DS field and ECN by RFC 6040 section 4.1, normal mode: the outer ones are the inner ones. */
    private static void fields(List<GoldenCase> cases, boolean outer6, boolean inner6) {
        String[] names = {"Not-ECT", "ECT(1)", "ECT(0)", "CE"};
        String families = (inner6 ? ", v6" : ", v4") + " in " + (outer6 ? "v6" : "v4");
        int[] classes = {0, 46, 63, 10};
        for (int ecn = 0; ecn < 4; ecn++) {
            int field = classes[ecn] << 2 | ecn;
            cases.add(forwarded(
                    "DSCP " + classes[ecn] + " " + names[ecn] + families,
                    GoldenSetup.ipip(outer6),
                    inner6 ? TCP6 : TCP4,
                    64,
                    p -> p.trafficClass(field),
                    o -> o.trafficClass(field)));
        }
    }

    private static void ttl(List<GoldenCase> cases) {
        for (boolean outer6 : new boolean[] {false, true}) {
            GoldenSetup setup = GoldenSetup.ipip(outer6);
            String outer = outer6 ? ", outer v6" : ", outer v4";
            cases.add(forwarded(
                    "TTL 2 makes an inherited one of 1" + outer,
                    setup,
                    TCP4,
                    2,
                    GoldenFrames::same,
                    GoldenFrames::same));
            cases.add(forwarded(
                    "hop limit 255 inherited" + outer, setup, TCP6, 255, GoldenFrames::same, GoldenFrames::same));
            cases.add(forwarded(
                    "outer TTL 17" + outer, setup.outerTtl(17), TCP4, 64, GoldenFrames::same, o -> o.ttl(17)));
            cases.add(forwarded(
                    "outer TTL 255" + outer, setup.outerTtl(255), TCP6, 2, GoldenFrames::same, o -> o.ttl(255)));
            cases.add(forwarded("TTL kept" + outer, setup.keepTtl(), TCP4, 64, GoldenFrames::same, GoldenFrames::same));
            cases.add(
                    forwarded("TTL 1 kept" + outer, setup.keepTtl(), TCP4, 1, GoldenFrames::same, GoldenFrames::same));
            cases.add(forwarded(
                    "hop limit 1 kept" + outer, setup.keepTtl(), TCP6, 1, GoldenFrames::same, GoldenFrames::same));
        }
    }

    private static void dontFragment(List<GoldenCase> cases) {
        UnaryOperator<PacketBuilder> df = p -> p.dontFragment().identification(99);
        TUNNELS.forEach((name, tunnel) -> {
            GoldenSetup setup = GoldenSetup.tunnel(tunnel, false);
            cases.add(forwarded("DF taken over, " + name, setup, TCP4, df));
            cases.add(forwarded("DF left inside without pmtu_disc, " + name, setup.withoutPmtuDisc(), TCP4, df));
        });
        cases.add(forwarded("DF inside, outer v6", GoldenSetup.ipip(true), TCP4, df));
        cases.add(forwarded("v6 inside has no DF to take over", GoldenSetup.ipip(false), TCP6, GoldenFrames::same));
        cases.add(forwarded(
                "exactly the MTU, DF",
                GoldenSetup.ipip(false),
                TCP4,
                p -> p.dontFragment().payloadLength(1440)));
        cases.add(forwarded("exactly the MTU, v6 in v6", GoldenSetup.ipip(true), TCP6, p -> p.payloadLength(1400)));
    }

    /** The bits of a prefix are the configured ones, the others the flow's. */
    private static void sources(List<GoldenCase> cases) {
        for (int port = 1; port <= 3; port++) {
            int source = port * 1111;
            GoldenSetup spread4 = GoldenSetup.ipip(false).from("172.31.16.0/20");
            byte[] in4 = to(TCP4).tcp(source, 80).build();
            IpAddress from4 = IpAddress.ofInet(0xac1f_1000 | ((int) hash(in4) & 0xfff));
            cases.add(forwarded(
                    "source of flow " + port + " in a /20",
                    spread4,
                    TCP4,
                    64,
                    p -> p.tcp(source, 80),
                    o -> o.ip(from4, GoldenSetup.RIP4)));
            GoldenSetup spread6 = GoldenSetup.ipip(true).from("fd00:7::/64");
            byte[] in6 = to(TCP6).tcp(source, 80).build();
            IpAddress from6 = IpAddress.ofInet6(0xfd00_0007_0000_0000L, hash(in6));
            cases.add(forwarded(
                    "source of flow " + port + " in a /64",
                    spread6,
                    TCP6,
                    64,
                    p -> p.tcp(source, 80),
                    o -> o.ip(from6, GoldenSetup.RIP6)));
        }
        GoldenSetup gue = GoldenSetup.tunnel(new Tunnel(TunnelType.GUE, 5555, Tunnel.Checksum.CSUM), false);
        byte[] in = to(TCP6).build();
        IpAddress any = IpAddress.ofInet(0x0a00_0000 | ((int) hash(in) & 0xff_ffff));
        cases.add(forwarded(
                "source in a /8, by GUE with checksum",
                gue.from("10.0.0.0/8"),
                TCP6,
                64,
                GoldenFrames::same,
                o -> o.ip(any, GoldenSetup.RIP4)));
    }

    private static void shapes(List<GoldenCase> cases) {
        for (boolean outer6 : new boolean[] {false, true}) {
            GoldenSetup setup = GoldenSetup.ipip(outer6);
            String outer = outer6 ? ", outer v6" : ", outer v4";
            UnaryOperator<PacketBuilder> one = p -> p.tag(ETHERTYPE_8021Q, 0xb000 | 7);
            UnaryOperator<PacketBuilder> two =
                    p -> p.tag(ETHERTYPE_8021AD, 0x6000 | 9).tag(ETHERTYPE_8021Q, 8);
            int none = RealServer.VLAN_NONE;
            cases.add(tagged("VLAN taken off" + outer, setup.inVlan(none), one, GoldenFrames::same));
            cases.add(tagged("QinQ taken off" + outer, setup.inVlan(none), two, GoldenFrames::same));
            cases.add(tagged(
                    "VLAN put on" + outer, setup.inVlan(100), GoldenFrames::same, o -> o.tag(ETHERTYPE_8021Q, 100)));
            cases.add(tagged(
                    "QinQ rewritten" + outer, setup.inVlan(100), two, o -> o.tag(ETHERTYPE_8021Q, 0x6000 | 100)));
            cases.add(padded(outer, setup));
            cases.add(forwarded("IP options inside" + outer, setup, TCP4, p -> p.ipOptions((byte) 148, (byte) 4)));
            cases.add(forwarded(
                    "flow label and extension header inside" + outer,
                    setup,
                    TCP6,
                    p -> p.flowLabel(0x12345).extension(PacketBuilder.HOP_BY_HOP, 8)));
        }
        for (boolean outer6 : new boolean[] {false, true}) {
            cases.add(keptTags("VLAN kept", outer6, 4, p -> p.tag(ETHERTYPE_8021Q, 0xb000 | 7)));
            cases.add(keptTags(
                    "QinQ kept",
                    outer6,
                    8,
                    p -> p.tag(ETHERTYPE_8021AD, 0x6000 | 9).tag(ETHERTYPE_8021Q, 8)));
        }
    }

    private static GoldenCase tagged(
            String name, GoldenSetup setup, UnaryOperator<PacketBuilder> before, UnaryOperator<PacketBuilder> after) {
        byte[] in = before.apply(to(TCP4)).build();
        byte[] packet = to(TCP4).ttl(63).buildPacket();
        int tag = after.apply(to(TCP4)).build().length - to(TCP4).build().length;
        GoldenCase golden = new GoldenCase("tunnel: " + name, setup).in(in, Verdict.FORWARDED);
        return setup.outer6()
                ? golden.forwarded(
                        after.apply(outer(setup, TCP4, packet, 0)).ttl(63).build())
                : golden.forwarded(
                        ID4 + tag,
                        0,
                        id -> after.apply(outer(setup, TCP4, packet, 0))
                                .ttl(63)
                                .identification(id)
                                .build());
    }

    private static GoldenCase keptTags(String name, boolean outer6, int bytes, UnaryOperator<PacketBuilder> tags) {
        String outer = outer6 ? ", outer v6, tag bytes " + bytes : ", outer v4, tag bytes " + bytes;
        return tagged(name + outer, GoldenSetup.ipip(outer6), tags, tags);
    }

    private static GoldenCase padded(String outer, GoldenSetup setup) {
        byte[] packet = to(UDP4).ttl(63).buildPacket();
        GoldenCase golden = new GoldenCase("tunnel: 18 octets of padding left behind" + outer, setup)
                .in(to(UDP4).padding(18).build(), Verdict.FORWARDED);
        return setup.outer6()
                ? golden.forwarded(outer(setup, UDP4, packet, 0).ttl(63).build())
                : golden.forwarded(
                        ID4,
                        0,
                        id -> outer(setup, UDP4, packet, 0)
                                .ttl(63)
                                .identification(id)
                                .build());
    }
}
