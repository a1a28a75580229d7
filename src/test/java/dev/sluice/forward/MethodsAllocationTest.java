package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Hundreds of thousands of packets by every forwarding method, with answers to what is too big or too old, echo, errors relayed,
 * pieces made, and fragments in order, out of order and in vain, cost not one byte of heap.
 */
class MethodsAllocationTest {
    private static final int BATCHES = 4000;
    private static final int HEADROOM = 256;
    /** Longer than a datagram in fragments is known. */
    private static final int BATCH_MS = 6000;

    private static final List<byte[]> FRAMES = frames();

    static Stream<GoldenSetup> setups() {
        List<GoldenSetup> setups = new ArrayList<>(List.of(GoldenSetup.DR, GoldenSetup.DR.inVlan(100)));
        for (boolean outer6 : new boolean[] {false, true}) {
            setups.add(GoldenSetup.ipip(outer6));
            setups.add(GoldenSetup.ipip(outer6).fragmentInner());
            for (Tunnel.Checksum checksum : List.of(Tunnel.Checksum.NONE, Tunnel.Checksum.CSUM)) {
                setups.add(GoldenSetup.tunnel(new Tunnel(TunnelType.GUE, 6080, checksum), outer6));
                setups.add(GoldenSetup.tunnel(new Tunnel(TunnelType.GRE, 0, checksum), outer6));
            }
        }
        return setups.stream().map(setup -> setup.mtu(1280).answerEcho());
    }

    /** What a batch holds, and once more in reverse order. */
    private static List<byte[]> frames() {
        List<byte[]> frames = new ArrayList<>();
        for (int service = 0; service < 4; service++) {
            frames.add(GoldenFrames.to(service).payloadLength(100).build());
            frames.add(GoldenFrames.to(service)
                    .payloadLength(101)
                    .tag(PacketBuilder.ETHERTYPE_8021Q, 7)
                    .build());
            frames.add(GoldenFrames.to(service).ttl(1).build());
            frames.add(
                    GoldenFrames.to(service).payloadLength(1300).dontFragment().build());
            frames.add(GoldenFrames.to(service).payloadLength(1220).build());
            frames.add(GoldenFrames.to(service)
                    .payloadLength(1400)
                    .ipOptions((byte) 7, (byte) 3, (byte) 4)
                    .build());
        }
        for (int service : new int[] {GoldenSetup.UDP4, GoldenSetup.UDP6}) {
            boolean inet6 = service == GoldenSetup.UDP6;
            PacketBuilder from = PacketBuilder.ethernet()
                    .ip(inet6 ? GoldenSetup.CLIENT6 : GoldenSetup.CLIENT4, inet6 ? GoldenSetup.VIP6 : GoldenSetup.VIP4);
            byte[] quoted = PacketBuilder.ethernet()
                    .ip(inet6 ? GoldenSetup.VIP6 : GoldenSetup.VIP4, inet6 ? GoldenSetup.CLIENT6 : GoldenSetup.CLIENT4)
                    .udp(53, GoldenFrames.CLIENT_SOURCE_PORT)
                    .buildPacket();
            frames.add(from.icmp(inet6 ? 128 : 8).payloadLength(57).build());
            frames.add(from.icmp(inet6 ? 2 : 3, inet6 ? 0 : 4, 1280)
                    .payload(quoted)
                    .build());
            frames.addAll(GoldenFrames.to(service).payloadLength(1000).buildFragments(400, 7));
            frames.add(GoldenFrames.to(service)
                    .payloadLength(1000)
                    .buildFragments(400, 8)
                    .getLast());
        }
        frames.addAll(List.copyOf(frames).reversed());
        return frames;
    }

    @ParameterizedTest
    @MethodSource("setups")
    void nothingIsAllocated(GoldenSetup setup) {
        Harness harness = new Harness(1024, ConnectionPolicy.DEFAULT, setup.policy());
        ForwardingSnapshot snapshot = setup.snapshot();
        MemorySegment[] sources = FRAMES.stream().map(MemorySegment::ofArray).toArray(MemorySegment[]::new);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long nowMs = 0;
        // As in PipelineAllocationTest: the first runs link call sites and are compiled.
        long allocated = Long.MAX_VALUE;
        for (int attempt = 0; attempt < 5 && allocated != 0; attempt++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            run(harness, snapshot, sources, nowMs);
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
            nowMs += (long) BATCHES * BATCH_MS;
        }
        assertEquals(0, allocated, "bytes allocated over " + BATCHES * sources.length + " packets");
        for (Counter counter : new Counter[] {
            Counter.FORWARDED,
            Counter.FLOW_HIT,
            Counter.TTL_EXPIRED,
            Counter.PACKET_TOO_BIG,
            Counter.ICMP_ERROR_SENT,
            Counter.ICMP_RELAYED,
            Counter.ECHO_ANSWERED,
            Counter.FRAGMENTED,
            Counter.FRAGMENT_MADE,
            Counter.FRAGMENT_HELD,
            Counter.FRAGMENT_WITHOUT_FIRST
        }) {
            assertTrue(harness.counters.get(counter) > 1000, () -> counter + " " + harness.counters.get(counter));
        }
    }

    private static void run(Harness harness, ForwardingSnapshot snapshot, MemorySegment[] sources, long beginMs) {
        for (int batch = 0; batch < BATCHES; batch++) {
            // Every packet in the same place each time, so that one held is as it was when its place is filled again.
            for (int i = 0; i < sources.length; i++) {
                long at = Harness.slot(i) + HEADROOM;
                MemorySegment.copy(sources[i], 0, harness.umem, at, sources[i].byteSize());
                harness.addresses[i] = at;
                harness.lengths[i] = (int) sources[i].byteSize();
            }
            long nowMs = beginMs + (long) batch * BATCH_MS;
            harness.process(snapshot, sources.length, nowMs);
            int sent = 0;
            for (int i = 0; i < harness.batch.count(); i++) {
                sent += harness.egress[i] >= 0 ? 1 : 0;
            }
            harness.pipeline.transmitted(sent, 0);
            harness.pipeline.expire(snapshot, 64, nowMs);
        }
    }
}
