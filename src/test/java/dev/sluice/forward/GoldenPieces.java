package dev.sluice.forward;

import static dev.sluice.forward.GoldenFrames.ID4;
import static dev.sluice.forward.GoldenFrames.ID6;
import static dev.sluice.forward.GoldenFrames.hash;
import static dev.sluice.forward.GoldenFrames.link;
import static dev.sluice.forward.GoldenFrames.outer;
import static dev.sluice.forward.GoldenFrames.to;
import static dev.sluice.forward.GoldenSetup.CLIENT4;
import static dev.sluice.forward.GoldenSetup.DIP4;
import static dev.sluice.forward.GoldenSetup.DIP6;
import static dev.sluice.forward.GoldenSetup.DR;
import static dev.sluice.forward.GoldenSetup.RIP4;
import static dev.sluice.forward.GoldenSetup.RIP6;
import static dev.sluice.forward.GoldenSetup.TCP4;
import static dev.sluice.forward.GoldenSetup.TCP6;
import static dev.sluice.forward.GoldenSetup.UDP4;
import static dev.sluice.forward.GoldenSetup.UDP6;
import static dev.sluice.forward.GoldenSetup.VIP4;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.forward.GoldenCase.Verdict;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/** Golden cases of packets that the director cuts into fragments, before or after encapsulating them. */
final class GoldenPieces {
    private static final Tunnel GUE = new Tunnel(TunnelType.GUE, 6080, Tunnel.Checksum.CSUM);
    private static final Tunnel GRE = new Tunnel(TunnelType.GRE, 0, Tunnel.Checksum.CSUM);

    private GoldenPieces() {}

    static List<GoldenCase> cases() {
        List<GoldenCase> cases = new ArrayList<>();
        direct(cases);
        for (boolean outer6 : new boolean[] {false, true}) {
            String outer = outer6 ? ", outer v6" : ", outer v4";
            for (Tunnel tunnel : List.of(Tunnel.IPIP, GUE, GRE)) {
                GoldenSetup setup = GoldenSetup.tunnel(tunnel, outer6).mtu(700);
                String what = tunnel.type().keyword() + outer;
                cases.add(outside("TCP by " + what, setup, TCP4, p -> p.payloadLength(1300), 0));
                cases.add(outside("in frames, by " + what, setup, UDP4, p -> p.payloadLength(4001), 333));
                cases.add(inside("UDP by " + what, setup.fragmentInner(), 1301, 0));
                cases.add(inside("in frames, by " + what, setup.fragmentInner(), 3999, 333));
            }
            GoldenSetup ipip = GoldenSetup.ipip(outer6);
            cases.add(outside(
                    "DF without pmtu_disc" + outer,
                    ipip.withoutPmtuDisc(),
                    TCP4,
                    p -> p.dontFragment().payloadLength(1460),
                    0));
            cases.add(outside(
                    "DF without pmtu_disc, though inside is asked for" + outer,
                    ipip.withoutPmtuDisc().fragmentInner(),
                    TCP4,
                    p -> p.dontFragment().payloadLength(1460),
                    0));
            // RFC 2473 section 7.1 (a): at 1280 octets a sender of IPv6 cannot go lower.
            cases.add(outside("v6 of 1280 octets" + outer, ipip.mtu(1280), TCP6, p -> p.payloadLength(1220), 0));
            cases.add(outside(
                    "v6 of 1280 octets, though inside is asked for" + outer,
                    ipip.mtu(1290).fragmentInner(),
                    UDP6,
                    p -> p.payloadLength(1232),
                    0));
            cases.add(outside(
                    "DS field" + outer,
                    ipip.mtu(900),
                    UDP4,
                    p -> p.trafficClass(0xb9).payloadLength(1000),
                    0));
        }
        shortage(cases);
        return cases;
    }

    private static GoldenCase cutCase(String name, GoldenSetup setup, byte[] in, int firstBytes, int pieces) {
        GoldenCase golden = new GoldenCase("pieces: " + name, setup);
        if (firstBytes == 0) {
            golden.in(in, Verdict.FORWARDED);
        } else {
            // All pieces lie in new frames, and the packet's own are free.
            golden.in(in, firstBytes, 1111, Verdict.DROPPED);
        }
        return golden.count(Counter.FRAGMENTED).count(Counter.FRAGMENT_MADE, pieces - 1);
    }

