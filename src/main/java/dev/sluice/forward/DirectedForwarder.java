package dev.sluice.forward;

import dev.sluice.flow.FlowHasher;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Sends single packets to real servers that are named, on the way that clients' packets take there: the same rewriting, without
 * scheduler and connection table. For health checks that go through the forwarding path.
 *
 * <p>The caller puts an IP packet into {@link #packet}, has it forwarded, and sends the frames that come of it.
 *
 * <p>Owned by: one thread, which is no worker's.
 */
public final class DirectedForwarder {
    /** The largest IP packet it takes. */
    public static final int MAX_PACKET_BYTES = 2048;

    private static final int HEADROOM_BYTES = 256;
    private static final int FRAME_BYTES = 4096;
    /** Pieces of a packet that does not fit its way. */
    private static final int SPARES = 8;

    private static final int PACKET = HEADROOM_BYTES + Ethernet.HEADER_BYTES;

    private final MemorySegment frames;
    private final FlowHasher hasher;
    private final Rewriter rewriter;
    private final Batch batch = new Batch(FRAME_BYTES - HEADROOM_BYTES);
    private final PacketView view = new PacketView();

    /**
     * A forwarder.
     *
     * @param memory gives some pages that outlive it
     * @param hasher under the director's key, so that a check takes the path that a client with its addresses would
     * @param policy as the workers have it, but that the TTL stays as it is
     */
    public DirectedForwarder(SegmentAllocator memory, FlowHasher hasher, PacketPolicy policy) {
        this.frames = memory.allocate((long) FRAME_BYTES * (1 + SPARES), Long.BYTES);
        this.hasher = hasher;
        PacketPolicy ofChecks =
                new PacketPolicy(true, false, 0, policy.tunnelTtl(), policy.pmtuDisc(), policy.fragmentInner());
        Counters counters = new Counters();
        Identifications ids = new Identifications(0, 1, (int) System.nanoTime());
        IcmpAnswers answers = new IcmpAnswers(frames, counters, ids, 0);
        FamilyCrossing crossing = new FamilyCrossing(frames, counters, ids, answers);
        this.rewriter = new Rewriter(frames, counters, ofChecks, ids, answers, crossing);
    }

    /** Where the IP packet is to be put. */
    public MemorySegment packet() {
        return frames.asSlice(PACKET, MAX_PACKET_BYTES);
    }

    /**
     * Reads the packet that was put in.
     *
     * @param lengthBytes its length
     * @return what it says, until the next call; null when it is no sound packet of a protocol that is balanced
     */
    public @Nullable PacketView read(int lengthBytes) {
        int version = Wire.u8(frames, PACKET) >>> 4;
        Wire.putU16(
                frames,
                HEADROOM_BYTES + Ethernet.ETHERTYPE_OFFSET,
                version == 6 ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4);
        return PacketParser.parse(frames, HEADROOM_BYTES, Ethernet.HEADER_BYTES + lengthBytes, view) == PacketParser.OK
                ? view
                : null;
    }

    /**
     * Rewrites the packet that was read.
     *
     * @param realServer its id in the snapshot
     * @return how many there are of {@link #frame}; some of them may not be to be sent
     */
    public int forward(ForwardingSnapshot snapshot, int realServer, long nowMs) {
        batch.clear();
        while (batch.spares() > 0) {
            batch.takeSpare();
        }
        for (int i = 1; i <= SPARES; i++) {
            batch.putSpare((long) i * FRAME_BYTES + HEADROOM_BYTES);
        }
        batch.add(HEADROOM_BYTES, view.l2LengthBytes() + view.ipLengthBytes());
        rewriter.rewrite(snapshot, batch, 0, view, realServer, hasher.hash(view), 0, nowMs);
        return batch.count();
    }

    /** The port by which a frame leaves; negative when it does not. */
    public int egressPort(int frame) {
        return batch.egress(frame);
    }

    /** A frame that leaves, from its Ethernet header on. */
    public MemorySegment frame(int frame) {
        return frames.asSlice(batch.address(frame), batch.length(frame));
    }
}
