package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.PacketCases;
import dev.sluice.flow.FlowState;
import dev.sluice.forward.observe.Injection;
import dev.sluice.forward.observe.Observation;
import dev.sluice.forward.observe.ObservationRing;
import dev.sluice.forward.observe.ObservedPacket;
import dev.sluice.forward.observe.ObservedPacket.Image;
import dev.sluice.forward.observe.ObservedPacket.Verdict;
import dev.sluice.forward.observe.Observer;
import dev.sluice.forward.observe.PacketFilter;
import dev.sluice.forward.observe.Selection;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.service.AddressKey;
import dev.sluice.service.Persistence;
import dev.sluice.service.Protocol;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is said of packets that are looked at is what became of them, and looking changes nothing. */
class ObservationTest {
    private static final IpAddress CLIENT = IpAddress.parse("10.1.0.1");
    private static final IpAddress OTHER = IpAddress.parse("10.2.0.1");
    private static final IpAddress VIP = IpAddress.parse("10.0.0.100");
    private static final Selection EVERY = new Selection(true, Set.of(), 1, false);
    private static final Selection DROPS = new Selection(false, Selection.drops(), 1, false);
    private static final Selection MISSES = new Selection(false, Selection.MISSES, 1, false);
    private static final int MANY = 1_000_000;

    private final Arena arena = Arena.ofAuto();
    private final ForwardingSnapshot rr =
            Harness.snapshot(Harness.service(0, Protocol.TCP, "10.0.0.100", 80, SchedulerKind.RR, 1, 1));

    private Observer observer(PacketFilter filter, Selection selection, int perSecond, int slots) {
        ObservationRing ring = new ObservationRing(slots, Observer.slotBytes(2048), arena);
        return new Observer(filter, selection, true, true, 2048, perSecond, ring);
    }

    private Observer observer(Selection selection) {
        return observer(PacketFilter.ALL, selection, MANY, 4096);
    }

    private Observation observation(Harness harness, Observer... observers) {
        return new Observation(
                List.of(observers), null, harness.umem, harness.flows, harness.hasher, harness.counters, 3, arena);
    }

    private static List<ObservedPacket> drain(Observer observer) {
        List<ObservedPacket> packets = new ArrayList<>();
        ObservedPacket packet;
        while ((packet = ObservedPacket.poll(observer.ring())) != null) {
            packets.add(packet);
        }
        return packets;
    }

    private static void put(Harness harness, List<byte[]> frames) {
        for (int i = 0; i < frames.size(); i++) {
            harness.put(i, frames.get(i));
        }
    }

    private static void observe(
            Harness harness, Observation observation, ForwardingSnapshot snapshot, long nowMs, byte[]... frames) {
        put(harness, List.of(frames));
        harness.observe(observation, snapshot, frames.length, nowMs, () -> true);
    }

    private static PacketFilter between(String client, String vip, int vipPort) {
        return new PacketFilter(
                client.isEmpty() ? null : IpPrefix.parse(client),
                -1,
                vip.isEmpty() ? null : IpPrefix.parse(vip),
                vipPort,
                -1,
                -1,
                -1);
    }

    @Test
    void a_drop_is_told_with_its_reason_and_the_packet_as_it_came() {
        EveryPacketAccountedTest.oneOfEachReason().forEach((reason, frame) -> {
            for (Selection selection : List.of(EVERY, DROPS, new Selection(false, Set.of(reason), 1, false))) {
                Harness harness = EveryPacketAccountedTest.silent();
                Observer observer = observer(selection);
                observe(
                        harness,
                        observation(harness, observer),
                        EveryPacketAccountedTest.snapshotOfReasons(),
                        0,
                        frame);
                List<ObservedPacket> packets = drain(observer);
                assertEquals(1, packets.size(), reason::label);
                ObservedPacket packet = packets.getFirst();
                assertEquals(Verdict.DROPPED, packet.verdict());
                assertEquals(1, packet.counters().get(reason), packet::toString);
                assertFalse(packet.shared());
                assertArrayEquals(frame, packet.bytes());
                assertEquals(frame.length, packet.originalLength());
            }
            Harness harness = EveryPacketAccountedTest.silent();
            Counter another = reason == Counter.NO_ROUTE ? Counter.NO_SERVICE : Counter.NO_ROUTE;
            Observer observer = observer(new Selection(false, Set.of(another), 1, false));
            observe(harness, observation(harness, observer), EveryPacketAccountedTest.snapshotOfReasons(), 0, frame);
            assertEquals(List.of(), drain(observer), "of another reason than " + reason);
        });
    }

