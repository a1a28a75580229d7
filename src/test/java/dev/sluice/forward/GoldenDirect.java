package dev.sluice.forward;

import static dev.sluice.bench.PacketBuilder.ETHERTYPE_8021AD;
import static dev.sluice.bench.PacketBuilder.ETHERTYPE_8021Q;
import static dev.sluice.bench.PacketBuilder.ETHERTYPE_ARP;
import static dev.sluice.bench.PacketBuilder.ETHERTYPE_IPV4;
import static dev.sluice.bench.PacketBuilder.ETHERTYPE_IPV6;
import static dev.sluice.forward.GoldenFrames.link;
import static dev.sluice.forward.GoldenFrames.to;
import static dev.sluice.forward.GoldenSetup.DR;
import static dev.sluice.forward.GoldenSetup.TCP4;
import static dev.sluice.forward.GoldenSetup.TCP6;
import static dev.sluice.forward.GoldenSetup.UDP4;
import static dev.sluice.forward.GoldenSetup.UDP6;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.forward.GoldenCase.Verdict;
import dev.sluice.service.RealServer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/** Golden cases of the parser, direct routing, TTL and tags. */
final class GoldenDirect {
    private static final int PRIORITY_5_DROP_ELIGIBLE = 0xb000;

    private GoldenDirect() {}

    static List<GoldenCase> cases() {
        List<GoldenCase> cases = new ArrayList<>();
        parser(cases);
        direct(cases);
        tags(cases);
        return cases;
    }

    private static GoldenCase dropped(String name, Counter counter, byte[] frame) {
        return new GoldenCase("parser: " + name, DR).in(frame, Verdict.DROPPED).count(counter);
    }

    private static void parser(List<GoldenCase> cases) {
        byte[] syn4 = to(TCP4).build();
        byte[] syn6 = to(TCP6).build();
        cases.add(dropped("13 octets", Counter.PARSE_TRUNCATED_ETHERNET, Arrays.copyOf(syn4, 13)));
        byte[] tagged = to(TCP4).tag(ETHERTYPE_8021Q, 5).build();
        cases.add(dropped("ends in a tag", Counter.PARSE_TRUNCATED_ETHERNET, Arrays.copyOf(tagged, 16)));
        cases.add(dropped(
                "ARP", Counter.PARSE_NOT_IP, to(TCP4).etherType(ETHERTYPE_ARP).build()));
        PacketBuilder three = to(TCP4).tag(ETHERTYPE_8021AD, 1).tag(ETHERTYPE_8021Q, 2);
        cases.add(dropped(
                "three tags",
                Counter.PARSE_NOT_IP,
                three.tag(ETHERTYPE_8021Q, 3).build()));
        cases.add(dropped("v4 header cut", Counter.PARSE_TRUNCATED_IP, Arrays.copyOf(syn4, 14 + 19)));
        cases.add(dropped("v6 header cut", Counter.PARSE_TRUNCATED_IP, Arrays.copyOf(syn6, 14 + 39)));
        cases.add(dropped(
                "v6 as IPv4",
                Counter.PARSE_BAD_IP_VERSION,
                to(TCP6).etherType(ETHERTYPE_IPV4).build()));
        cases.add(dropped(
                "v4 as IPv6",
                Counter.PARSE_BAD_IP_VERSION,
                to(TCP4).payloadLength(20).etherType(ETHERTYPE_IPV6).build()));
        cases.add(
                dropped("IHL 4", Counter.PARSE_BAD_IHL, to(TCP4).headerWords(4).build()));
        cases.add(dropped(
                "longer than its frame",
                Counter.PARSE_BAD_TOTAL_LENGTH,
                to(TCP4).ipLength(41).build()));
        cases.add(dropped(
                "v6 longer than its frame",
                Counter.PARSE_BAD_TOTAL_LENGTH,
                to(TCP6).ipLength(21).build()));
        cases.add(dropped(
                "shorter than its header",
                Counter.PARSE_BAD_TOTAL_LENGTH,
                to(TCP4).ipLength(19).build()));
        cases.add(dropped(
                "header checksum off by one",
                Counter.PARSE_BAD_IP_CHECKSUM,
                to(TCP4).ipChecksum(1).build()));
        cases.add(dropped(
                "extension header over the end",
                Counter.PARSE_BAD_EXTENSION_HEADER,
                to(TCP6).extension(PacketBuilder.DESTINATION_OPTIONS, new byte[] {0, 9, 1, 4, 0, 0, 0, 0})
                        .build()));
        PacketBuilder nine = to(TCP6);
        for (int i = 0; i < 9; i++) {
            nine.extension(PacketBuilder.DESTINATION_OPTIONS, 8);
        }
        cases.add(dropped("nine extension headers", Counter.PARSE_TOO_MANY_EXTENSION_HEADERS, nine.build()));
        cases.add(dropped(
                "protocol 200",
                Counter.UNSUPPORTED_PROTOCOL,
                to(TCP4).nextHeader(200).build()));
        cases.add(dropped(
                "TCP header cut",
                Counter.PARSE_TRUNCATED_TRANSPORT,
                to(TCP4).raw(PacketBuilder.TCP).payloadLength(19).build()));
        cases.add(dropped(
                "UDP header cut, v6",
                Counter.PARSE_TRUNCATED_TRANSPORT,
                to(UDP6).raw(PacketBuilder.UDP).payloadLength(7).build()));
        cases.add(new GoldenCase("parser: no such service", DR)
                .in(to(TCP4).tcp(1, 81).build(), Verdict.DROPPED)
                .count(Counter.NO_SERVICE));
    }

