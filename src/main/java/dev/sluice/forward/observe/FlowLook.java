package dev.sluice.forward.observe;

import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.forward.Batch;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import java.lang.foreign.MemorySegment;

/** What the worker's tables say of one packet, before the pipeline has it and afterwards. Owned by: worker. */
final class FlowLook {
    private static final int IKE_PORT = 500;
    private static final int IKE_NAT_PORT = 4500;

    private final MemorySegment frames;
    private final FlowTable flows;
    private final FlowHasher hasher;
    private final ImageWriter images;
    private final PacketView packet = new PacketView();
    private final PacketView ike = new PacketView();
    private boolean looked;
    private boolean known;
    private boolean isIke;
    private long hash;

    FlowLook(MemorySegment frames, FlowTable flows, FlowHasher hasher, ImageWriter images) {
        this.frames = frames;
        this.flows = flows;
        this.hasher = hasher;
        this.images = images;
    }

    /** Forgets the packet before. */
    void clear() {
        looked = false;
        known = false;
    }

    /** Whether {@link #before} was asked of the packet in hand. */
    boolean hasLooked() {
        return looked;
    }

    /** Looks at the one packet of a batch. */
    void before(ForwardingSnapshot snapshot, Batch batch, long nowMs) {
        int code = PacketParser.parse(frames, batch.address(0), batch.length(0), batch.tailsLength(0), packet);
        looked = true;
        known = code == PacketParser.OK;
        if (known) {
            find(nowMs);
            images.lookBefore(snapshot, code, flows, flow(), hash, nowMs);
        } else {
            images.lookNowhere(snapshot, code);
        }
    }

    /** Looks once more, at what has become of it. */
    void after(long nowMs) {
        if (known) {
            images.lookAfter(flows, flow(), hash, nowMs);
        }
    }

    /** The slot of its flow, or {@link FlowTable#NOT_FOUND}. */
    int slot(long nowMs) {
        return known ? flows.find(flow(), hash, nowMs) : FlowTable.NOT_FOUND;
    }

    /** By ESP and AH, that of the client's key exchange, which the packet follows. */
    private PacketView flow() {
        return isIke ? ike : packet;
    }

    private void find(long nowMs) {
        isIke = packet.isIpsec();
        if (isIke) {
            ike.setFlow(packet, Transport.UDP, IKE_NAT_PORT);
            hash = hasher.hash(ike);
            if (flows.find(ike, hash, nowMs) != FlowTable.NOT_FOUND) {
                return;
            }
            ike.setFlow(packet, Transport.UDP, IKE_PORT);
        }
        hash = hasher.hash(flow());
    }
}