    @Test
    void several_reasons_in_a_batch_are_told_apart_from_the_next_one_on() {
        Harness harness = EveryPacketAccountedTest.silent();
        ForwardingSnapshot snapshot = EveryPacketAccountedTest.snapshotOfReasons();
        Map<Counter, byte[]> one = EveryPacketAccountedTest.oneOfEachReason();
        List<byte[]> frames = new ArrayList<>(one.values());
        for (int i = 0; i < 50; i++) {
            frames.add(PacketBuilder.tcp(CLIENT, 2000 + i, VIP, 80).build());
        }
        Observer observer = observer(DROPS);
        Observation observation = observation(harness, observer);
        Random random = new Random(1);
        for (int round = 0; round < 5; round++) {
            Collections.shuffle(frames, random);
            observe(harness, observation, snapshot, 10 + round, frames.toArray(byte[][]::new));
            List<ObservedPacket> packets = drain(observer);
            assertEquals(one.size(), packets.size());
            if (round == 0) {
                assertTrue(packets.stream().allMatch(ObservedPacket::shared), packets::toString);
                assertTrue(packets.stream()
                        .allMatch(packet -> packet.counters().keySet().containsAll(one.keySet())));
                continue;
            }
            Map<Counter, byte[]> told = new EnumMap<>(Counter.class);
            packets.forEach(packet -> {
                assertEquals(1, packet.counters().size());
                told.put(packet.counters().keySet().iterator().next(), packet.bytes());
            });
            assertEquals(one.keySet(), told.keySet());
            one.forEach((reason, frame) -> assertArrayEquals(frame, told.get(reason), reason::label));
        }
    }

    @Test
    void a_packet_that_became_an_icmp_error_is_told_as_it_came() {
        Harness harness = new Harness(1 << 10);
        Observer observer = observer(DROPS);
        byte[] late =
                PacketBuilder.tcp(CLIENT, 7, VIP, 80).ttl(1).payloadLength(40).build();
        byte[] fine = PacketBuilder.tcp(CLIENT, 8, VIP, 80).payloadLength(40).build();
        observe(harness, observation(harness, observer), rr, 5, fine, late, fine, fine);
        List<ObservedPacket> packets = drain(observer);
        assertEquals(2, packets.size());
        assertEquals(Verdict.REFUSED, packets.getFirst().verdict());
        assertEquals(Map.of(Counter.TTL_EXPIRED, 1), packets.getFirst().counters());
        assertArrayEquals(late, packets.getFirst().bytes());
        assertEquals(Image.AFTER, packets.getLast().image());
        assertEquals(0, packets.getLast().egressPort());
        assertEquals(packets.getFirst().packetId(), packets.getLast().packetId());
    }