    /** The octets behind a plain IPv4 header, in parts that fit. */
    private static List<byte[]> parts(byte[] data, int most) {
        List<byte[]> parts = new ArrayList<>();
        for (int at = 0; at < data.length; at += most / 8 * 8) {
            parts.add(Arrays.copyOfRange(data, at, Math.min(data.length, at + most / 8 * 8)));
        }
        return parts;
    }

    /** Cut by direct routing, or before encapsulation: identification and all else as in the packet, offsets on top of its own. */
    private static List<PacketBuilder> cut4(
            int service,
            UnaryOperator<PacketBuilder> change,
            byte[] options,
            byte[] later,
            int room,
            int at,
            boolean mf) {
        byte[] data = change.apply(to(service)).buildPacket();
        int header = (data[0] & 15) * 4;
        List<byte[]> parts = parts(Arrays.copyOfRange(data, header, data.length), room - header);
        List<PacketBuilder> pieces = new ArrayList<>();
        int offset = at;
        for (byte[] part : parts) {
            boolean last = part == parts.getLast();
            pieces.add(PacketBuilder.ethernet()
                    .ip(CLIENT4, VIP4)
                    .identification((data[4] & 255) << 8 | (data[5] & 255))
                    .trafficClass(data[1])
                    .ttl(63)
                    .ipOptions(offset == 0 ? options : later)
                    .raw(data[9])
                    .payload(part)
                    .fragment(offset, mf || !last));
            offset += part.length;
        }
        return pieces;
    }

    private static GoldenCase cut(
            String name, GoldenSetup setup, int service, UnaryOperator<PacketBuilder> change, int firstBytes) {
        List<PacketBuilder> pieces = cut4(service, change, new byte[0], new byte[0], setup.mtuBytes(), 0, false);
        GoldenCase golden = cutCase(name, setup, change.apply(to(service)).build(), firstBytes, pieces.size());
        pieces.forEach(piece -> golden.forwarded(link(piece, service).build()));
        return golden;
    }

