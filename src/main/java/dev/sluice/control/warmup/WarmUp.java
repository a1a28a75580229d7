package dev.sluice.control.warmup;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.PageMemory;
import dev.sluice.ffi.generated.Native;
import dev.sluice.flow.FlowCounts;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.FragmentTable;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.forward.ConnectionPolicy;
import dev.sluice.forward.Counters;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.forward.NextHop;
import dev.sluice.forward.PacketPolicy;
import dev.sluice.forward.Pipeline;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import dev.sluice.worker.SnapshotSlot;
import dev.sluice.worker.Worker;
import dev.sluice.xsk.FramePool;
import dev.sluice.xsk.RehearsalPort;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One rehearsal. Its worker, tables, counters and frames are its own and gone afterwards; all it leaves behind is compiled
 * code. {@link #run} is for one thread, any; the worker runs on its own as always.
 */
public final class WarmUp {
    private static final int RING = 512;
    private static final int FRAME_BYTES = 2048;
    private static final int HEADROOM_BYTES = 256;
    private static final int FLOWS = 1 << 14;
    private static final int TEMPLATES = 1 << 10;
    /** So that connections are made and forgotten in the time there is. */
    private static final int TIMEOUT_MS = 10;
    /** Services beyond these are directed by the same code. */
    private static final int MAX_SERVICES = 64;

    private static final IpAddress NOBODY4 = IpAddress.parse("198.18.255.1");
    private static final IpAddress NOBODY6 = IpAddress.parse("2001:2:0:ffff::1");

    /**
     * What the rehearsal has in common with the performance.
     *
     * @param ports how many interfaces a worker serves
     * @param workers how many there will be
     * @param batchSize packets taken from an interface at a time
     * @param busyIdle whether workers never sleep
     * @param multiBuffer whether a packet may take more than one frame
     */
    public record Setting(
            int ports,
            int workers,
            int batchSize,
            boolean busyIdle,
            boolean multiBuffer,
            ConnectionPolicy connectionPolicy,
            PacketPolicy packetPolicy,
            SchedulerParameters parameters,
            HashKey key) {}

    private final Setting setting;
    private final ForwardingSnapshot snapshot;
    private final MadeUpFrames frames;

    /**
     * A rehearsal of the configured services, or of some usual ones when there are none.
     *
     * @param configured a snapshot of the services; its next hops do not matter
     */
    public WarmUp(Setting setting, ForwardingSnapshot configured, List<VirtualService> services) {
        this.setting = setting;
        List<VirtualService> reached = services.stream()
                .filter(service -> service.key() instanceof AddressKey key && MadeUpFrames.canReach(key))
                .limit(MAX_SERVICES)
                .toList();
        if (reached.stream().allMatch(service -> service.realServers().isEmpty())) {
            List<VirtualService> usual = usual();
            ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(1);
            for (VirtualService service : usual) {
                builder.add(service, null, setting.parameters());
                service.realServers().forEach(real -> builder.nextHops(real.id(), List.of(hop(real))));
            }
            snapshot = builder.build();
            frames = new MadeUpFrames(keys(usual));
        } else {
            Map<Integer, NextHop> hops = new HashMap<>();
            services.forEach(service -> service.realServers().forEach(real -> hops.put(real.id(), hop(real))));
            snapshot = configured.withNextHops(configured.generation(), id -> {
                NextHop hop = hops.get(id);
                return hop == null ? List.of() : List.of(hop);
            });
            frames = new MadeUpFrames(keys(reached));
        }
    }

    private static List<AddressKey> keys(List<VirtualService> services) {
        return services.stream().map(service -> (AddressKey) service.key()).toList();
    }

    /** TCP and UDP, both families, by direct routing. */
    private static List<VirtualService> usual() {
        List<VirtualService> services = new ArrayList<>();
        for (IpAddress vip : List.of(NOBODY4, NOBODY6)) {
            for (Protocol protocol : List.of(Protocol.TCP, Protocol.UDP)) {
                int id = services.size();
                RealServer real = new RealServer(id, vip, 80, ForwardingMethod.DR, 1);
                services.add(
                        new VirtualService(id, new AddressKey(protocol, vip, 80), SchedulerKind.WRR, List.of(real)));
            }
        }
        return services;
    }

    private NextHop hop(RealServer real) {
        IpAddress nobody = real.address().family() == AddressFamily.INET ? NOBODY4 : NOBODY6;
        return new NextHop(
                real.id() % setting.ports(),
                0x02_00_00_00_00_03L,
                0x02_00_00_00_00_04L,
                1500,
                real.vlan(),
                real.method() == ForwardingMethod.TUN
                        ? new IpPrefix(nobody, nobody.family().addressBits())
                        : null);
    }

    /**
     * Rehearses for so long, or until so many packets have been directed.
     *
     * @return how many packets the worker took and sent
     * @throws NativeException when there is no memory, or no pair of sockets
     */
    public long run(long durationMs, long packets) throws InterruptedException {
        CallState state = CallState.current();
        int[] fds = new int[2];
        NativeException.check(
                LibC.socketPair(state, Native.SOCK_DGRAM() | Native.SOCK_NONBLOCK(), fds), "socketpair(AF_UNIX)");
        try (Arena arena = Arena.ofShared();
                PageMemory memory = new PageMemory()) {
            int frameCount = Integer.highestOneBit(RING * (setting.ports() * 2 + 3)) * 2;
            MemorySegment umem = memory.allocate((long) frameCount * FRAME_BYTES, FRAME_BYTES);
            List<RehearsalPort> ports = new ArrayList<>();
            for (int i = 0; i < setting.ports(); i++) {
                ports.add(new RehearsalPort(
                        "rehearsal" + i, umem, HEADROOM_BYTES, RING, fds[0], setting.multiBuffer(), arena));
            }
            Worker worker = worker(umem, new FramePool(frameCount, FRAME_BYTES), ports, memory);
            worker.start();
            try {
                return play(ports, fds[1], System.nanoTime() + durationMs * 1_000_000, packets);
            } finally {
                worker.stop();
            }
        } finally {
            LibC.close(state, fds[0]);
            LibC.close(state, fds[1]);
        }
    }

    /** Plays the kernel and the network. */
    private long play(List<RehearsalPort> ports, int peerFd, long deadlineNs, long packets) {
        CallState state = CallState.current();
        long sent = 0;
        while (sent < packets && System.nanoTime() - deadlineNs < 0) {
            for (RehearsalPort port : ports) {
                for (int i = 0; i < setting.batchSize(); i++) {
                    byte[] frame = frames.next();
                    if (!port.receive(frame, frame.length)) {
                        break;
                    }
                }
                port.deliver();
            }
            // Ends a sleep of the worker's in poll, and lets it kick again.
            var _ = LibC.send(state, peerFd, MemorySegment.NULL, 0, 0);
            boolean idle = true;
            for (int turn = 0; turn < 64 || (idle && turn < 1024); turn++) {
                for (RehearsalPort port : ports) {
                    int count = port.send(RING);
                    sent += count;
                    idle &= count == 0;
                }
                Thread.onSpinWait();
            }
            while (LibC.receive(state, peerFd, MemorySegment.NULL, 0, 0) >= 0) {
                // A kick: an empty datagram.
            }
        }
        return sent;
    }

    private Worker worker(MemorySegment umem, FramePool pool, List<RehearsalPort> ports, PageMemory memory) {
        FlowExchange exchange = new FlowExchange(Math.min(setting.workers(), 2));
        PersistenceTable templates =
                new PersistenceTable(TEMPLATES, ForwardingSnapshot.MAX_REAL_SERVERS, setting.key(), memory);
        FlowCounts counts = new FlowCounts(ForwardingSnapshot.MAX_REAL_SERVERS);
        FlowTable flows = flowTable(templates, memory);
        counts.add(flows);
        Counters counters = new Counters();
        FlowHasher hasher = new FlowHasher(setting.key());
        Pipeline pipeline = new Pipeline(
                umem,
                flows,
                counts,
                new PersistenceTable.Sweeper(templates, 0, 1),
                new FragmentTable(TEMPLATES, setting.key()),
                hasher,
                counters,
                setting.connectionPolicy(),
                setting.packetPolicy(),
                exchange);
        if (setting.workers() > 1) {
            exchange.join(flowTable(templates, memory));
        }
        return new Worker(
                0,
                -1,
                ports.stream().map(RehearsalPort::socket).toList(),
                pool,
                pipeline,
                flows,
                counters,
                new SnapshotSlot<>(snapshot),
                setting.busyIdle(),
                setting.batchSize());
    }

    private static FlowTable flowTable(PersistenceTable templates, PageMemory memory) {
        FlowTable flows = new FlowTable(FLOWS, ForwardingSnapshot.MAX_REAL_SERVERS, memory);
        flows.keepTemplates(templates, memory);
        flows.keepTranslations(memory);
        for (FlowState state : FlowState.values()) {
            if (state.defaultTimeoutMs() > 0) {
                flows.setTimeout(state, TIMEOUT_MS);
            }
        }
        return flows;
    }
}
