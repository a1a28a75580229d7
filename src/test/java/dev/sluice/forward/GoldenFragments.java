package dev.sluice.forward;

import static dev.sluice.forward.GoldenFrames.ID4;
import static dev.sluice.forward.GoldenFrames.hash;
import static dev.sluice.forward.GoldenFrames.link;
import static dev.sluice.forward.GoldenFrames.outer;
import static dev.sluice.forward.GoldenFrames.to;
import static dev.sluice.forward.GoldenSetup.DR;
import static dev.sluice.forward.GoldenSetup.UDP4;
import static dev.sluice.forward.GoldenSetup.UDP6;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FragmentTable;
import dev.sluice.forward.GoldenCase.Verdict;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Golden cases of datagrams that come in fragments. */
final class GoldenFragments {
    private static final int ID = 0x4711;
    private static final int HOLD_ROOM = 256;

    private GoldenFragments() {}

    static List<GoldenCase> cases() {
        List<GoldenCase> cases = new ArrayList<>();
        for (int service : new int[] {UDP4, UDP6}) {
            String family = service == UDP4 ? ", v4" : ", v6";
            orders(cases, service, family);
            waiting(cases, service, family);
            others(cases, service, family);
            tooBig(cases, service, family);
            tunnels(cases, service, family);
        }
        inFrames(cases);
        full(cases);
        return cases;
    }

    /** Three fragments of 400, 400 and 208 octets as they come in. */
    private static List<byte[]> in(int service, int id) {
        return to(service).payloadLength(1000).buildFragments(400, id);
    }

    private static List<byte[]> out(int service, int id) {
        return link(to(service), service).payloadLength(1000).ttl(63).buildFragments(400, id);
    }

    private static GoldenCase named(String name, GoldenSetup setup) {
        return new GoldenCase("fragments: " + name, setup);
    }

    /** By place: each in a batch of its own, and all in one. */
    private static GoldenCase order(String name, int service, boolean together, int... places) {
        List<byte[]> in = in(service, ID);
        List<byte[]> out = out(service, ID);
        GoldenCase golden = named(name + (together ? ", in one batch" : ", in several"), DR);
        List<Integer> waiting = new ArrayList<>();
        List<Integer> released = new ArrayList<>();
        boolean known = false;
        int held = 0;
        for (int i = 0; i < places.length; i++) {
            if (!together && i > 0) {
                golden.next(i);
            }
            known |= places[i] == 0;
            golden.in(in.get(places[i]), known ? Verdict.FORWARDED : Verdict.HELD);
            if (!known) {
                waiting.add(places[i]);
                held++;
                continue;
            }
            golden.forwarded(out.get(places[i]));
            released.addAll(waiting);
            waiting.clear();
            if (!together) {
                released.forEach(place -> golden.forwarded(out.get(place)));
                released.clear();
            }
        }
        released.forEach(place -> golden.forwarded(out.get(place)));
        return held == 0 ? golden : golden.count(Counter.FRAGMENT_HELD, held);
    }

    private static void orders(List<GoldenCase> cases, int service, String family) {
        for (boolean together : new boolean[] {false, true}) {
            cases.add(order("in order" + family, service, together, 0, 1, 2));
            cases.add(order("first, last, middle" + family, service, together, 0, 2, 1));
            cases.add(order("middle, first, last" + family, service, together, 1, 0, 2));
            cases.add(order("last, middle, first" + family, service, together, 2, 1, 0));
            cases.add(order("duplicated" + family, service, together, 0, 0, 1, 1, 2, 2));
            cases.add(order("duplicated and reordered" + family, service, together, 2, 2, 1, 0, 2, 1, 0));
        }
    }

    private static void waiting(List<GoldenCase> cases, int service, String family) {
        List<byte[]> in = in(service, ID);
        List<byte[]> out = out(service, ID);
        cases.add(named("held too long" + family, DR)
                .in(in.get(1), Verdict.HELD)
                .next(499)
                .next(500)
                .count(Counter.FRAGMENT_HELD)
                .count(Counter.FRAGMENT_WITHOUT_FIRST));
        cases.add(named("the first one after 499 ms" + family, DR)
                .in(in.get(2), Verdict.HELD)
                .next(499)
                .in(in.get(0), Verdict.FORWARDED)
                .forwarded(out.get(0))
                .forwarded(out.get(2))
                .count(Counter.FRAGMENT_HELD));
        cases.add(named("known for five seconds" + family, DR)
                .in(in.get(0), Verdict.FORWARDED)
                .forwarded(out.get(0))
                .next(4999)
                .in(in.get(1), Verdict.FORWARDED)
                .forwarded(out.get(1))
                .next(5000)
                .in(in.get(2), Verdict.HELD)
                .next(5500)
                .count(Counter.FRAGMENT_HELD)
                .count(Counter.FRAGMENT_WITHOUT_FIRST));
    }

