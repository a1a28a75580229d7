package dev.sluice.bench.pipeline;

import dev.sluice.ffi.PageMemory;
import dev.sluice.flow.FlowCounts;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.FragmentTable;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.forward.Batch;
import dev.sluice.forward.ConnectionPolicy;
import dev.sluice.forward.Counter;
import dev.sluice.forward.Counters;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.forward.NextHop;
import dev.sluice.forward.PacketPolicy;
import dev.sluice.forward.Pipeline;
import dev.sluice.forward.PrefixList;
import dev.sluice.forward.RouteRanges;
import dev.sluice.forward.RouteTable;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.Wire;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.MaglevParameters;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.Tunnel;
import dev.sluice.service.VirtualService;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A worker's duty cycle without rings: frames are copied to where a NIC would have put them, the real {@link Pipeline} works on them,
 * and what it let go is counted. Step by step what {@code bench/baseline/pipeline.c} does. Owned by: one thread.
 */
final class Datapath implements AutoCloseable {
    /** Packets a duty cycle. */
    static final int BATCH = 64;

    private static final int L3 = 14;
    private static final int LINE = 64;
    private static final int FRAME_BYTES = 2048;
    private static final int HEADROOM = 256;
    /** The default of {@code flow_table_size}: a table is no smaller. */
    private static final int DEFAULT_TABLE = 1 << 20;
    /** As in a worker. */
    private static final int EXPIRY_SLICE = 64;
    /** What the clock goes by but in {@link Scenario#MISS}: four million packets a second. */
    private static final int PACKETS_A_MS = 4096;
    /** {@link Scenario#MISS}: long beside the timer wheel's tick of 256 ms. So many flows come in it as there are to be. */
    private static final int MISS_TIMEOUT_MS = 2048;

    private static final HashKey KEY = new HashKey(1, 2);
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();

    private final PageMemory memory = new PageMemory();
    private final PipelineCase what;
    private final MemorySegment umem;
    private final MemorySegment images;
    private final int imageBytes;
    /** By image, of the frame in it. */
    private final int[] frameBytes;

    private final Counters counters = new Counters();
    private final Batch batch = new Batch(FRAME_BYTES - HEADROOM);
    private final FlowTable flows;
    private final Pipeline pipeline;
    private final ForwardingSnapshot snapshot;
    private final double packetsPerMs;

    private int nextImage;
    private long packets;

    /** Builds tables and images, and brings the flow table to the state in which the scenario finds it. */
    Datapath(PipelineCase what) {
        this.what = what;
        Frames frames = new Frames(what);
        umem = memory.allocate((long) FRAME_BYTES * (BATCH + Batch.MAX_SPARES), 64);
        for (int i = BATCH; i < BATCH + Batch.MAX_SPARES; i++) {
            batch.putSpare(at(i));
        }
        packetsPerMs = what.scenario() == Scenario.MISS ? (double) what.flows() / MISS_TIMEOUT_MS : PACKETS_A_MS;
        flows = flowTable();
        FlowCounts counts = new FlowCounts(ForwardingSnapshot.MAX_REAL_SERVERS);
        counts.add(flows);
        PersistenceTable templates = new PersistenceTable(1024, ForwardingSnapshot.MAX_REAL_SERVERS, KEY, memory);
        flows.keepTemplates(templates, memory);
        flows.keepTranslations(memory);
        pipeline = new Pipeline(
                umem,
                flows,
                counts,
                new PersistenceTable.Sweeper(templates, 0, 1),
                new FragmentTable(1024, KEY),
                new FlowHasher(KEY),
                counters,
                ConnectionPolicy.DEFAULT,
                PacketPolicy.DEFAULT,
                new FlowExchange(1));
        snapshot = snapshot(frames);
        char[] realServers = enter(frames);
        imageBytes = frames.imageBytes();
        int[] order = frames.order();
        frameBytes = new int[order.length - order.length % BATCH];
        images = memory.allocate((long) frameBytes.length * imageBytes, 64);
        for (int i = 0; i < frameBytes.length; i++) {
            int flow = frames.flow(order[i]);
            long at = (long) i * imageBytes;
            if (frames.isReply(order[i])) {
                frames.writeReply(flow, realServers[flow], images, at);
            } else {
                frames.write(flow, images, at);
            }
            frameBytes[i] = frames.frameBytes(flow);
        }
        while (what.scenario() == Scenario.MISS && packets < what.flows()) {
            forward();
        }
    }

