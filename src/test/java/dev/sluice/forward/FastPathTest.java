package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import dev.sluice.service.VirtualService;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The fast path takes what it is for, and does with it what the slow path does. */
class FastPathTest {
    private static final IpAddress VIP = IpAddress.parse("203.0.113.1");
    private static final IpAddress VIP6 = IpAddress.parse("2001:db8:2::1");
    private static final IpAddress CLIENT = IpAddress.parse("198.51.100.1");
    private static final IpAddress CLIENT6 = IpAddress.parse("2001:db8:1::1");
    private static final int MTU = 1500;

    private static final PacketPolicy KEEP_TTL = new PacketPolicy(true, false, 1000, 77, false, false);

    private static PacketBuilder udp(boolean inet6) {
        return PacketBuilder.udp(inet6 ? CLIENT6 : CLIENT, 1000, inet6 ? VIP6 : VIP, 53)
                .payloadLength(18);
    }

    private static PacketBuilder tcp(boolean inet6) {
        return PacketBuilder.tcp(inet6 ? CLIENT6 : CLIENT, 1000, inet6 ? VIP6 : VIP, 80);
    }

    /** Services of both families; each real server is one of the kinds by {@code kinds}' letters. */
    private static ForwardingSnapshot snapshot(String kinds) {
        ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(1);
        int id = 0;
        for (boolean inet6 : new boolean[] {false, true}) {
            for (Protocol protocol : List.of(Protocol.TCP, Protocol.UDP)) {
                List<RealServer> reals = new ArrayList<>();
                for (int i = 0; i < kinds.length(); i++) {
                    char kind = kinds.charAt(i);
                    builder.nextHops(id * 100 + reals.size(), hops(kind));
                    reals.add(real(id * 100 + reals.size(), kind, inet6));
                }
                AddressKey key = new AddressKey(protocol, inet6 ? VIP6 : VIP, protocol == Protocol.TCP ? 80 : 53);
                builder.add(new VirtualService(id++, key, SchedulerKind.RR, reals), null, Harness.PARAMETERS);
            }
        }
        return builder.build();
    }

    private static RealServer real(int id, char kind, boolean inet6) {
        Tunnel tunnel = switch (kind) {
            case 'i', '6', 's' -> Tunnel.IPIP;
            case 'g' -> new Tunnel(TunnelType.GUE, 6080, Tunnel.Checksum.NONE);
            default -> null;
        };
        boolean rip6 = tunnel == null ? inet6 : kind == '6';
        IpAddress rip = rip6 ? IpAddress.ofInet6(0xfd00L << 48, id + 1) : IpAddress.ofInet(0xc000_0200 + id + 1);
        ForwardingMethod method = tunnel == null ? ForwardingMethod.DR : ForwardingMethod.TUN;
        int vlan = kind == 'v' ? 7 : kind == 'n' ? RealServer.VLAN_NONE : RealServer.VLAN_KEEP;
        return new RealServer(id, rip, 0, method, 1, 0, 0, tunnel, vlan);
    }

    private static List<NextHop> hops(char kind) {
        int vlan = kind == 'v' ? 7 : kind == 'n' ? RealServer.VLAN_NONE : RealServer.VLAN_KEEP;
        IpPrefix source = IpPrefix.parse(kind == '6' ? "2001:db8:3::1" : kind == 's' ? "10.1.0.0/16" : "192.0.2.1");
        NextHop hop = new NextHop(3, 0x02_00_00_00_52_01L, Harness.DIRECTOR_MAC, MTU, vlan, source);
        NextHop other = new NextHop(4, 0x02_00_00_00_52_02L, Harness.DIRECTOR_MAC, MTU, vlan, source);
        return kind == 'u' ? List.of() : kind == 'e' ? List.of(hop, other) : List.of(hop);
    }

    private static void open(Harness harness, ForwardingSnapshot snapshot, boolean inet6) {
        harness.process(snapshot, tcp(inet6).tcpFlags(PacketBuilder.TCP_SYN).build(), 0);
        harness.process(snapshot, tcp(inet6).tcpFlags(PacketBuilder.TCP_ACK).build(), 0);
        harness.process(snapshot, udp(inet6).build(), 0);
    }