    private static GoldenCase direct(
            String name, GoldenSetup setup, int service, int ttl, UnaryOperator<PacketBuilder> change) {
        int after = setup.policy().keepTtl() ? ttl : ttl - 1;
        return new GoldenCase("dr: " + name, setup)
                .in(change.apply(to(service)).ttl(ttl).build(), Verdict.FORWARDED)
                .forwarded(link(change.apply(to(service)), service).ttl(after).build());
    }

    private static GoldenCase direct(String name, int service, UnaryOperator<PacketBuilder> change) {
        return direct(name, DR, service, 64, change);
    }

    private static void direct(List<GoldenCase> cases) {
        cases.add(direct("TCP over v4", TCP4, p -> p));
        cases.add(direct("TCP over v6", TCP6, p -> p));
        cases.add(direct("UDP over v4", UDP4, p -> p.payloadLength(33)));
        cases.add(direct("UDP over v6", UDP6, p -> p.payloadLength(33)));
        cases.add(direct("UDP without checksum", UDP4, p -> p.payloadLength(3).transportChecksum(0)));
        cases.add(direct("a wrong TCP checksum is the real server's to judge", TCP4, p -> p.transportChecksum(0x1234))
                .count(Counter.CHECKSUM_WRONG));
        cases.add(direct("Ethernet's padding stays", TCP4, p -> p.padding(6)));
        cases.add(direct("DS field and ECN stay", TCP4, p -> p.trafficClass(0xbb)));
        cases.add(direct(
                "DS field and flow label stay, v6",
                TCP6,
                p -> p.trafficClass(0xbb).flowLabel(0xabcde)));
        cases.add(direct("IP options", TCP4, p -> p.ipOptions((byte) 148, (byte) 4, (byte) 0, (byte) 0)));
        cases.add(direct("hop-by-hop options", TCP6, p -> p.extension(PacketBuilder.HOP_BY_HOP, 16)));
        cases.add(direct(
                "destination options and routing header",
                TCP6,
                p -> p.extension(PacketBuilder.DESTINATION_OPTIONS, 8).extension(PacketBuilder.ROUTING, 24)));
        cases.add(direct(
                "atomic fragment (RFC 6946)",
                UDP6,
                p -> p.fragmentHeader(0, false, 77).payloadLength(9)));
        cases.add(direct("exactly the MTU, DF", TCP4, p -> p.payloadLength(1460).dontFragment()));
        cases.add(direct("exactly the MTU, v6", TCP6, p -> p.payloadLength(1440)));
        cases.add(direct("TTL 2", DR, TCP4, 2, p -> p));
        cases.add(direct("TTL 255", DR, TCP4, 255, p -> p));
        cases.add(direct("hop limit 2", DR, TCP6, 2, p -> p));
        GoldenSetup keep = DR.keepTtl();
        cases.add(direct("TTL kept", keep, TCP4, 64, p -> p));
        cases.add(direct("TTL 1 kept", keep, TCP4, 1, p -> p));
        cases.add(direct("hop limit 1 kept", keep, TCP6, 1, p -> p));
        // The header checksum's carry: 0xfeff and 0x0000 on the way of RFC 1624.
        for (int id : new int[] {0x0000, 0x1234, 0xa55a, 0xffff}) {
            cases.add(direct("checksum carries, identification " + id, TCP4, p -> p.identification(id)));
        }
        byte[] jumbo = to(TCP4).payloadLength(4000).build();
        byte[] jumbo6 = to(TCP6).payloadLength(8000).build();
        cases.add(new GoldenCase("dr: packet in three frames", DR.mtu(9000))
                .in(jumbo, 1500, 1400, Verdict.FORWARDED)
                .forwarded(link(to(TCP4).payloadLength(4000), TCP4).ttl(63).build()));
        cases.add(new GoldenCase("dr: v6 packet in six frames", DR.mtu(9000))
                .in(jumbo6, 1500, 1400, Verdict.FORWARDED)
                .forwarded(link(to(TCP6).payloadLength(8000), TCP6).ttl(63).build()));
    }