    @Test
    void a_packet_is_told_before_and_after() {
        Harness harness = new Harness(1 << 10);
        Observer observer = observer(between("10.1.0.0/16", "10.0.0.100", 80), EVERY, MANY, 64);
        Observation observation = observation(harness, observer);
        byte[] wanted = PacketBuilder.tcp(CLIENT, 7, VIP, 80).payloadLength(100).build();
        byte[] unwanted =
                PacketBuilder.tcp(OTHER, 7, VIP, 80).payloadLength(100).build();
        byte[] otherPort = PacketBuilder.tcp(CLIENT, 7, VIP, 81).build();
        observe(harness, observation, rr, 5, unwanted, wanted, otherPort);
        List<ObservedPacket> packets = drain(observer);
        assertEquals(2, packets.size(), packets::toString);
        ObservedPacket before = packets.getFirst();
        ObservedPacket after = packets.getLast();
        assertArrayEquals(wanted, before.bytes());
        assertEquals(Image.BEFORE, before.image());
        assertEquals(Verdict.FORWARDED, before.verdict());
        assertEquals(Map.of(Counter.PACKETS_IN, 1, Counter.FORWARDED, 1, Counter.FLOW_NEW, 1), before.counters());
        assertEquals(Image.AFTER, after.image());
        assertEquals(1, after.egressPort());
        assertEquals(before.packetId(), after.packetId());
        assertEquals(3, before.packetId() >>> 48);
        // Both MAC addresses are other ones, the TTL is one less.
        assertFalse(Arrays.equals(wanted, 0, 6, after.bytes(), 0, 6));
        assertEquals(wanted[22] - 1, after.bytes()[22]);
        assertEquals(1, observer.captured());
    }

    @Test
    void what_finds_no_flow_is_told_as_a_miss_and_nothing_else() {
        Harness harness = new Harness(1 << 10);
        Observer observer = observer(MISSES);
        Observation observation = observation(harness, observer);
        byte[] syn = PacketBuilder.tcp(CLIENT, 7, VIP, 80).build();
        byte[] ack = PacketBuilder.tcp(CLIENT, 7, VIP, 80)
                .tcpFlags(PacketBuilder.TCP_ACK)
                .build();
        byte[] middle = PacketBuilder.tcp(CLIENT, 8, VIP, 80)
                .tcpFlags(PacketBuilder.TCP_ACK)
                .build();
        byte[] elsewhere = PacketBuilder.tcp(CLIENT, 8, VIP, 81).build();
        observe(harness, observation, rr, 5, syn, ack, syn, middle, elsewhere, middle);
        List<ObservedPacket> befores = drain(observer).stream()
                .filter(packet -> packet.image() == Image.BEFORE)
                .toList();
        assertEquals(2, befores.size(), befores::toString);
        assertEquals(1, befores.getFirst().counters().get(Counter.FLOW_NEW));
        assertArrayEquals(syn, befores.getFirst().bytes());
        assertEquals(1, befores.getLast().counters().get(Counter.FLOW_NEW_SLOPPY));
        assertArrayEquals(middle, befores.getLast().bytes());
    }

    @Test
    void what_found_no_room_to_be_sent_is_told_as_it_came() {
        byte[] first = PacketBuilder.tcp(CLIENT, 7, VIP, 80).build();
        byte[] second = PacketBuilder.tcp(CLIENT, 8, VIP, 80).build();
        for (Selection selection : List.of(DROPS, EVERY)) {
            Harness harness = new Harness(1 << 10);
            Observer observer = observer(selection);
            put(harness, List.of(first, second));
            int[] sent = {0};
            harness.observe(observation(harness, observer), rr, 2, 5, () -> sent[0]++ == 0);
            List<ObservedPacket> dropped = drain(observer).stream()
                    .filter(packet -> packet.verdict() == Verdict.DROPPED)
                    .toList();
            assertEquals(1, dropped.size(), selection::toString);
            assertEquals(1, dropped.getFirst().counters().get(Counter.TX_RING_FULL));
            assertArrayEquals(second, dropped.getFirst().bytes());
        }
    }

    @Test
    void a_fragment_that_waited_in_vain_is_told() {
        Harness harness = new Harness(1 << 10);
        Observer observer = observer(DROPS);
        Observation observation = observation(harness, observer);
        byte[] fragment = PacketBuilder.udp(CLIENT, 7, VIP, 80)
                .payloadLength(80)
                .fragment(64, false)
                .build();
        byte[] fine = PacketBuilder.tcp(CLIENT, 7, VIP, 80).build();
        observe(harness, observation, rr, 5, fine, fragment);
        assertEquals(List.of(), drain(observer));
        byte[] other = fine.clone();
        harness.put(2, other);
        harness.addresses[0] = harness.addresses[2];
        harness.lengths[0] = other.length;
        harness.observe(observation, rr, 1, 5000, () -> true);
        List<ObservedPacket> packets = drain(observer);
        assertEquals(1, packets.size());
        assertEquals(
                Map.of(Counter.FRAGMENT_WITHOUT_FIRST, 1), packets.getFirst().counters());
        assertArrayEquals(fragment, packets.getFirst().bytes());
    }

