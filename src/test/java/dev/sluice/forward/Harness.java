package dev.sluice.forward;

import dev.sluice.flow.FlowCounts;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.FragmentTable;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.forward.observe.Observation;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.MaglevParameters;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A pipeline over a small UMEM, fed with byte arrays. */
final class Harness {
    static final HashKey KEY = new HashKey(0x0123456789abcdefL, 0xfedcba9876543210L);
    static final SchedulerParameters PARAMETERS = SchedulerParameters.of(new MaglevParameters(4093, KEY));
    static final long DIRECTOR_MAC = 0x02_00_00_00_05_00L;
    static final int FRAME_BYTES = 16384;

    private static final int SPARE_BYTES = 2048;
    private static final int HEADROOM = 256;
    /** A spare frame is used again after so many others. */
    private static final int MAX_SPARES_OUT = 1024;

    /** Spare frames in front, so that a frame at the very end of the segment lies at its end. */
    final MemorySegment umem = Arena.ofAuto().allocate(slot(Pipeline.MAX_BATCH), 64);

    private int nextSpare;
    final FlowTable flows;
    final FlowHasher hasher = new FlowHasher(KEY);
    final Counters counters = new Counters();
    final FlowCounts connections;
    final PersistenceTable templates;
    final Pipeline pipeline;
    final Batch batch = new Batch(2048 - 256);
    final long[] addresses = batch.addresses();
    final int[] lengths = batch.lengths();
    final int[] egress = batch.egress();

    Harness(int maxFlows) {
        this(maxFlows, ConnectionPolicy.DEFAULT);
    }

    Harness(int maxFlows, ConnectionPolicy policy) {
        this(maxFlows, policy, new FlowCounts(ForwardingSnapshot.MAX_REAL_SERVERS), new FlowExchange(1), templates());
    }

    /** One whose packets are treated by a policy. */
    Harness(int maxFlows, ConnectionPolicy policy, PacketPolicy packets) {
        this(
                maxFlows,
                policy,
                packets,
                new FlowCounts(ForwardingSnapshot.MAX_REAL_SERVERS),
                new FlowExchange(1),
                templates(),
                new FragmentTable(1024, KEY));
    }

    /** The next worker of several: all share counts, exchange and templates. */
    Harness(
            int maxFlows,
            ConnectionPolicy policy,
            FlowCounts connections,
            FlowExchange exchange,
            PersistenceTable templates) {
        this(maxFlows, policy, PacketPolicy.DEFAULT, connections, exchange, templates, new FragmentTable(1024, KEY));
    }

    /** As before; all share the table of fragments as well. */
    Harness(
            int maxFlows,
            ConnectionPolicy policy,
            PacketPolicy packets,
            FlowCounts connections,
            FlowExchange exchange,
            PersistenceTable templates,
            FragmentTable fragments) {
        this.connections = connections;
        this.templates = templates;
        flows = new FlowTable(maxFlows, ForwardingSnapshot.MAX_REAL_SERVERS, Arena.ofAuto());
        connections.add(flows);
        flows.keepTemplates(templates, Arena.ofAuto());
        flows.keepTranslations(Arena.ofAuto());
        pipeline = new Pipeline(
                umem,
                flows,
                connections,
                new PersistenceTable.Sweeper(templates, 0, 1),
                fragments,
                hasher,
                counters,
                policy,
                packets,
                exchange);
    }

    static PersistenceTable templates() {
        return new PersistenceTable(1024, ForwardingSnapshot.MAX_REAL_SERVERS, KEY, Arena.ofAuto());
    }

    /** Where slot {@code i} of the received frames begins. */
    static long slot(int i) {
        return (long) SPARE_BYTES * MAX_SPARES_OUT + (long) FRAME_BYTES * i;
    }

    /** Puts a frame at the very end of slot {@code i}, so that an overrun of the last one leaves the segment. */
    void put(int i, byte[] frame) {
        addresses[i] = slot(i + 1) - frame.length;
        lengths[i] = frame.length;
        MemorySegment.copy(frame, 0, umem, ValueLayout.JAVA_BYTE, addresses[i], frame.length);
    }

    byte[] get(int i) {
        return umem.asSlice(addresses[i], lengths[i]).toArray(ValueLayout.JAVA_BYTE);
    }

    /** Processes one frame, all of it sent; its egress port. */
    int process(ForwardingSnapshot snapshot, byte[] frame, long nowMs) {
        put(Pipeline.MAX_BATCH - 1, frame);
        addresses[0] = addresses[Pipeline.MAX_BATCH - 1];
        lengths[0] = frame.length;
        process(snapshot, 1, nowMs);
        pipeline.transmitted(egress[0] == Batch.DROPPED ? 0 : 1, 0);
        return egress[0];
    }