    /** What is not of the datagram does not go with it. */
    private static void others(List<GoldenCase> cases, int service, String family) {
        List<byte[]> in = in(service, ID);
        List<byte[]> out = out(service, ID);
        PacketBuilder elsewhere = service == UDP4
                ? to(service).ip(IpAddress.parse("198.51.100.8"), GoldenSetup.VIP4)
                : to(service).ip(IpAddress.parse("2001:db8:c::8"), GoldenSetup.VIP6);
        PacketBuilder protocol = to(service).tcp(GoldenFrames.CLIENT_SOURCE_PORT, 80);
        PacketBuilder otherVip = service == UDP4
                ? to(service).ip(GoldenSetup.CLIENT4, IpAddress.parse("10.0.0.101"))
                : to(service).ip(GoldenSetup.CLIENT6, IpAddress.parse("2001:db8::101"));
        List<byte[]> strangers = List.of(
                in(service, ID + 1).get(1),
                elsewhere.payloadLength(1000).buildFragments(400, ID).get(1),
                protocol.payloadLength(1000).buildFragments(400, ID).get(1),
                otherVip.payloadLength(1000).buildFragments(400, ID).get(1));
        String[] names = {"identification", "source", "protocol", "destination"};
        for (int i = 0; i < names.length; i++) {
            cases.add(named("another " + names[i] + " is another datagram" + family, DR)
                    .in(in.get(0), Verdict.FORWARDED)
                    .in(strangers.get(i), Verdict.HELD)
                    .forwarded(out.get(0))
                    .next(500)
                    .count(Counter.FRAGMENT_HELD)
                    .count(Counter.FRAGMENT_WITHOUT_FIRST));
        }
        byte[] noService = to(service)
                .udp(GoldenFrames.CLIENT_SOURCE_PORT, 54)
                .payloadLength(1000)
                .buildFragments(400, ID)
                .getFirst();
        cases.add(named("of no service" + family, DR)
                .in(noService, Verdict.DROPPED)
                .in(in.get(1), Verdict.HELD)
                .next(500)
                .count(Counter.NO_SERVICE)
                .count(Counter.FRAGMENT_HELD)
                .count(Counter.FRAGMENT_WITHOUT_FIRST));
        cases.add(named("TTL 1 in a later one is not answered" + family, DR)
                .in(in.get(0), Verdict.FORWARDED)
                .in(
                        to(service)
                                .payloadLength(1000)
                                .ttl(1)
                                .buildFragments(400, ID)
                                .get(1),
                        Verdict.DROPPED)
                .forwarded(out.get(0))
                .count(Counter.TTL_EXPIRED));
    }

    /** Larger than the way: IPv6, and what has DF, is answered once, for the first one. */
    private static void tooBig(List<GoldenCase> cases, int service, String family) {
        PacketBuilder later = service == UDP4
                ? to(service).fragment(400, true).identification(ID).dontFragment()
                : to(service).fragmentHeader(400, true, ID);
        List<byte[]> in = in(service, ID);
        cases.add(named("a later one too big" + family, DR.mtu(1280))
                .in(in.get(0), Verdict.FORWARDED)
                .in(later.raw(PacketBuilder.UDP).payloadLength(1300).build(), Verdict.DROPPED)
                .forwarded(out(service, ID).get(0))
                .count(Counter.PACKET_TOO_BIG));
    }

    private static long fragmentHash(byte[] frame) {
        PacketView view = new PacketView();
        PacketParser.parse(MemorySegment.ofArray(frame), 0, frame.length, view);
        return new FragmentTable(1, Harness.KEY).hash(view);
    }

