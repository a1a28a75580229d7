package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.PacketCases;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.Protocol;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Packets in = packets forwarded + packets dropped by reason, whatever comes in. */
class EveryPacketAccountedTest {
    private final Harness harness = new Harness(1 << 14);

    private static ForwardingSnapshot snapshotOfCases() {
        List<VirtualService> services = new ArrayList<>();
        List<SchedulerKind> kinds = List.of(SchedulerKind.values());
        for (AddressKey key : PacketCases.SERVICES) {
            int id = services.size();
            SchedulerKind kind = kinds.get(id % kinds.size());
            services.add(Harness.service(id, key.protocol(), key.address().toString(), key.port(), kind, 1, 2, 3));
        }
        return Harness.snapshot(services.toArray(VirtualService[]::new));
    }

    private void feed(ForwardingSnapshot snapshot, List<byte[]> frames) {
        Random random = new Random(11);
        int next = 0;
        int forwarded = 0;
        while (next < frames.size()) {
            int count = Math.min(frames.size() - next, random.nextInt(Pipeline.MAX_BATCH + 1));
            for (int i = 0; i < count; i++) {
                harness.put(i, frames.get(next + i));
            }
            Arrays.fill(harness.egress, 77);
            harness.process(snapshot, count, next);
            int sent = 0;
            for (int i = 0; i < harness.batch.count(); i++) {
                if (harness.egress[i] == Batch.HELD) {
                    assertTrue(i < count);
                } else if (i >= count) {
                    // A piece of a large one, or one that waited, whose frame has been used again since.
                    sent += harness.egress[i] == Batch.DROPPED ? 0 : 1;
                } else if (harness.egress[i] == Batch.DROPPED) {
                    assertTrue(Arrays.equals(frames.get(next + i), harness.get(i)), "a dropped frame was written to");
                } else {
                    sent++;
                    if (harness.egress[i] == 1 && frames.get(next + i).length <= 1514) {
                        assertRewritten(frames.get(next + i), i);
                    } else {
                        assertTrue(harness.egress[i] == 0 || harness.egress[i] == 1);
                    }
                }
            }
            int refused = sent / 7;
            harness.pipeline.transmitted(sent - refused, refused);
            forwarded += sent - refused;
            next += count;
        }
        assertEquals(frames.size(), harness.counters.get(Counter.PACKETS_IN));
        assertEquals(forwarded, harness.counters.get(Counter.FORWARDED));
        long made = harness.counters.get(Counter.ICMP_ERROR_SENT) + harness.counters.get(Counter.FRAGMENT_MADE);
        assertEquals(
                frames.size() + made,
                harness.counters.get(Counter.FORWARDED) + harness.counters.dropped() + harness.pipeline.held());
    }

    /** MAC addresses new, TTL one less, IPv4 header checksum right; not one other byte changed. */
    private void assertRewritten(byte[] before, int i) {
        byte[] after = harness.get(i);
        assertEquals(Harness.DIRECTOR_MAC, Ethernet.source(harness.umem, harness.addresses[i]));
        int l3 = 12;
        while (type(before, l3) == Ethernet.TYPE_VLAN || type(before, l3) == Ethernet.TYPE_SERVICE_VLAN) {
            l3 += 4;
        }
        boolean inet6 = type(before, l3) == Ethernet.TYPE_IPV6;
        l3 += 2;
        byte[] expected = before.clone();
        System.arraycopy(after, 0, expected, 0, 12);
        expected[l3 + (inet6 ? 7 : 8)]--;
        if (!inet6) {
            assertEquals(0, Checksum.of(harness.umem, harness.addresses[i] + l3, (before[l3] & 0xf) * 4));
            expected[l3 + 10] = after[l3 + 10];
            expected[l3 + 11] = after[l3 + 11];
        }
        assertTrue(Arrays.equals(expected, after));
    }

    private static int type(byte[] frame, int at) {
        return (frame[at] & 0xff) << 8 | (frame[at + 1] & 0xff);
    }