    @Test
    void bounds_hold_and_what_is_beyond_them_is_counted() {
        Harness harness = EveryPacketAccountedTest.silent();
        ForwardingSnapshot snapshot = EveryPacketAccountedTest.snapshotOfReasons();
        byte[] nowhere = PacketBuilder.tcp(CLIENT, 7, VIP, 81).build();
        byte[][] frames = new byte[200][];
        Arrays.fill(frames, nowhere);
        Observer slow = observer(PacketFilter.ALL, EVERY, 100, 4096);
        Observer narrow = observer(PacketFilter.ALL, EVERY, MANY, 16);
        Observer slowDrops = observer(PacketFilter.ALL, DROPS, 100, 4096);
        Observer tenth = observer(PacketFilter.ALL, new Selection(true, Set.of(), 10, false), MANY, 4096);
        Observation observation = observation(harness, slow, narrow, slowDrops, tenth);
        long nowMs = System.nanoTime() / 1_000_000;
        for (int round = 0; round < 10; round++) {
            observe(harness, observation, snapshot, nowMs, frames);
        }
        // A tenth of a second's worth at once.
        assertEquals(10, drain(slow).size(), 1);
        assertEquals(2000, slow.captured() + slow.suppressed());
        assertEquals(16, drain(narrow).size());
        assertEquals(2000, narrow.captured() + narrow.lost() + narrow.suppressed());
        assertEquals(10, drain(slowDrops).size(), 1);
        assertEquals(2000, slowDrops.captured() + slowDrops.suppressed());
        assertEquals(200, drain(tenth).size(), 60);
    }

    @Test
    void no_more_than_so_many_packets_are_taken_alone_and_the_others_are_counted() {
        Harness harness = new Harness(1 << 14);
        Observer misses = observer(PacketFilter.ALL, MISSES, MANY, 64);
        Observer every = observer(PacketFilter.ALL, EVERY, MANY, 64);
        Observation observation = observation(harness, misses, every);
        long nowMs = System.nanoTime() / 1_000_000;
        for (int round = 0; round < 40; round++) {
            byte[][] frames = new byte[200][];
            for (int i = 0; i < frames.length; i++) {
                frames[i] =
                        PacketBuilder.tcp(CLIENT, 1 + round * 200 + i, VIP, 80).build();
            }
            observe(harness, observation, rr, nowMs, frames);
        }
        assertEquals(8000, harness.counters.get(Counter.FLOW_NEW));
        for (Observer observer : List.of(misses, every)) {
            assertEquals(8000, observer.captured() + observer.lost() + observer.suppressed());
            assertEquals(5000, (int) (observer.captured() + observer.lost()), 1);
        }
    }

    private static ForwardingSnapshot snapshotOfCases() {
        List<VirtualService> services = new ArrayList<>();
        for (AddressKey key : PacketCases.SERVICES) {
            services.add(Harness.service(
                    services.size(), key.protocol(), key.address().toString(), key.port(), SchedulerKind.RR, 1, 2, 3));
        }
        return Harness.snapshot(services.toArray(VirtualService[]::new));
    }