    /** Each fragment in an outer packet of its own. */
    private static void tunnels(List<GoldenCase> cases, int service, String family) {
        Tunnel gue = new Tunnel(TunnelType.GUE, 6080, Tunnel.Checksum.CSUM);
        Tunnel gre = new Tunnel(TunnelType.GRE, 0, Tunnel.Checksum.CSUM);
        for (Tunnel tunnel : List.of(Tunnel.IPIP, gue, gre)) {
            for (boolean outer6 : new boolean[] {false, true}) {
                GoldenSetup setup = GoldenSetup.tunnel(tunnel, outer6);
                String outer = outer6 ? ", outer v6" : ", outer v4";
                List<byte[]> in = in(service, ID);
                List<byte[]> inner = to(service).payloadLength(1000).ttl(63).buildFragments(400, ID);
                GoldenCase golden = named(tunnel.type().keyword() + outer + family, setup)
                        .in(in.get(1), Verdict.HELD)
                        .next(1);
                golden.in(in.get(0), Verdict.FORWARDED).in(in.get(2), Verdict.FORWARDED);
                for (int place : new int[] {0, 2, 1}) {
                    byte[] packet = GoldenFrames.ip(inner.get(place));
                    long hash = place == 0 ? hash(in.get(0)) : fragmentHash(in.get(place));
                    if (outer6) {
                        golden.forwarded(
                                outer(setup, service, packet, hash).ttl(63).build());
                    } else {
                        golden.forwarded(
                                ID4,
                                place,
                                id -> outer(setup, service, packet, hash)
                                        .ttl(63)
                                        .identification(id)
                                        .build());
                    }
                }
                cases.add(golden.count(Counter.FRAGMENT_HELD));
            }
        }
    }

    /** A fragment that lies in four frames waits with all of them; one in a dozen does not. */
    private static void inFrames(List<GoldenCase> cases) {
        List<byte[]> in = to(UDP4).payloadLength(8000).buildFragments(4000, ID);
        List<byte[]> out = link(to(UDP4), UDP4).payloadLength(8000).ttl(63).buildFragments(4000, ID);
        cases.add(named("in four frames, held", DR.mtu(9000))
                .in(in.get(1), 1500, 1000, Verdict.HELD)
                .next(1)
                .in(in.get(0), 1500, 1000, Verdict.FORWARDED)
                .forwarded(out.get(0))
                .forwarded(out.get(1))
                .count(Counter.FRAGMENT_HELD));
        cases.add(named("in four frames, held too long", DR.mtu(9000))
                .in(in.get(1), 1500, 1000, Verdict.HELD)
                .next(500)
                .count(Counter.FRAGMENT_HELD)
                .count(Counter.FRAGMENT_WITHOUT_FIRST));
        // What waits behind one that goes moves up, tails and all.
        List<byte[]> small = in(UDP4, ID + 1);
        List<byte[]> smallOut = out(UDP4, ID + 1);
        cases.add(named("in four frames, held behind another", DR.mtu(9000))
                .in(small.get(1), Verdict.HELD)
                .in(in.get(1), 1500, 1000, Verdict.HELD)
                .next(1)
                .in(small.get(0), Verdict.FORWARDED)
                .forwarded(smallOut.get(0))
                .forwarded(smallOut.get(1))
                .next(2)
                .in(in.get(0), 1500, 1000, Verdict.FORWARDED)
                .forwarded(out.get(0))
                .forwarded(out.get(1))
                .count(Counter.FRAGMENT_HELD, 2));
        cases.add(named("in a dozen frames", DR.mtu(9000))
                .in(in.get(1), 1500, 250, Verdict.DROPPED)
                .count(Counter.FRAGMENT_HOLD_FULL));
    }

    private static void full(List<GoldenCase> cases) {
        GoldenCase golden = named("no room to hold one more", DR);
        for (int i = 0; i < HOLD_ROOM; i++) {
            golden.in(in(UDP4, i).get(1), Verdict.HELD);
        }
        golden.next(1)
                .in(in(UDP4, HOLD_ROOM).get(1), Verdict.DROPPED)
                .in(in(UDP4, 7).get(0), Verdict.FORWARDED)
                .in(in(UDP4, HOLD_ROOM).get(2), Verdict.HELD)
                .forwarded(out(UDP4, 7).get(0))
                .forwarded(out(UDP4, 7).get(1))
                .next(500);
        golden.next(501)
                .count(Counter.FRAGMENT_HELD, HOLD_ROOM + 1)
                .count(Counter.FRAGMENT_HOLD_FULL)
                .count(Counter.FRAGMENT_WITHOUT_FIRST, HOLD_ROOM);
        cases.add(golden);
    }
}