    private FlowTable flowTable() {
        // What has expired stays until the timer wheel comes to it.
        int needed = what.scenario() == Scenario.MISS ? what.flows() + what.flows() / 2 : what.flows();
        FlowTable table = new FlowTable(Math.max(DEFAULT_TABLE, needed), ForwardingSnapshot.MAX_REAL_SERVERS, memory);
        if (what.scenario() == Scenario.MISS) {
            table.setTimeout(FlowState.SYN_RECV, MISS_TIMEOUT_MS);
        } else if (what.scenario() == Scenario.SYNFLOOD) {
            table.setMaxHalfOpen(what.flows());
            table.setTimeout(FlowState.SYN_RECV, FlowTable.MAX_TIMEOUT_MS);
        }
        return table;
    }

    private ForwardingSnapshot snapshot(Frames frames) {
        ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(1);
        Protocol protocol = frames.tcp() ? Protocol.TCP : Protocol.UDP;
        int id = 0;
        for (int inet6 = 0; inet6 < 2; inet6++) {
            if (what.family() != Family.MIXED && (inet6 == 1) != (what.family() == Family.INET6)) {
                continue;
            }
            for (int number = 0; number < what.services(); number++) {
                AddressKey key = new AddressKey(protocol, Frames.vip(number, inet6 == 1), frames.port());
                add(builder, id++, key, frames, inet6 == 1);
            }
        }
        return builder.routes(routes()).build();
    }

    /** All clients are behind one gateway. */
    private static RouteTable routes() {
        PrefixList inet = new PrefixList(false);
        inet.add(0, 0, 0, 0, 0);
        PrefixList inet6 = new PrefixList(true);
        inet6.add(0, 0, 0, 0, 0);
        NextHop gateway = new NextHop(0, Frames.CLIENT_MAC, Frames.DIRECTOR_MAC, 1500, RealServer.VLAN_KEEP, null);
        return new RouteTable(
                new RouteRanges(inet.ranges(-1), inet6.ranges(-1)),
                List.of(new RouteTable.ByGateways(List.of(gateway))));
    }

    private void add(ForwardingSnapshot.Builder builder, int serviceId, AddressKey key, Frames frames, boolean inet6) {
        Tunnel tunnel = what.method().tunnel();
        @Nullable IpPrefix source = tunnel == null ? null : IpPrefix.parse(inet6 ? "2001:db8:3::1" : "192.0.2.1");
        ForwardingMethod method = what.method().forwarding();
        List<RealServer> realServers = new ArrayList<>();
        for (int i = 0; i < what.realServers(); i++) {
            int id = serviceId * what.realServers() + i;
            IpAddress rip = Frames.rip(id, inet6);
            realServers.add(new RealServer(id, rip, frames.realPort(), method, 1, 0, 0, tunnel, RealServer.VLAN_KEEP));
            builder.nextHops(
                    id,
                    List.of(new NextHop(0, Frames.mac(id), Frames.DIRECTOR_MAC, 1500, RealServer.VLAN_KEEP, source)));
        }
        VirtualService service = new VirtualService(serviceId, key, SchedulerKind.MAGLEV, realServers);
        builder.add(service, null, SchedulerParameters.of(MaglevParameters.withKey(KEY)));
    }

    /** Enters the flows that the scenario finds in the table, if any: the id of each one's real server, for its replies. */
    private char[] enter(Frames frames) {
        char[] realServers = new char[what.flows()];
        if (what.scenario() == Scenario.COPY || what.scenario() == Scenario.MISS) {
            return realServers;
        }
        int flow = 0;
        while (flow < what.flows()) {
            int count = Math.min(BATCH, what.flows() - flow);
            batch.clear();
            for (int i = 0; i < count; i++, flow++) {
                frames.write(flow, umem, at(i));
                batch.addresses()[i] = at(i);
                batch.lengths()[i] = frames.frameBytes(flow);
            }
            batch.received(count);
            process();
            for (int i = 0; what.method() == Method.NAT && i < count; i++) {
                // What is to reply stands in the packet as it is now.
                boolean inet6 = what.family().isInet6(flow - count + i);
                long low = inet6
                        ? Wire.i64(umem, at(i) + L3 + Ipv6.DESTINATION + Long.BYTES)
                        : Wire.i32(umem, at(i) + L3 + Ipv4.DESTINATION);
                realServers[flow - count + i] =
                        (char) (low - Frames.rip(0, inet6).low());
            }
        }
        return realServers;
    }

