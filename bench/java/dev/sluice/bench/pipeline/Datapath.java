package dev.sluice.bench.pipeline;

import dev.sluice.bench.PacketBuilder;
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
import dev.sluice.packet.Checksum;
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

    private static final int LINE = 64;
    private static final int FRAME_BYTES = 2048;
    private static final int HEADROOM = 256;
    /** As in a worker. */
    private static final int EXPIRY_SLICE = 64;
    /** {@link Scenario#MISS}: enough for the empty ticks that a clock which runs ahead passes. */
    private static final int MISS_EXPIRY_SLICE = 256;
    /** {@link Scenario#MISS}: so full a table of ever new flows stays. */
    private static final int MISS_FILL_PERCENT = 75;
    /** The default of {@code half_open_percent}. */
    private static final int HALF_OPEN_PERCENT = 25;

    private static final int TCP_ACK = PacketBuilder.TCP_ACK;
    private static final int TCP_SYN = PacketBuilder.TCP_SYN;

    private static final HashKey KEY = new HashKey(1, 2);
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();

    private final PageMemory memory = new PageMemory();
    private final PipelineCase what;
    private final MemorySegment umem;
    private final MemorySegment images;
    private final int frameBytes;
    private final int imageBytes;
    private final long imagesBytes;
    private final boolean renewed;
    private final Counters counters = new Counters();
    private final Batch batch = new Batch(FRAME_BYTES - HEADROOM);
    private final FlowTable flows;
    private final Pipeline pipeline;
    private final ForwardingSnapshot snapshot;
    private final int expirySlice;
    /** Milliseconds times 2^16 that the clock goes on by each batch when flows are made to expire; else 0. */
    private final long step;

    private long stepped;
    /** Offset of the next image. */
    private long nextImage;
    /** The source of the next packet of a flow never seen. */
    private int newAddress;

    private int newPort;

    /** Builds tables and images, and brings the flow table to the state in which the scenario finds it. */
    Datapath(PipelineCase what) {
        this.what = what;
        Frames frames = new Frames(what);
        boolean miss = what.scenario() == Scenario.MISS;
        renewed = miss || what.scenario() == Scenario.SYNFLOOD;
        umem = memory.allocate((long) FRAME_BYTES * (BATCH + Batch.MAX_SPARES), 64);
        for (int i = BATCH; i < BATCH + Batch.MAX_SPARES; i++) {
            batch.putSpare(at(i));
        }
        frameBytes = frames.frameBytes();
        imageBytes = frames.imageBytes();
        int[] order = frames.order();
        imagesBytes = (long) order.length * imageBytes;
        images = memory.allocate(imagesBytes, 64);
        for (int i = 0; i < order.length; i++) {
            frames.write(order[i], TCP_SYN, images, (long) i * imageBytes);
        }
        int capacity = what.scenario() == Scenario.SYNFLOOD ? 2 * what.flows() : what.flows();
        flows = new FlowTable(capacity, ForwardingSnapshot.MAX_REAL_SERVERS, memory);
        flows.setMaxHalfOpen((int) ((long) capacity * HALF_OPEN_PERCENT / 100));
        FlowCounts counts = new FlowCounts(ForwardingSnapshot.MAX_REAL_SERVERS);
        counts.add(flows);
        PersistenceTable templates = new PersistenceTable(1024, ForwardingSnapshot.MAX_REAL_SERVERS, KEY, memory);
        flows.keepTemplates(templates, memory);
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
        expirySlice = miss ? MISS_EXPIRY_SLICE : EXPIRY_SLICE;
        step = miss
                ? (((long) BATCH * flows.timeoutMs(FlowState.UDP)) << 16)
                        / (((long) what.flows() * MISS_FILL_PERCENT + 99) / 100)
                : 0;
        // Clients beyond those of the flows that are there.
        newAddress = (int) Frames.client(what.flows(), false).low();
        if (what.scenario() == Scenario.HIT || what.scenario() == Scenario.SYNFLOOD) {
            enterFlows(frames);
        }
    }

    private ForwardingSnapshot snapshot(Frames frames) {
        ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(1);
        Protocol protocol = frames.tcp() ? Protocol.TCP : Protocol.UDP;
        int id = 0;
        for (int number = 0; number < what.services(); number++) {
            for (int inet6 = 0; inet6 < 2; inet6++) {
                if (what.family() == Family.MIXED || (inet6 == 1) == (what.family() == Family.INET6)) {
                    AddressKey key = new AddressKey(protocol, Frames.vip(number, inet6 == 1), frames.port());
                    add(builder, id++, key, inet6 == 1);
                }
            }
        }
        return builder.build();
    }

    private void add(ForwardingSnapshot.Builder builder, int serviceId, AddressKey key, boolean inet6) {
        Tunnel tunnel = what.method().tunnel();
        @Nullable IpPrefix source = tunnel == null ? null : IpPrefix.parse(inet6 ? "2001:db8::1" : "192.0.2.1");
        ForwardingMethod method = tunnel == null ? ForwardingMethod.DR : ForwardingMethod.TUN;
        List<RealServer> realServers = new ArrayList<>();
        for (int i = 0; i < what.realServers(); i++) {
            int id = serviceId * what.realServers() + i;
            IpAddress rip =
                    inet6 ? IpAddress.ofInet6(0x2001_0db8_0000_0001L, 1L + id) : IpAddress.ofInet(0xac10_0000 + id);
            realServers.add(new RealServer(id, rip, key.port(), method, 1, 0, 0, tunnel, RealServer.VLAN_KEEP));
            long mac = 0x02_00_00_01_00_00L + id;
            builder.nextHops(
                    id, List.of(new NextHop(1, mac, 0x02_00_00_00_00_02L, 1500, RealServer.VLAN_KEEP, source)));
        }
        VirtualService service = new VirtualService(serviceId, key, SchedulerKind.MAGLEV, realServers);
        builder.add(service, null, SchedulerParameters.of(MaglevParameters.withKey(KEY)));
    }

    /** Enters all flows, by a packet of each. */
    private void enterFlows(Frames frames) {
        long nowMs = System.nanoTime() / 1_000_000;
        int flow = 0;
        while (flow < what.flows()) {
            int count = Math.min(BATCH, what.flows() - flow);
            batch.clear();
            for (int i = 0; i < count; i++) {
                frames.write(flow++, TCP_ACK, umem, at(i));
                batch.addresses()[i] = at(i);
                batch.lengths()[i] = frameBytes;
            }
            batch.received(count);
            pipeline.process(snapshot, batch, 0, nowMs);
        }
    }

    private static long at(int frame) {
        return (long) FRAME_BYTES * frame + HEADROOM;
    }

    /** Copies the next {@link #BATCH} frames to where a NIC would have put them; how many. */
    int deliver() {
        batch.clear();
        if (imageBytes == LINE) {
            copyLines(nextImage);
        } else {
            copyPairsOfLines(nextImage);
        }
        nextImage += (long) BATCH * imageBytes;
        if (nextImage == imagesBytes) {
            nextImage = 0;
        }
        int bytes = frameBytes;
        long[] addresses = batch.addresses();
        int[] lengths = batch.lengths();
        for (int i = 0; i < BATCH; i++) {
            addresses[i] = at(i);
            lengths[i] = bytes;
        }
        batch.received(BATCH);
        return batch.count();
    }

    private void copyLines(long from) {
        MemorySegment source = images;
        MemorySegment target = umem;
        for (int i = 0; i < BATCH; i++) {
            copy(source, from + (long) LINE * i, target, at(i));
        }
    }

    private void copyPairsOfLines(long from) {
        MemorySegment source = images;
        MemorySegment target = umem;
        for (int i = 0; i < BATCH; i++) {
            long at = from + 2L * LINE * i;
            copy(source, at, target, at(i));
            copy(source, at + LINE, target, at(i) + LINE);
        }
    }

    /** 64 bytes, unrolled: a bulk copy of so few costs more. */
    private static void copy(MemorySegment source, long from, MemorySegment target, long to) {
        long a = (long) LONG.get(source, from);
        long b = (long) LONG.get(source, from + 8);
        long c = (long) LONG.get(source, from + 16);
        long d = (long) LONG.get(source, from + 24);
        long e = (long) LONG.get(source, from + 32);
        long f = (long) LONG.get(source, from + 40);
        long g = (long) LONG.get(source, from + 48);
        long h = (long) LONG.get(source, from + 56);
        LONG.set(target, to, a);
        LONG.set(target, to + 8, b);
        LONG.set(target, to + 16, c);
        LONG.set(target, to + 24, d);
        LONG.set(target, to + 32, e);
        LONG.set(target, to + 40, f);
        LONG.set(target, to + 48, g);
        LONG.set(target, to + 56, h);
    }

    /** Gives each packet of the batch the source of a flow never seen, and the IPv4 checksum that belongs to it. */
    private void renewSources() {
        for (int i = 0; i < BATCH; i++) {
            long l3 = at(i) + Frames.L3;
            if (Wire.u8(umem, l3) >>> 4 == 6) {
                Wire.putI32(umem, l3 + Ipv6.SOURCE + 12, newAddress);
                Wire.putU16(umem, l3 + 40, Frames.FIRST_PORT + newPort);
            } else {
                int checksum = Wire.u16(umem, l3 + Ipv4.CHECKSUM);
                checksum = Checksum.update(checksum, Wire.u16(umem, l3 + Ipv4.SOURCE), newAddress >>> 16);
                checksum = Checksum.update(checksum, Wire.u16(umem, l3 + Ipv4.SOURCE + 2), newAddress & 0xffff);
                Wire.putU16(umem, l3 + Ipv4.CHECKSUM, checksum);
                Wire.putI32(umem, l3 + Ipv4.SOURCE, newAddress);
                Wire.putU16(umem, l3 + 20, Frames.FIRST_PORT + newPort);
            }
            if (++newPort == Frames.PORTS) {
                newPort = 0;
                newAddress++;
            }
        }
    }

    /** A duty cycle with {@link #BATCH} packets: how many of them would have been sent. */
    int forward() {
        deliver();
        if (renewed) {
            renewSources();
        }
        stepped += step;
        long nowMs = System.nanoTime() / 1_000_000 + (stepped >> 16);
        pipeline.process(snapshot, batch, 0, nowMs);
        int sent = 0;
        for (int i = 0; i < batch.count(); i++) {
            sent += batch.egress(i) < 0 ? 0 : 1;
        }
        pipeline.transmitted(sent, 0);
        pipeline.expire(snapshot, expirySlice, nowMs);
        return sent;
    }

    /**
     * Throws {@link IllegalStateException} when the packets' fates were not those of the scenario: the figures would be of something
     * else.
     */
    void check() {
        long all = counters.get(Counter.PACKETS_IN);
        Counter fate = switch (what.scenario()) {
            case HIT -> Counter.FLOW_HIT;
            case MISS -> Counter.FLOW_NEW;
            case SYNFLOOD -> Counter.FLOW_HALF_OPEN_FULL;
            case COPY -> Counter.PACKETS_IN;
        };
        // Others filled the table.
        long others = what.scenario() == Scenario.HIT
                ? what.flows()
                : what.scenario() == Scenario.SYNFLOOD ? flows.size() : 0;
        if (counters.dropped() > 0 || counters.get(fate) < (all - others) * 0.999) {
            throw new IllegalStateException("of %d packets %d were %s and %d dropped"
                    .formatted(all - others, counters.get(fate), fate.label(), counters.dropped()));
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