    /** Whether the fast path alone has forwarded a frame. */
    private static boolean takes(Harness harness, ForwardingSnapshot snapshot, byte[] frame, long nowMs) {
        harness.put(0, frame);
        harness.batch.clear();
        harness.batch.received(1);
        FastPath path = harness.pipeline.fastPath();
        long[] hashes = new long[1];
        if (path.read(harness.batch, 0, 1) == 1) {
            return false;
        }
        path.hash(hashes, 0, 1);
        return path.forward(snapshot, harness.batch, hashes, 0, 1, nowMs) == 1;
    }

    @ParameterizedTest
    @CsvSource({"d,false", "d,true", "i,false"})
    void takesPlainPacketsOfKnownFlows(String kind, boolean inet6) {
        Harness harness = new Harness(64);
        ForwardingSnapshot snapshot = snapshot(kind);
        open(harness, snapshot, inet6);
        int room = kind.equals("i") ? MTU - 20 : MTU;
        int headers = (inet6 ? 40 : 20) + 8;
        assertTrue(takes(harness, snapshot, udp(inet6).build(), 1));
        assertTrue(takes(harness, snapshot, udp(inet6).padding(20).build(), 1));
        assertTrue(takes(harness, snapshot, udp(inet6).ttl(2).build(), 1));
        assertTrue(takes(harness, snapshot, udp(inet6).payloadLength(0).build(), 1));
        assertTrue(takes(
                harness, snapshot, udp(inet6).payloadLength(room - headers).build(), 1));
        assertTrue(takes(
                harness, snapshot, tcp(inet6).tcpFlags(PacketBuilder.TCP_ACK).build(), 1));
        byte[] push = tcp(inet6)
                .tcpFlags(PacketBuilder.TCP_ACK | PacketBuilder.TCP_PSH)
                .build();
        assertTrue(takes(harness, snapshot, push, 1));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void leavesOthers(boolean inet6) {
        Harness harness = new Harness(64);
        ForwardingSnapshot snapshot = snapshot("d");
        open(harness, snapshot, inet6);
        int headers = (inet6 ? 40 : 20) + 8;
        List<byte[]> others = new ArrayList<>(List.of(
                PacketBuilder.udp(inet6 ? CLIENT6 : CLIENT, 1001, inet6 ? VIP6 : VIP, 53)
                        .build(),
                udp(inet6).tag(PacketBuilder.ETHERTYPE_8021Q, 5).build(),
                udp(inet6).ttl(1).build(),
                udp(inet6).ttl(0).build(),
                udp(inet6).payloadLength(MTU + 1 - headers).build(),
                udp(inet6).ipLength(inet6 ? 500 : 540).build(),
                udp(inet6).ipVersion(inet6 ? 4 : 6).build(),
                udp(inet6).etherType(PacketBuilder.ETHERTYPE_ARP).build(),
                PacketBuilder.sctp(inet6 ? CLIENT6 : CLIENT, 1000, inet6 ? VIP6 : VIP, 53)
                        .build(),
                tcp(inet6).tcpFlags(PacketBuilder.TCP_SYN).build(),
                tcp(inet6)
                        .tcpFlags(PacketBuilder.TCP_SYN | PacketBuilder.TCP_ACK)
                        .build(),
                tcp(inet6)
                        .tcpFlags(PacketBuilder.TCP_FIN | PacketBuilder.TCP_ACK)
                        .build(),
                tcp(inet6)
                        .tcpFlags(PacketBuilder.TCP_RST | PacketBuilder.TCP_ACK)
                        .build(),
                tcp(inet6).tcpFlags(0).build()));
        if (inet6) {
            others.add(udp(true).extension(PacketBuilder.DESTINATION_OPTIONS, 8).build());
            others.add(udp(true).fragmentHeader(0, true, 9).build());
        } else {
            others.add(udp(false).ipChecksum(1).build());
            others.add(
                    udp(false).ipOptions((byte) 1, (byte) 1, (byte) 1, (byte) 1).build());
            others.add(udp(false).fragment(0, true).build());
            others.add(udp(false).fragment(8, false).build());
        }
        for (int i = 0; i < others.size(); i++) {
            byte[] frame = others.get(i);
            assertEquals(false, takes(harness, snapshot, frame, 1), "packet " + i);
            assertArrayEquals(frame, harness.get(0));
        }
        assertEquals(false, takes(harness, snapshot, udp(inet6).build(), 300_000), "expired");
        for (String kind : new String[] {"u", "e", "v", "n", "g", "6", "s"}) {
            assertEquals(false, takes(harness, snapshot(kind), udp(inet6).build(), 1), kind);
        }
        assertEquals(
                false, takes(harness, ForwardingSnapshot.empty(), udp(inet6).build(), 1), "gone");
    }

    @Test
    void leavesPacketsThatGoOnInAnotherFrame() {
        Harness harness = new Harness(64);
        byte[] frame = udp(false).build();
        harness.put(0, frame);
        harness.batch.clear();
        harness.batch.add(harness.addresses[0], frame.length);
        assertTrue(harness.batch.addTail(Harness.slot(1), 10));
        assertEquals(1, harness.pipeline.fastPath().read(harness.batch, 0, 1));
    }

    @Test
    void leavesFramesWithoutRoomForAnOuterHeader() {
        Harness harness = new Harness(64);
        ForwardingSnapshot snapshot = snapshot("i");
        open(harness, snapshot, false);
        byte[] frame = udp(false).build();
        harness.put(0, frame);
        harness.addresses[0] = 19;
        harness.umem.asSlice(19).copyFrom(MemorySegment.ofArray(frame));
        harness.batch.clear();
        harness.batch.received(1);
        long[] hashes = new long[1];
        FastPath path = harness.pipeline.fastPath();
        assertEquals(0, path.read(harness.batch, 0, 1));
        path.hash(hashes, 0, 1);
        assertEquals(0, path.forward(snapshot, harness.batch, hashes, 0, 1, 1));
    }

    /** Packets of all sorts through a pipeline with the fast path and one without: frames, verdicts, counters and flows are the same. */
    @ParameterizedTest
    @CsvSource({
        "d,false",
        "d,true",
        "i,false",
        "i,true",
        "dddiii,false",
        "diguev6ns,false",
        "diguev6ns,true",
    })
    void doesWhatTheSlowPathDoes(String kinds, boolean keepTtl) {
        PacketPolicy policy = keepTtl ? KEEP_TTL : PacketPolicy.DEFAULT;
        Harness fast = new Harness(2048, ConnectionPolicy.DEFAULT, policy);
        Harness slow = new Harness(2048, ConnectionPolicy.DEFAULT, policy);
        slow.pipeline.fastPath().close();
        slow.pipeline.identifications().restart(1);
        fast.pipeline.identifications().restart(1);
        ForwardingSnapshot[] snapshots = {snapshot(kinds), snapshot(kinds), snapshot("d")};
        Random random = new Random(kinds.hashCode());
        // Outer identifications are given in the order of rewriting, which is another one within a batch.
        int most = kinds.equals("d") ? 64 : 1;
        long nowMs = 0;
        for (int round = 0; round < 40_000 / most; round++) {
            ForwardingSnapshot snapshot = snapshots[random.nextInt(50) == 0 ? 2 : round & 1];
            int count = 1 + random.nextInt(most);
            for (int i = 0; i < count; i++) {
                byte[] frame = packet(random);
                fast.put(i, frame);
                slow.put(i, frame);
            }
            fast.process(snapshot, count, nowMs);
            slow.process(snapshot, count, nowMs);
            assertEquals(slow.batch.count(), fast.batch.count());
            for (int i = 0; i < slow.batch.count(); i++) {
                assertEquals(slow.egress[i], fast.egress[i], "packet " + i);
                assertArrayEquals(slow.get(i), fast.get(i), "packet " + i);
            }
            fast.pipeline.expire(snapshot, 64, nowMs);
            slow.pipeline.expire(snapshot, 64, nowMs);
            nowMs += random.nextInt(1000) < most ? 200_000 : random.nextInt(1 + most);
        }
        for (Counter counter : Counter.values()) {
            assertEquals(slow.counters.get(counter), fast.counters.get(counter), counter.label());
        }
        assertTrue(fast.counters.get(Counter.FLOW_HIT) > 1000);
        assertSameServersAndFlows(slow, fast);
    }

    private static void assertSameServersAndFlows(Harness slow, Harness fast) {
        for (int id = 0; id < 400; id++) {
            assertEquals(slow.counters.realServerPackets(id), fast.counters.realServerPackets(id));
            assertEquals(slow.counters.realServerBytes(id), fast.counters.realServerBytes(id));
            assertEquals(slow.flows.activeOf(id), fast.flows.activeOf(id));
            assertEquals(slow.flows.inactiveOf(id), fast.flows.inactiveOf(id));
        }
        for (int id = 0; id < 4; id++) {
            assertEquals(slow.counters.servicePackets(id), fast.counters.servicePackets(id));
            assertEquals(slow.counters.serviceBytes(id), fast.counters.serviceBytes(id));
        }
        assertEquals(slow.flows.size(), fast.flows.size());
        for (int slot = 0; slot < slow.flows.slots(); slot++) {
            assertEquals(slow.flows.isFree(slot), fast.flows.isFree(slot));
            assertEquals(slow.flows.packets(slot), fast.flows.packets(slot));
            assertEquals(slow.flows.bytes(slot), fast.flows.bytes(slot));
            assertEquals(slow.flows.stateCode(slot), fast.flows.stateCode(slot));
            assertEquals(slow.flows.realServer(slot), fast.flows.realServer(slot));
            assertEquals(slow.flows.remainingMs(slot, 0), fast.flows.remainingMs(slot, 0));
        }
    }

    private static byte[] packet(Random random) {
        boolean inet6 = random.nextBoolean();
        boolean tcp = random.nextBoolean();
        IpAddress client = inet6
                ? IpAddress.ofInet6(CLIENT6.high(), 1 + random.nextInt(8))
                : IpAddress.ofInet((int) CLIENT.low() + random.nextInt(8));
        int port = 1000 + random.nextInt(8);
        IpAddress vip = inet6 ? VIP6 : VIP;
        PacketBuilder builder = tcp
                ? PacketBuilder.tcp(client, port, vip, 80).tcpFlags(flags(random))
                : PacketBuilder.udp(client, port, vip, 53);
        builder.payloadLength(random.nextInt(8) == 0 ? random.nextInt(1600) : random.nextInt(30))
                .trafficClass(random.nextInt(256))
                .ttl(random.nextInt(16) == 0 ? random.nextInt(3) : 1 + random.nextInt(255));
        if (random.nextInt(3) == 0) {
            builder.padding(random.nextInt(20));
        }
        if (!inet6) {
            builder.identification(random.nextInt(0x10000));
        }
        if (!inet6 && random.nextBoolean()) {
            builder.dontFragment();
        }
        switch (random.nextInt(40)) {
            case 0 -> builder.tag(PacketBuilder.ETHERTYPE_8021Q, random.nextInt(4096));
            case 1 -> builder.ipLength(random.nextInt(100));
            case 2 -> builder.ipVersion(random.nextInt(16));
            default -> {
                // As most are.
            }
        }
        byte[] frame = builder.build();
        if (random.nextInt(30) == 0) {
            frame[12 + random.nextInt(frame.length - 12)] ^= (byte) (1 << random.nextInt(8));
        }
        return random.nextInt(60) == 0 ? Arrays.copyOf(frame, random.nextInt(frame.length)) : frame;
    }

    private static int flags(Random random) {
        return switch (random.nextInt(12)) {
            case 0 -> PacketBuilder.TCP_SYN;
            case 1 -> PacketBuilder.TCP_FIN | PacketBuilder.TCP_ACK;
            case 2 -> random.nextInt(64);
            default -> PacketBuilder.TCP_ACK | (random.nextBoolean() ? PacketBuilder.TCP_PSH : 0);
        };
    }
}