    /** Processes the first frames of the batch, which came in by port 0. */
    void process(ForwardingSnapshot snapshot, int count, long nowMs) {
        process(snapshot, count, 0, nowMs);
    }

    /** As before, of frames that came in by any port. */
    void process(ForwardingSnapshot snapshot, int count, int port, long nowMs) {
        batch.clear();
        batch.received(count);
        while (batch.spares() < Batch.MAX_SPARES) {
            batch.putSpare((long) SPARE_BYTES * (nextSpare++ % MAX_SPARES_OUT) + HEADROOM);
        }
        pipeline.process(snapshot, batch, port, nowMs);
    }

    /**
     * As a worker that observes: processes the first frames of the batch, part by part where there is something to observe.
     *
     * @param hasRoom by packet that is to be sent, whether its TX ring has room for it
     */
    void observe(Observation observation, ForwardingSnapshot snapshot, int count, long nowMs, BooleanSupplier hasRoom) {
        batch.clear();
        batch.received(count);
        if (!observation.begin(snapshot, batch, 0, pipeline.held() > 0, nowMs * 1_000_000)) {
            process(snapshot, count, nowMs);
            send(null, hasRoom);
            return;
        }
        while (observation.next(batch)) {
            while (batch.spares() < Batch.MAX_SPARES) {
                batch.putSpare((long) SPARE_BYTES * (nextSpare++ % MAX_SPARES_OUT) + HEADROOM);
            }
            pipeline.process(snapshot, batch, 0, nowMs);
            send(observation, hasRoom);
            observation.completed(batch);
        }
    }

    private void send(@Nullable Observation observation, BooleanSupplier hasRoom) {
        int sent = 0;
        int refused = 0;
        for (int i = 0; i < batch.count(); i++) {
            if (batch.egress(i) >= 0) {
                boolean room = hasRoom.getAsBoolean();
                sent += room ? 1 : 0;
                refused += room ? 0 : 1;
                if (!room && observation != null) {
                    observation.refused(i);
                }
            }
        }
        pipeline.transmitted(sent, refused);
    }

    /** Where the frame that {@link #process(ForwardingSnapshot, byte[], long)} took last goes. */
    long destinationMac() {
        return Ethernet.destination(umem, addresses[0]);
    }

    /** The slot of a frame's flow, or {@link FlowTable#NOT_FOUND}. */
    int slotOf(byte[] frame, long nowMs) {
        MemorySegment copy = MemorySegment.ofArray(frame);
        PacketView view = new PacketView();
        if (PacketParser.parse(copy, 0, frame.length, view) != PacketParser.OK) {
            throw new IllegalArgumentException("not a sound packet");
        }
        return flows.find(view, hasher.hash(view), nowMs);
    }

    /** Everything is behind one gateway. */
    static RouteTable defaultRoutes(NextHop gateway) {
        PrefixList inet = new PrefixList(false);
        inet.add(0, 0, 0, 0, 0);
        PrefixList inet6 = new PrefixList(true);
        inet6.add(0, 0, 0, 0, 0);
        return new RouteTable(
                new RouteRanges(inet.ranges(-1), inet6.ranges(-1)),
                List.of(new RouteTable.ByGateways(List.of(gateway))));
    }

    static VirtualService service(int id, Protocol protocol, String vip, int port, SchedulerKind kind, int... weights) {
        List<RealServer> reals = IntStream.range(0, weights.length)
                .mapToObj(i -> real(id * 100 + i, vip, weights[i]))
                .toList();
        return new VirtualService(id, new AddressKey(protocol, IpAddress.parse(vip), port), kind, reals);
    }

    private static RealServer real(int id, String vip, int weight) {
        IpAddress rip = vip.indexOf(':') >= 0
                ? IpAddress.ofInet6(0xfd00_0002_0000_0000L, id + 1)
                : IpAddress.ofInet(0xc000_0200 + id + 1);
        return new RealServer(id, rip, 0, ForwardingMethod.DR, weight);
    }

    /** The MAC address under which {@link #snapshot} finds a real server. */
    static long macOf(int realServer) {
        return 0x02_00_00_00_52_00L + realServer;
    }

    /** All services, every real server resolved on port 1 with an MTU of 1500. */
    static ForwardingSnapshot snapshot(VirtualService... services) {
        return snapshot(List.of(), services);
    }

    /** As {@link #snapshot(VirtualService...)}, with rules of firewall marks. */
    static ForwardingSnapshot snapshot(List<FwmarkRule> rules, VirtualService... services) {
        ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(1).fwmarkRules(rules);
        for (VirtualService service : services) {
            builder.add(service, null, PARAMETERS);
            for (RealServer real : service.realServers()) {
                builder.nextHops(real.id(), List.of(new NextHop(1, macOf(real.id()), DIRECTOR_MAC, 1500)));
            }
        }
        return builder.build();
    }
}