    /** A frame with tags in and with others out. */
    private static GoldenCase tagged(
            String name,
            int vlan,
            int service,
            UnaryOperator<PacketBuilder> before,
            UnaryOperator<PacketBuilder> after) {
        return new GoldenCase("tags: " + name, DR.inVlan(vlan))
                .in(before.apply(to(service)).build(), Verdict.FORWARDED)
                .forwarded(link(after.apply(to(service)), service).ttl(63).build());
    }

    private static void tags(List<GoldenCase> cases) {
        UnaryOperator<PacketBuilder> none = p -> p;
        UnaryOperator<PacketBuilder> one = p -> p.tag(ETHERTYPE_8021Q, PRIORITY_5_DROP_ELIGIBLE | 7);
        UnaryOperator<PacketBuilder> provider = p -> p.tag(ETHERTYPE_8021AD, 0x6000 | 9);
        UnaryOperator<PacketBuilder> two =
                p -> p.tag(ETHERTYPE_8021AD, 0x6000 | 9).tag(ETHERTYPE_8021Q, 0x2000 | 8);
        UnaryOperator<PacketBuilder> plain100 = p -> p.tag(ETHERTYPE_8021Q, 100);
        int keep = RealServer.VLAN_KEEP;
        int untagged = RealServer.VLAN_NONE;
        for (int service : new int[] {TCP4, UDP6}) {
            String family = service == TCP4 ? ", v4" : ", v6";
            cases.add(tagged("VLAN kept" + family, keep, service, one, one));
            cases.add(tagged("service tag kept" + family, keep, service, provider, provider));
            cases.add(tagged("QinQ kept" + family, keep, service, two, two));
            cases.add(tagged("none to none" + family, untagged, service, none, none));
            cases.add(tagged("VLAN taken off" + family, untagged, service, one, none));
            cases.add(tagged("QinQ taken off" + family, untagged, service, two, none));
            cases.add(tagged("put on" + family, 100, service, none, plain100));
            cases.add(tagged(
                    "VLAN rewritten with its priority" + family,
                    100,
                    service,
                    one,
                    p -> p.tag(ETHERTYPE_8021Q, PRIORITY_5_DROP_ELIGIBLE | 100)));
            cases.add(tagged(
                    "QinQ rewritten with the outer priority" + family,
                    4094,
                    service,
                    two,
                    p -> p.tag(ETHERTYPE_8021Q, 0x6000 | 4094)));
        }
    }
}