    /** Whoever looks, and at whatever: the same packets come out, and the same is counted. */
    @Test
    void looking_changes_nothing() {
        List<byte[]> frames = new ArrayList<>(PacketCases.damaged(5, 4_000));
        PacketCases.all().forEach(packet -> frames.add(packet.frame()));
        Collections.shuffle(frames, new Random(12));
        ForwardingSnapshot snapshot = snapshotOfCases();
        Harness plain = EveryPacketAccountedTest.silent();
        Harness watched = EveryPacketAccountedTest.silent();
        Observation observation = observation(
                watched,
                observer(PacketFilter.ALL, new Selection(true, Set.of(), 3, true), MANY, 64),
                observer(PacketFilter.ALL, DROPS, MANY, 64),
                observer(between("", "10.0.0.100", -1), MISSES, MANY, 64));
        for (int next = 0; next < frames.size(); next += 64) {
            List<byte[]> some = frames.subList(next, Math.min(next + 64, frames.size()));
            put(plain, some);
            put(watched, some);
            plain.process(snapshot, some.size(), next);
            int sent = 0;
            for (int i = 0; i < plain.batch.count(); i++) {
                sent += plain.egress[i] >= 0 ? 1 : 0;
            }
            plain.pipeline.transmitted(sent, 0);
            watched.observe(observation, snapshot, some.size(), next, () -> true);
        }
        for (Counter counter : Counter.values()) {
            assertEquals(plain.counters.get(counter), watched.counters.get(counter), counter::label);
        }
        assertEquals(plain.flows.size(), watched.flows.size());
        assertTrue(plain.counters.get(Counter.FORWARDED) > 100);
    }

    @Test
    void a_packet_made_and_not_sent_leaves_nothing_behind() {
        Harness harness = new Harness(1 << 10);
        VirtualService service = Harness.service(0, Protocol.TCP, "10.0.0.100", 80, SchedulerKind.RR, 1, 1);
        ForwardingSnapshot snapshot = Harness.snapshot(new VirtualService(
                0,
                service.key(),
                service.scheduler(),
                Set.of(),
                new Persistence(300, IpAddress.parse("255.255.255.255")),
                false,
                service.realServers()));
        byte[] syn = PacketBuilder.tcp(CLIENT, 7, VIP, 80).build();
        Counters apart = new Counters();
        ObservedPacket before = inject(harness, snapshot, syn, apart).getFirst();
        assertEquals(Verdict.FORWARDED, before.verdict());
        assertTrue(before.injected());
        assertEquals(1, before.counters().get(Counter.FLOW_NEW));
        assertEquals(1, before.counters().get(Counter.TEMPLATE_NEW));
        ObservedPacket.Detail detail = before.detail();
        assertNotNull(detail);
        assertEquals(0, detail.service());
        assertFalse(detail.before().isKnown());
        assertEquals(FlowState.SYN_RECV.code(), detail.after().state());

        assertEquals(0, harness.flows.size());
        assertEquals(0, harness.templates.size());
        assertEquals(0, harness.connections.active(0) + harness.connections.active(1));
        for (Counter counter : Counter.values()) {
            assertEquals(0, harness.counters.get(counter), counter::label);
        }
        assertEquals(0, harness.counters.serviceConnections(0) + harness.counters.servicePackets(0));

        // And what comes next is counted where it always is.
        harness.process(snapshot, syn, 5);
        assertEquals(1, harness.counters.get(Counter.PACKETS_IN));
        assertEquals(1, harness.counters.serviceConnections(0));
    }

    @Test
    void a_batch_that_nobody_wants_stays_as_it_is() {
        Harness harness = new Harness(1 << 10);
        Observation observation =
                observation(harness, observer(between("10.9.9.9/32", "10.0.0.100", 80), EVERY, MANY, 64));
        for (int i = 0; i < 3; i++) {
            harness.put(i, PacketBuilder.tcp(CLIENT, 7 + i, VIP, 80).build());
        }
        harness.batch.clear();
        harness.batch.received(3);
        assertFalse(observation.begin(rr, harness.batch, 0, false, 5));
        assertEquals(3, harness.batch.count());
        harness.put(
                1, PacketBuilder.tcp(IpAddress.parse("10.9.9.9"), 7, VIP, 80).build());
        assertTrue(observation.begin(rr, harness.batch, 0, false, 5));
        assertEquals(0, harness.batch.count());
        // Counters of every batch are looked at for those who want drops.
        Observation drops = observation(harness, observer(between("10.9.9.9/32", "10.0.0.100", 80), DROPS, MANY, 64));
        harness.put(1, PacketBuilder.tcp(CLIENT, 7, VIP, 80).build());
        harness.batch.received(3);
        assertTrue(drops.begin(rr, harness.batch, 0, false, 5));
    }

