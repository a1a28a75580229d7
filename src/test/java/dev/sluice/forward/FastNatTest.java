package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ClientAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.LocalPool;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.TranslationOptions;
import dev.sluice.service.VirtualService;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** NAT's fast path does what the slow path does, both ways, and takes what it is for. */
class FastNatTest {
    private static final PacketPolicy KEEP_TTL = new PacketPolicy(true, false, 1000, 77, false, false);
    private static final int REALS = 3;
    private static final int LOCAL_PORT = 5000;
    private static final int LOCAL_PORTS = 16;

    /** Services of both families by NAT, or by NAT and direct routing; clients behind a router. */
    private enum Kind {
        NAT,
        FULLNAT,
        MIXED
    }

    private static ForwardingSnapshot snapshot(Kind kind) {
        LocalPool pool = new LocalPool(List.of(local(false), local(true)), LOCAL_PORT, LOCAL_PORT + LOCAL_PORTS - 1);
        TranslationOptions options = new TranslationOptions(pool, ClientAddress.NONE, false);
        ForwardingMethod translation = kind == Kind.FULLNAT ? ForwardingMethod.FULLNAT : ForwardingMethod.NAT;
        ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(1)
                .routes(Harness.defaultRoutes(new NextHop(0, 0x02_00_00_00_0c_00L, Harness.DIRECTOR_MAC, 1400)));
        int service = 0;
        for (boolean inet6 : new boolean[] {false, true}) {
            for (Protocol protocol : List.of(Protocol.TCP, Protocol.UDP)) {
                List<RealServer> reals = new ArrayList<>();
                for (int i = 0; i < REALS; i++) {
                    int id = service * REALS + i;
                    boolean nat = kind != Kind.MIXED || i > 0;
                    reals.add(new RealServer(
                            id, real(inet6, i), nat ? 8080 : 80, nat ? translation : ForwardingMethod.DR, 1));
                    int vlan = nat ? RealServer.VLAN_NONE : RealServer.VLAN_KEEP;
                    builder.nextHops(
                            id, List.of(new NextHop(1, Harness.macOf(i), Harness.DIRECTOR_MAC, 1500, vlan, null)));
                }
                AddressKey key = new AddressKey(protocol, virtual(inet6), 80);
                builder.add(
                        new VirtualService(service++, key, SchedulerKind.RR, Set.of(), null, false, options, reals),
                        null,
                        Harness.PARAMETERS);
            }
        }
        return builder.build();
    }

    private static IpAddress virtual(boolean inet6) {
        return IpAddress.parse(inet6 ? "2001:db8:2::1" : "203.0.113.1");
    }

    private static IpAddress local(boolean inet6) {
        return IpAddress.parse(inet6 ? "fd01::1" : "10.9.0.1");
    }

    private static IpAddress real(boolean inet6, int number) {
        return inet6 ? IpAddress.ofInet6(0xfd00L << 48, number + 1) : IpAddress.ofInet(0xc000_0200 + number + 1);
    }

    private static IpAddress client(boolean inet6, int number) {
        return inet6 ? IpAddress.ofInet6(0x2001_0db8L << 32, number) : IpAddress.ofInet(0xc633_6400 + number);
    }

