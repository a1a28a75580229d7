package dev.sluice.bench;

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
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import dev.sluice.service.VirtualService;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the pipeline costs a packet of an established flow, by forwarding method: parse, flow, rewrite, without rings and kernel.
 *
 * <p>Arguments: payload octets of the UDP datagrams (18, which makes frames of 60), flows (10000), seconds a method (4).
 */
public final class PipelineBench {
    private static final int BATCH = 64;
    private static final int FRAME_BYTES = 2048;
    private static final int HEADROOM = 256;
    private static final IpAddress VIP = IpAddress.parse("203.0.113.1");
    private static final HashKey KEY = new HashKey(1, 2);

    private final int payload;
    private final int flowCount;
    private final MemorySegment umem;
    /** All flows' frames as they arrive. */
    private final MemorySegment frames;

    private final int frameBytes;

    private PipelineBench(int payload, int flowCount, Arena arena) {
        this.payload = payload;
        this.flowCount = flowCount;
        umem = arena.allocate((long) FRAME_BYTES * (BATCH + Batch.MAX_SPARES), 64);
        frameBytes = frame(0).length;
        frames = arena.allocate((long) frameBytes * flowCount, 64);
        for (int i = 0; i < flowCount; i++) {
            MemorySegment.copy(frame(i), 0, frames, ValueLayout.JAVA_BYTE, (long) i * frameBytes, frameBytes);
        }
    }

    private byte[] frame(int flow) {
        return PacketBuilder.udp(IpAddress.ofInet(0x0a00_0000 + flow), 1000 + flow % 50_000, VIP, 53)
                .payloadLength(payload)
                .build();
    }

    /** See the class. */
    public static void main(String[] arguments) {
        int payload = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 18;
        int flows = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 10_000;
        int seconds = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 4;
        Map<String, Tunnel> methods = new LinkedHashMap<>();
        methods.put("tun ipip", Tunnel.IPIP);
        methods.put("tun gre", new Tunnel(TunnelType.GRE, 0, Tunnel.Checksum.NONE));
        methods.put("tun gue", new Tunnel(TunnelType.GUE, 6080, Tunnel.Checksum.NONE));
        methods.put("tun gue, csum", new Tunnel(TunnelType.GUE, 6080, Tunnel.Checksum.CSUM));
        try (Arena arena = Arena.ofShared()) {
            PipelineBench bench = new PipelineBench(payload, flows, arena);
            System.out.printf(
                    "%d flows, frames of %d octets, batches of %d; median batch, copying the frames in taken off%n",
                    flows, bench.frameBytes, BATCH);
            System.out.printf("%-16s %8s%n", "method", "ns/packet");
            double copy = bench.time(null, seconds, arena);
            RealServer direct = new RealServer(0, IpAddress.parse("192.0.2.11"), 53, ForwardingMethod.DR, 1);
            System.out.printf("%-16s %8.1f%n", "dr", bench.time(direct, seconds, arena) - copy);
            methods.forEach((name, tunnel) ->
                    System.out.printf("%-16s %8.1f%n", name, bench.time(tunneled(tunnel), seconds, arena) - copy));
        }
    }

    private static RealServer tunneled(Tunnel tunnel) {
        IpAddress rip = IpAddress.parse("192.0.2.11");
        return new RealServer(0, rip, 53, ForwardingMethod.TUN, 1, 0, 0, tunnel, RealServer.VLAN_KEEP);
    }

    /** Nanoseconds a packet; of the copying alone without a real server. */
    private double time(@Nullable RealServer real, int seconds, Arena arena) {
        Pipeline pipeline = pipeline(arena);
        ForwardingSnapshot snapshot = real == null ? ForwardingSnapshot.empty() : snapshot(real);
        Batch batch = new Batch(FRAME_BYTES - HEADROOM);
        BatchTimes times = new BatchTimes();
        int next = 0;
        // The first second warms up.
        long startNs = System.nanoTime();
        long endNs = startNs + (seconds + 1) * 1_000_000_000L;
        long nowNs = startNs;
        while (nowNs < endNs) {
            batch.clear();
            for (int i = 0; i < BATCH; i++) {
                long at = (long) FRAME_BYTES * i + HEADROOM;
                batch.addresses()[i] = at;
                batch.lengths()[i] = frameBytes;
            }
            batch.received(BATCH);
            long beginNs = System.nanoTime();
            for (int i = 0; i < BATCH; i++) {
                long from = (long) next * frameBytes;
                MemorySegment.copy(frames, from, umem, (long) FRAME_BYTES * i + HEADROOM, frameBytes);
                next = next + 1 == flowCount ? 0 : next + 1;
            }
            if (real != null) {
                pipeline.process(snapshot, batch, 0, beginNs / 1_000_000);
            }
            nowNs = System.nanoTime();
            if (nowNs - startNs > 1_000_000_000L) {
                times.add(nowNs - beginNs);
            }
        }
        return times.median(BATCH);
    }

    private Pipeline pipeline(Arena arena) {
        FlowTable flows = new FlowTable(1 << 20, ForwardingSnapshot.MAX_REAL_SERVERS, arena);
        FlowCounts counts = new FlowCounts(ForwardingSnapshot.MAX_REAL_SERVERS);
        counts.add(flows);
        PersistenceTable templates = new PersistenceTable(1024, ForwardingSnapshot.MAX_REAL_SERVERS, KEY, arena);
        flows.keepTemplates(templates, arena);
        return new Pipeline(
                umem,
                flows,
                counts,
                new PersistenceTable.Sweeper(templates, 0, 1),
                new FragmentTable(1024, KEY),
                new FlowHasher(KEY),
                new Counters(),
                ConnectionPolicy.DEFAULT,
                PacketPolicy.DEFAULT,
                new FlowExchange(1));
    }

    private static ForwardingSnapshot snapshot(RealServer real) {
        AddressKey key = new AddressKey(Protocol.UDP, VIP, 53);
        VirtualService service = new VirtualService(0, key, SchedulerKind.MAGLEV, new ArrayList<>(List.of(real)));
        @Nullable IpPrefix source = real.tunnel() == null ? null : IpPrefix.parse("192.0.2.1");
        return new ForwardingSnapshot.Builder(1)
                .add(service, null, SchedulerParameters.of(new MaglevParameters(65537, KEY)))
                .nextHops(
                        0,
                        List.of(new NextHop(1, 0x02_00_00_00_00_11L, 0x02_00_00_00_00_02L, 1500, real.vlan(), source)))
                .build();
    }
}