    private static void direct(List<GoldenCase> cases) {
        GoldenSetup narrow = DR.mtu(576);
        cases.add(cut("DR, TCP", narrow, TCP4, p -> p.payloadLength(1400).identification(4711), 0));
        cases.add(cut("DR, UDP", narrow, UDP4, p -> p.payloadLength(600).identification(0xfffe), 0));
        cases.add(cut(
                "DR, padded",
                narrow,
                UDP4,
                p -> p.payloadLength(600).identification(3).padding(9),
                0));
        cases.add(cut(
                "DR, one octet too many", DR, UDP4, p -> p.payloadLength(1473).identification(9), 0));
        cases.add(cut("DR, MTU 68", DR.mtu(68), UDP4, p -> p.payloadLength(500).identification(9), 0));
        cases.add(cut("DR, in frames", DR, UDP4, p -> p.payloadLength(4321).identification(5), 222));
        // Router alert goes into every fragment, record route only into the first (RFC 791 section 3.1).
        byte[] options = {(byte) 148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 1};
        byte[] later = {(byte) 148, 4, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
        for (int firstBytes : new int[] {0, 100}) {
            UnaryOperator<PacketBuilder> change =
                    p -> p.payloadLength(1500).identification(8).ipOptions(options);
            List<PacketBuilder> pieces = cut4(UDP4, change, options, later, 576, 0, false);
            GoldenCase golden = cutCase(
                    "DR, options, first frame " + firstBytes,
                    narrow,
                    change.apply(to(UDP4)).build(),
                    firstBytes,
                    pieces.size());
            pieces.forEach(piece -> golden.forwarded(link(piece, UDP4).build()));
            cases.add(golden);
        }
        UnaryOperator<PacketBuilder> first =
                p -> p.payloadLength(792).identification(6).fragment(0, true);
        List<PacketBuilder> pieces = cut4(UDP4, first, new byte[0], new byte[0], 576, 0, true);
        GoldenCase ofFragment =
                cutCase("of a first fragment", narrow, first.apply(to(UDP4)).build(), 0, pieces.size());
        pieces.forEach(piece -> ofFragment.forwarded(link(piece, UDP4).build()));
        for (boolean more : new boolean[] {true, false}) {
            UnaryOperator<PacketBuilder> rest = p -> p.raw(PacketBuilder.UDP)
                    .payloadLength(1000)
                    .identification(6)
                    .fragment(800, more);
            ofFragment.next(1).in(rest.apply(to(UDP4)).build(), Verdict.FORWARDED);
            List<PacketBuilder> others = cut4(UDP4, rest, new byte[0], new byte[0], 576, 800, more);
            others.forEach(piece -> ofFragment.forwarded(link(piece, UDP4).build()));
        }
        cases.add(ofFragment.count(Counter.FRAGMENTED, 3).count(Counter.FRAGMENT_MADE, 3));
    }

    /** Cut behind the outer header. */
    private static GoldenCase outside(
            String name, GoldenSetup setup, int service, UnaryOperator<PacketBuilder> change, int firstBytes) {
        byte[] in = change.apply(to(service)).build();
        byte[] inner = change.apply(to(service)).ttl(63).buildPacket();
        int trafficClass = service < TCP6 ? inner[1] & 255 : 0;
        byte[] whole = outer(setup, service, inner, hash(in)).buildPacket();
        int header = setup.outer6() ? 40 : 20;
        int protocol = whole[setup.outer6() ? 6 : 9] & 255;
        byte[] data = Arrays.copyOfRange(whole, header, whole.length);
        List<byte[]> parts = parts(data, setup.mtuBytes() - (setup.outer6() ? 48 : 20));
        GoldenCase golden = cutCase("outside, " + name, setup, in, firstBytes, parts.size());
        int offset = 0;
        for (byte[] part : parts) {
            int at = offset;
            boolean more = at + part.length < data.length;
            if (setup.outer6()) {
                golden.forwardedWide(
                        ID6,
                        0,
                        id -> link(PacketBuilder.ethernet().ip(DIP6, RIP6), service)
                                .ttl(63)
                                .trafficClass(trafficClass)
                                .fragmentHeader(at, more, id)
                                .raw(protocol)
                                .payload(part)
                                .build());
            } else {
                golden.forwarded(
                        ID4,
                        0,
                        id -> link(PacketBuilder.ethernet().ip(DIP4, RIP4), service)
                                .ttl(63)
                                .trafficClass(trafficClass)
                                .identification(id)
                                .fragment(at, more)
                                .raw(protocol)
                                .payload(part)
                                .build());
            }
            offset += part.length;
        }
        return golden;
    }

    /** Cut first; each piece with an outer header, and an identification, of its own. */
    private static GoldenCase inside(String name, GoldenSetup setup, int payload, int firstBytes) {
        UnaryOperator<PacketBuilder> change = p -> p.payloadLength(payload).identification(0xbeef);
        byte[] in = change.apply(to(UDP4)).build();
        int overhead = outer(setup, UDP4, new byte[] {0x45}, 0).buildPacket().length - 1;
        List<PacketBuilder> pieces =
                cut4(UDP4, change, new byte[0], new byte[0], setup.mtuBytes() - overhead, 0, false);
        GoldenCase golden = cutCase("inside, " + name, setup, in, firstBytes, pieces.size());
        for (int i = 0; i < pieces.size(); i++) {
            byte[] piece = pieces.get(i).buildPacket();
            if (setup.outer6()) {
                golden.forwarded(outer(setup, UDP4, piece, hash(in)).ttl(63).build());
            } else {
                golden.forwarded(
                        ID4,
                        i,
                        id -> outer(setup, UDP4, piece, hash(in))
                                .ttl(63)
                                .identification(id)
                                .build());
            }
        }
        return golden;
    }

    private static void shortage(List<GoldenCase> cases) {
        UnaryOperator<PacketBuilder> change = p -> p.payloadLength(20_000).identification(77);
        GoldenCase golden = cut("frames for one of two packets", DR.mtu(576), UDP4, change, 1700);
        golden.in(change.apply(to(TCP4)).build(), 1700, 1700, Verdict.DROPPED);
        cases.add(golden.count(Counter.NO_SPARE_FRAME));
        cases.add(new GoldenCase("pieces: a way that takes no fragment", DR.mtu(27))
                .in(to(UDP4).payloadLength(100).build(), Verdict.DROPPED)
                .count(Counter.NO_SPARE_FRAME));
        cases.add(new GoldenCase("pieces: direct routing answers without pmtu_disc", DR.withoutPmtuDisc())
                .in(to(UDP6).payloadLength(1500).build(), Verdict.ANSWERED)
                .answered(GoldenFrames.back(PacketBuilder.ethernet().ip(GoldenSetup.VIP6, GoldenSetup.CLIENT6))
                        .icmp(2, 0, 1500)
                        .payload(GoldenFrames.cut(
                                to(UDP6).payloadLength(1500).ttl(63).buildPacket(), 1232))
                        .build())
                .count(Counter.PACKET_TOO_BIG)
                .count(Counter.ICMP_ERROR_SENT));
    }
}