    @ParameterizedTest
    @CsvSource({"NAT, false", "NAT, true", "MIXED, false", "FULLNAT, false", "FULLNAT, true"})
    void doesWhatTheSlowPathDoes(Kind kind, boolean keepTtl) {
        PacketPolicy policy = keepTtl ? KEEP_TTL : PacketPolicy.DEFAULT;
        Harness fast = new Harness(2048, ConnectionPolicy.DEFAULT, policy);
        Harness slow = new Harness(2048, ConnectionPolicy.DEFAULT, policy);
        slow.pipeline.fastPath().close();
        slow.pipeline.identifications().restart(1);
        fast.pipeline.identifications().restart(1);
        ForwardingSnapshot snapshot = snapshot(kind);
        Random random = new Random(11);
        long nowMs = 0;
        for (int round = 0; round < 3000; round++) {
            int count = 1 + random.nextInt(32);
            boolean replies = random.nextInt(3) > 0;
            for (int i = 0; i < count; i++) {
                byte[] frame = packet(kind, random, replies);
                fast.put(i, frame);
                slow.put(i, frame);
            }
            int port = replies ? 1 : 0;
            fast.process(snapshot, count, port, nowMs);
            slow.process(snapshot, count, port, nowMs);
            assertEquals(slow.batch.count(), fast.batch.count());
            for (int i = 0; i < slow.batch.count(); i++) {
                assertEquals(slow.egress[i], fast.egress[i], "packet " + i + " of round " + round);
                assertArrayEquals(slow.get(i), fast.get(i), "packet " + i + " of round " + round);
            }
            fast.pipeline.expire(snapshot, 64, nowMs);
            slow.pipeline.expire(snapshot, 64, nowMs);
            nowMs += random.nextInt(40) == 0 ? 100_000 : random.nextInt(20);
        }
        for (Counter counter : Counter.values()) {
            assertEquals(slow.counters.get(counter), fast.counters.get(counter), counter.label());
        }
        assertTrue(
                fast.counters.get(Counter.REPLY_HIT) > 2000, () -> "replies " + fast.counters.get(Counter.REPLY_HIT));
        for (int id = 0; id < 4 * REALS; id++) {
            assertEquals(slow.counters.realServerPackets(id), fast.counters.realServerPackets(id));
            assertEquals(slow.counters.realServerOutPackets(id), fast.counters.realServerOutPackets(id));
            assertEquals(slow.counters.realServerOutBytes(id), fast.counters.realServerOutBytes(id));
            assertEquals(slow.flows.activeOf(id), fast.flows.activeOf(id));
        }
        assertEquals(slow.flows.size(), fast.flows.size());
        for (int slot = 0; slot < slow.flows.slots(); slot++) {
            assertEquals(slow.flows.isFree(slot), fast.flows.isFree(slot));
            assertEquals(slow.flows.packets(slot), fast.flows.packets(slot));
            assertEquals(slow.flows.bytes(slot), fast.flows.bytes(slot));
            assertEquals(slow.flows.stateCode(slot), fast.flows.stateCode(slot));
            assertEquals(slow.flows.remainingMs(slot, 0), fast.flows.remainingMs(slot, 0));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Kind.class,
            names = {"NAT", "FULLNAT"})
    void takesPlainPacketsBothWays(Kind kind) {
        Harness harness = new Harness(64);
        ForwardingSnapshot snapshot = snapshot(kind);
        for (boolean inet6 : new boolean[] {false, true}) {
            byte[] in = PacketBuilder.udp(client(inet6, 1), 1000, virtual(inet6), 80)
                    .build();
            harness.put(0, in);
            harness.process(snapshot, 1, 0, 0);
            byte[] back = reply(harness.get(0));
            for (int i = 0; i < 10; i++) {
                harness.put(i, i % 2 == 0 ? in : back);
            }
            harness.batch.clear();
            harness.batch.received(10);
            FastPath plain = harness.pipeline.fastPath();
            long[] hashes = new long[Batch.CAPACITY];
            assertEquals(0, plain.read(harness.batch, 0, 10));
            plain.hash(hashes, 0, 10);
            assertEquals(0, plain.forward(snapshot, harness.batch, hashes, 0, 10, 1));
            assertEquals(10, harness.pipeline.fastNat().forward(snapshot, harness.batch, hashes, 0, 10, 1));
        }
    }

    /** What a real server answers to a datagram. */
    private static byte[] reply(byte[] datagram) {
        PacketView view = new PacketView();
        PacketParser.parse(MemorySegment.ofArray(datagram), 0, datagram.length, view);
        IpAddress to = view.inet6()
                ? IpAddress.ofInet6(view.sourceHigh(), view.sourceLow())
                : IpAddress.ofInet((int) view.sourceLow());
        IpAddress from = view.inet6()
                ? IpAddress.ofInet6(view.destinationHigh(), view.destinationLow())
                : IpAddress.ofInet((int) view.destinationLow());
        int fromPort = view.destinationPort();
        int toPort = view.sourcePort();
        return PacketBuilder.udp(from, fromPort, to, toPort).build();
    }

    private static byte[] packet(Kind kind, Random random, boolean reply) {
        boolean inet6 = random.nextBoolean();
        IpAddress client = client(inet6, 1 + random.nextInt(4));
        int port = 1000 + random.nextInt(4);
        IpAddress from = reply ? real(inet6, random.nextInt(REALS)) : client;
        int fromPort = reply ? 8080 : port;
        IpAddress seen = kind == Kind.FULLNAT ? local(inet6) : client;
        int seenPort = kind == Kind.FULLNAT ? LOCAL_PORT + random.nextInt(LOCAL_PORTS) : port;
        IpAddress to = reply ? seen : virtual(inet6);
        int toPort = reply ? seenPort : 80;
        PacketBuilder builder = random.nextBoolean()
                ? PacketBuilder.tcp(from, fromPort, to, toPort).tcpFlags(flags(random))
                : PacketBuilder.udp(from, fromPort, to, toPort);
        builder.payloadLength(random.nextInt(8) == 0 ? random.nextInt(1600) : random.nextInt(30))
                .ttl(random.nextInt(16) == 0 ? random.nextInt(3) : 1 + random.nextInt(255))
                .macs(0x02_00_00_00_0c_00L, Harness.DIRECTOR_MAC);
        if (!inet6 && random.nextBoolean()) {
            builder.dontFragment();
        }
        if (!inet6 && random.nextInt(20) == 0) {
            builder.transportChecksum(0);
        }
        if (random.nextInt(40) == 0) {
            builder.tag(PacketBuilder.ETHERTYPE_8021Q, random.nextInt(4096));
        }
        byte[] frame = builder.build();
        if (random.nextInt(50) == 0) {
            frame[12 + random.nextInt(frame.length - 12)] ^= (byte) (1 << random.nextInt(8));
        }
        return frame;
    }

    private static int flags(Random random) {
        return switch (random.nextInt(14)) {
            case 0, 1 -> PacketBuilder.TCP_SYN;
            case 2 -> PacketBuilder.TCP_FIN | PacketBuilder.TCP_ACK;
            case 3 -> random.nextInt(64);
            default -> PacketBuilder.TCP_ACK;
        };
    }
}