    @Test
    void a_packet_is_not_made_into_a_connection_that_there_is() {
        Harness harness = new Harness(1 << 10);
        byte[] syn = PacketBuilder.tcp(CLIENT, 7, VIP, 80).build();
        harness.process(rr, syn, 5);
        assertEquals(List.of(), inject(harness, rr, syn, new Counters()));
        assertEquals(1, harness.flows.size());
    }

    @Test
    void a_packet_made_and_sent_is_counted_as_made() {
        Harness harness = new Harness(1 << 10);
        byte[] syn = PacketBuilder.tcp(CLIENT, 7, VIP, 80).build();
        assertEquals(2, inject(harness, rr, syn, null).size());
        assertEquals(1, harness.counters.get(Counter.TRACE_SENT));
        assertEquals(0, harness.counters.get(Counter.PACKETS_IN));
        assertEquals(1, harness.counters.get(Counter.FORWARDED));
        assertEquals(1, harness.flows.size());
    }

    private List<ObservedPacket> inject(
            Harness harness, ForwardingSnapshot snapshot, byte[] frame, @Nullable Counters apart) {
        Observer observer = observer(new Selection(true, Set.of(), 1, true));
        Injection injection = new Injection(frame, 0, observer, apart);
        Observation observation = new Observation(
                List.of(), injection, harness.umem, harness.flows, harness.hasher, harness.counters, 0, arena);
        long nowNs = 5_000_000;
        harness.batch.clear();
        if (!observation.beginInjection(injection, snapshot, harness.batch, Harness.slot(0) + 256, nowNs)) {
            return drain(observer);
        }
        if (apart != null) {
            harness.counters.countApart(apart);
        }
        harness.pipeline.processMade(snapshot, harness.batch, 0, nowNs / 1_000_000);
        if (apart != null) {
            harness.counters.countHere();
        } else {
            harness.pipeline.transmitted(1, 0);
        }
        observation.injected(injection, harness.batch);
        assertEquals(Injection.Outcome.DONE, injection.outcome());
        return drain(observer);
    }

    @Test
    void looking_allocates_nothing() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Harness harness = EveryPacketAccountedTest.silent();
        ForwardingSnapshot snapshot = EveryPacketAccountedTest.snapshotOfReasons();
        List<byte[]> frames =
                new ArrayList<>(EveryPacketAccountedTest.oneOfEachReason().values());
        for (int i = 0; i < 100; i++) {
            frames.add(PacketBuilder.tcp(CLIENT, 2000 + i % 50, VIP, 80).build());
        }
        Observation observation = observation(
                harness,
                observer(PacketFilter.ALL, new Selection(true, Set.of(), 3, true), MANY, 64),
                observer(PacketFilter.ALL, DROPS, MANY, 64),
                observer(between("10.1.0.0/16", "10.0.0.100", -1), MISSES, MANY, 64),
                observer(between("10.1.0.1", "", 80), EVERY, 100, 64));
        long allocated = Long.MAX_VALUE;
        for (int attempt = 0; attempt < 6 && allocated != 0; attempt++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int round = 0; round < 3000; round++) {
                for (int i = 0; i < frames.size(); i++) {
                    harness.put(i, frames.get(i));
                }
                harness.observe(observation, snapshot, frames.size(), round, ObservationTest::hasRoom);
            }
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertEquals(0, allocated);
    }

    private static boolean hasRoom() {
        return true;
    }

    @Test
    void selections_that_cannot_be_met_are_refused() {
        for (Counter counter : Stream.of(Counter.TOO_MANY_FRAMES, Counter.FORWARDED, Counter.ICMP_RELAYED)
                .toList()) {
            assertThrows(IllegalArgumentException.class, () -> new Selection(false, Set.of(counter), 1, false));
        }
    }
}