    @Test
    void overTheTableOfPacketsAndItsDamagedKin() {
        List<byte[]> frames = new ArrayList<>(PacketCases.damaged(5, 40_000));
        for (int round = 0; round < 3; round++) {
            PacketCases.all().forEach(packet -> frames.add(packet.frame()));
        }
        Collections.shuffle(frames, new Random(12));
        feed(snapshotOfCases(), frames);
        assertTrue(harness.counters.get(Counter.FORWARDED) > 1000);
        assertTrue(harness.counters.get(Counter.FLOW_HIT) > 100);
    }

    /** Says nothing to senders of packets that it drops. */
    static Harness silent() {
        return new Harness(
                1 << 10,
                ConnectionPolicy.DEFAULT,
                new PacketPolicy(false, false, 0, PacketPolicy.INHERIT, true, false));
    }

    /** A packet for each of some reasons to drop it, under {@link #snapshotOfReasons}. */
    static Map<Counter, byte[]> oneOfEachReason() {
        Map<Counter, byte[]> one = new EnumMap<>(Counter.class);
        IpAddress client = IpAddress.parse("10.0.0.1");
        IpAddress vip = IpAddress.parse("10.0.0.100");
        one.put(Counter.NO_SERVICE, PacketBuilder.tcp(client, 1, vip, 81).build());
        one.put(Counter.NO_REAL_SERVER, PacketBuilder.tcp(client, 1, vip, 82).build());
        one.put(Counter.NO_NEIGHBOUR, PacketBuilder.tcp(client, 1, vip, 83).build());
        one.put(
                Counter.RST_WITHOUT_FLOW,
                PacketBuilder.tcp(client, 2, vip, 80)
                        .tcpFlags(PacketBuilder.TCP_RST)
                        .build());
        one.put(
                Counter.TTL_EXPIRED,
                PacketBuilder.tcp(client, 3, vip, 80).ttl(1).build());
        one.put(
                Counter.PACKET_TOO_BIG,
                PacketBuilder.tcp(client, 4, vip, 80)
                        .dontFragment()
                        .payloadLength(1461)
                        .build());
        one.put(
                Counter.ICMP_WITHOUT_FLOW,
                PacketBuilder.ethernet()
                        .ip(client, vip)
                        .icmp(3)
                        .payloadLength(28)
                        .build());
        one.put(
                Counter.UNSUPPORTED_PROTOCOL,
                PacketBuilder.ethernet().ip(client, vip).icmp(8).build());
        one.put(
                Counter.SCTP_WITHOUT_FLOW,
                PacketBuilder.sctp(client, 6, vip, 80).build());
        one.put(
                Counter.NO_IKE_FLOW,
                PacketBuilder.ethernet()
                        .ip(client, vip)
                        .raw(PacketBuilder.ESP)
                        .payloadLength(8)
                        .build());
        return one;
    }

    static ForwardingSnapshot snapshotOfReasons() {
        ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(1);
        Protocol tcp = Protocol.TCP;
        SchedulerKind rr = SchedulerKind.RR;
        builder.add(Harness.service(0, tcp, "10.0.0.100", 80, rr, 1), null, Harness.PARAMETERS)
                .add(Harness.service(1, tcp, "10.0.0.100", 82, rr, 0), null, Harness.PARAMETERS)
                .add(Harness.service(2, tcp, "10.0.0.100", 83, rr, 1), null, Harness.PARAMETERS)
                .add(Harness.service(3, Protocol.SCTP, "10.0.0.100", 80, rr, 1), null, Harness.PARAMETERS)
                .nextHops(0, List.of(new NextHop(1, Harness.macOf(0), Harness.DIRECTOR_MAC, 1500)));
        return builder.build();
    }

    @Test
    void everyReasonHasItsCounter() {
        Harness silent = silent();
        Map<Counter, byte[]> one = oneOfEachReason();
        ForwardingSnapshot snapshot = snapshotOfReasons();
        one.forEach((counter, frame) -> {
            long before = silent.counters.get(counter);
            assertEquals(Batch.DROPPED, silent.process(snapshot, frame, 0), counter::label);
            assertEquals(before + 1, silent.counters.get(counter), counter::label);
        });
        assertEquals(one.size(), silent.counters.dropped());
    }

    @Test
    void labelsAndHelpAreFitForPrint() {
        for (Counter counter : Counter.values()) {
            assertTrue(counter.label().matches("[a-z][a-z_]+"), counter.label());
            assertTrue(counter.help().length() > 20, counter.label());
        }
    }
}