    private static long at(int frame) {
        return (long) FRAME_BYTES * frame + HEADROOM;
    }

    /** Copies the next {@link #BATCH} frames to where a NIC would have put them; how many. */
    int deliver() {
        batch.clear();
        int first = nextImage;
        if (imageBytes == LINE) {
            copyLines((long) LINE * first);
        } else {
            copyPairsOfLines(2L * LINE * first);
        }
        long[] addresses = batch.addresses();
        for (int i = 0; i < BATCH; i++) {
            addresses[i] = at(i);
        }
        System.arraycopy(frameBytes, first, batch.lengths(), 0, BATCH);
        nextImage = first + BATCH == frameBytes.length ? 0 : first + BATCH;
        packets += BATCH;
        batch.received(BATCH);
        return batch.count();
    }

    /**
     * 64 octets, unrolled: a bulk copy of so few costs more. Not in a method of its own: the compiler would take that for too big to
     * inline, depending on which of the two it meets first, and check the bounds of each access.
     */
    private void copyLines(long from) {
        MemorySegment source = images;
        MemorySegment target = umem;
        for (int i = 0; i < BATCH; i++) {
            long at = from + (long) LINE * i;
            long to = at(i);
            long a = (long) LONG.get(source, at);
            long b = (long) LONG.get(source, at + 8);
            long c = (long) LONG.get(source, at + 16);
            long d = (long) LONG.get(source, at + 24);
            long e = (long) LONG.get(source, at + 32);
            long f = (long) LONG.get(source, at + 40);
            long g = (long) LONG.get(source, at + 48);
            long h = (long) LONG.get(source, at + 56);
            LONG.set(target, to, a);
            LONG.set(target, to + 8, b);
            LONG.set(target, to + 16, c);
            LONG.set(target, to + 24, d);
            LONG.set(target, to + 32, e);
            LONG.set(target, to + 40, f);
            LONG.set(target, to + 48, g);
            LONG.set(target, to + 56, h);
        }
    }

    private void copyPairsOfLines(long from) {
        for (int i = 0; i < BATCH; i++) {
            MemorySegment.copy(images, from + 2L * LINE * i, umem, at(i), 2L * LINE);
        }
    }

    /** A duty cycle with {@link #BATCH} packets: how many of them would have been sent. */
    int forward() {
        deliver();
        return process();
    }

    private int process() {
        long nowMs = (long) (packets / packetsPerMs);
        pipeline.process(snapshot, batch, 0, nowMs);
        int sent = 0;
        for (int i = 0; i < batch.count(); i++) {
            sent += batch.egress(i) < 0 ? 0 : 1;
        }
        pipeline.transmitted(sent, 0);
        pipeline.expire(snapshot, EXPIRY_SLICE, nowMs);
        return sent;
    }

    /**
     * Throws {@link IllegalStateException} when the packets' fates were not those of the scenario: the figures would be of something
     * else.
     */
    void check() {
        long all = counters.get(Counter.PACKETS_IN);
        Counter fate = switch (what.scenario()) {
            case HIT -> what.direction() == Direction.OUT ? Counter.REPLY_HIT : Counter.FLOW_HIT;
            case MISS -> Counter.FLOW_NEW;
            case SYNFLOOD -> Counter.FLOW_HALF_OPEN_FULL;
            case COPY -> Counter.PACKETS_IN;
        };
        // Others filled the table.
        long others = what.scenario() == Scenario.HIT || what.scenario() == Scenario.SYNFLOOD ? what.flows() : 0;
        long fared = counters.get(fate) + (what.direction() == Direction.BOTH ? counters.get(Counter.REPLY_HIT) : 0);
        if (counters.dropped() > 0 || fared < (all - others) * 0.999) {
            throw new IllegalStateException("of %d packets %d were %s and %d dropped"
                    .formatted(all - others, fared, fate.label(), counters.dropped()));
        }
    }

    /** How many packets fared so, those that filled the table included. */
    long count(Counter fate) {
        return counters.get(fate);
    }

    @Override
    public void close() {
        memory.close();
    }
}
