package dev.sluice.bench.baseline;

import dev.sluice.flow.FlowCounts;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.FragmentTable;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.forward.Batch;
import dev.sluice.forward.ConnectionPolicy;
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
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.MaglevParameters;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The director's own datapath under the configuration that {@code bench/baseline/workload.h} gives the C one. */
final class Workload {
    static final int UDP_PORT = 53;
    static final int TCP_PORT = 80;
    /** RPORT is VPORT and that much, with NAT. */
    static final int PORT_SHIFT = 8000;

    private static final int FRAME_BYTES = 2048;
    private static final int HEADROOM = 256;
    private static final int MAX_BATCH = 64;
    private static final int EXPIRY_BUDGET = 64;

    private final MemorySegment umem;
    private final Counters counters = new Counters();
    private final FlowTable flows;
    private final Pipeline pipeline;
    private final Batch batch = new Batch(FRAME_BYTES - HEADROOM);
    private final ForwardingSnapshot snapshot;

    Workload(
            Arena arena,
            ForwardingMethod method,
            boolean inet4,
            boolean inet6,
            int services,
            int realServers,
            int capacity,
            HashKey key) {
        umem = arena.allocate((long) FRAME_BYTES * MAX_BATCH, 64);
        flows = new FlowTable(capacity, ForwardingSnapshot.MAX_REAL_SERVERS, arena);
        flows.setMaxHalfOpen(capacity / 4);
        FlowCounts counts = new FlowCounts(ForwardingSnapshot.MAX_REAL_SERVERS);
        counts.add(flows);
        PersistenceTable templates = new PersistenceTable(64, ForwardingSnapshot.MAX_REAL_SERVERS, key, arena);
        flows.keepTemplates(templates, arena);
        flows.keepTranslations(arena);
        PacketPolicy silent = new PacketPolicy(false, false, 0, PacketPolicy.INHERIT, true, false);
        pipeline = new Pipeline(
                umem,
                flows,
                counts,
                new PersistenceTable.Sweeper(templates, 0, 1),
                new FragmentTable(64, key),
                new FlowHasher(key),
                counters,
                ConnectionPolicy.DEFAULT,
                silent,
                new FlowExchange(1));
        ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(1);
        int id = 0;
        for (boolean six : families(inet4, inet6)) {
            for (Protocol protocol : List.of(Protocol.UDP, Protocol.TCP)) {
                for (int number = 0; number < services; number++, id++) {
                    int port = protocol == Protocol.TCP ? TCP_PORT : UDP_PORT;
                    add(builder, id, new AddressKey(protocol, vip(number, six), port), method, six, realServers, key);
                }
            }
        }
        snapshot = builder.routes(routes()).build();
    }

    /** All clients are behind one gateway. */
    private static RouteTable routes() {
        PrefixList inet = new PrefixList(false);
        inet.add(0, 0, 0, 0, 0);
        PrefixList inet6 = new PrefixList(true);
        inet6.add(0, 0, 0, 0, 0);
        NextHop gateway = new NextHop(0, 0x02_00_00_00_00_01L, 0x02_00_00_00_00_02L, 1500, RealServer.VLAN_KEEP, null);
        return new RouteTable(
                new RouteRanges(inet.ranges(-1), inet6.ranges(-1)),
                List.of(new RouteTable.ByGateways(List.of(gateway))));
    }

    private static List<Boolean> families(boolean inet4, boolean inet6) {
        List<Boolean> families = new ArrayList<>();
        if (inet4) {
            families.add(false);
        }
        if (inet6) {
            families.add(true);
        }
        return families;
    }

    static IpAddress vip(int service, boolean inet6) {
        return inet6 ? IpAddress.ofInet6(0x2001_0db8_0002_0000L, service + 1) : IpAddress.ofInet(0xc612_0001 + service);
    }

    static IpAddress rip(int realServer, boolean inet6) {
        return inet6
                ? IpAddress.ofInet6(0x2001_0db8_0003_0000L, 0x100L + realServer)
                : IpAddress.ofInet(0x0a64_0000 + realServer);
    }

    private static void add(
            ForwardingSnapshot.Builder builder,
            int serviceId,
            AddressKey key,
            ForwardingMethod method,
            boolean inet6,
            int count,
            HashKey hashKey) {
        List<RealServer> realServers = new ArrayList<>();
        boolean tunneled = method == ForwardingMethod.TUN;
        @Nullable IpPrefix source = tunneled ? IpPrefix.parse(inet6 ? "2001:db8:3::1" : "192.0.2.1") : null;
        for (int i = 0; i < count; i++) {
            int id = serviceId * count + i;
            int port = method == ForwardingMethod.NAT ? key.port() + PORT_SHIFT : key.port();
            realServers.add(new RealServer(id, rip(id, inet6), port, method, 1));
            builder.nextHops(
                    id,
                    List.of(new NextHop(
                            0, 0x02_01_00_00_00_00L + id, 0x02_00_00_00_00_02L, 1500, RealServer.VLAN_KEEP, source)));
        }
        builder.add(
                new VirtualService(serviceId, key, SchedulerKind.MAGLEV, realServers),
                null,
                SchedulerParameters.of(new MaglevParameters(MaglevParameters.DEFAULT_TABLE_SIZE, hashKey)));
    }

    /** What became of each packet: its frame as it leaves, or none when it was dropped. */
    List<Optional<byte[]>> process(RandomPackets.Arrival arrival) {
        batch.clear();
        int count = arrival.frames().size();
        for (int i = 0; i < count; i++) {
            byte[] frame = arrival.frames().get(i);
            long at = (long) FRAME_BYTES * i + HEADROOM;
            MemorySegment.copy(frame, 0, umem, ValueLayout.JAVA_BYTE, at, frame.length);
            batch.addresses()[i] = at;
            batch.lengths()[i] = frame.length;
        }
        batch.received(count);
        pipeline.process(snapshot, batch, 0, arrival.nowMs());
        List<Optional<byte[]>> outcomes = new ArrayList<>();
        int sent = 0;
        for (int i = 0; i < count; i++) {
            boolean goesOn = batch.egress(i) >= 0;
            sent += goesOn ? 1 : 0;
            outcomes.add(
                    goesOn
                            ? Optional.of(umem.asSlice(batch.address(i), batch.length(i))
                                    .toArray(ValueLayout.JAVA_BYTE))
                            : Optional.empty());
        }
        pipeline.transmitted(sent, 0);
        pipeline.expire(snapshot, EXPIRY_BUDGET, arrival.nowMs());
        return outcomes;
    }

    Counters counters() {
        return counters;
    }

    FlowTable flows() {
        return flows;
    }
}
