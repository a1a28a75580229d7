package dev.sluice.forward.observe;

import dev.sluice.flow.FlowTable;
import dev.sluice.forward.Batch;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;

/**
 * Keeps copies of packets as they came in, and writes images into observers' rings. What all images of a packet have in common is
 * put together once. Owned by: worker.
 */
final class ImageWriter {
    private static final int ALIGNMENT = 64;

    private final MemorySegment frames;
    private final int snapBytes;
    private final MemorySegment copies;
    private final int[] copiedBytes;
    private final int[] originalBytes;
    private final MemorySegment common;
    private final PacketView view = new PacketView();
    private final long idBase;
    private long ids;

    /**
     * @param frames the UMEM
     * @param packets how many copies are kept at a time
     * @param snapBytes the most octets of each
     * @param queue the worker's
     */
    ImageWriter(MemorySegment frames, int packets, int snapBytes, int queue, SegmentAllocator memory) {
        this.frames = frames;
        this.snapBytes = (Math.max(snapBytes, ALIGNMENT) + ALIGNMENT - 1) & -ALIGNMENT;
        copies = memory.allocate((long) packets * this.snapBytes, ALIGNMENT);
        copiedBytes = new int[packets];
        originalBytes = new int[packets];
        common = memory.allocate(Slot.DATA, ALIGNMENT);
        idBase = (long) queue << 48;
    }

    /** Keeps the first octets of a packet under a number. */
    void keep(int number, Batch batch, int packet) {
        originalBytes[number] = batch.totalLength(packet);
        copiedBytes[number] = copy(batch, packet, copies, (long) number * snapBytes, snapBytes);
    }

    /** Whether a packet that was kept is ICMP, as far as can be told from what was kept. */
    boolean isIcmp(int number) {
        int kept = copiedBytes[number];
        long at = (long) number * snapBytes;
        return PacketParser.parse(copies, at, kept, originalBytes[number] - kept, view) == PacketParser.ICMP;
    }

    private int copy(Batch batch, int packet, MemorySegment to, long at, int limit) {
        int copied = Math.min(batch.length(packet), limit);
        MemorySegment.copy(frames, batch.address(packet), to, at, copied);
        for (int tail = 0; tail < batch.tails(packet) && copied < limit; tail++) {
            int more = Math.min(batch.tailLength(packet, tail), limit - copied);
            MemorySegment.copy(frames, batch.tailAddress(packet, tail), to, at + copied, more);
            copied += more;
        }
        return copied;
    }

    /** Begins a packet: no counters, no flow, a new id. */
    void begin(long timeNs, ObservedPacket.Verdict verdict, int ingress, int flags, int packetsOut) {
        Slot.putLong(common, Slot.TIME_NS, timeNs);
        Slot.putLong(common, Slot.PACKET_ID, idBase | ++ids);
        Slot.putInt(common, Slot.VERDICT, verdict.code());
        Slot.putInt(common, Slot.INGRESS, ingress);
        Slot.putInt(common, Slot.FLAGS, flags);
        Slot.putInt(common, Slot.PACKETS_OUT, packetsOut);
        Slot.putInt(common, Slot.COUNTERS, 0);
    }

    void counters(CounterReading reading) {
        Slot.putCounters(common, 0, reading);
    }

    void counter(int index) {
        Slot.putCounter(common, 0, index);
    }

    /** Looks up what the tables say of a packet before the pipeline has it. */
    void lookBefore(
            ForwardingSnapshot snapshot, int parseCode, FlowTable flows, PacketView packet, long hash, long nowMs) {
        Slot.putLong(common, Slot.GENERATION, snapshot.generation());
        Slot.putInt(common, Slot.PARSE_CODE, parseCode);
        Slot.putLong(common, Slot.HASH, hash);
        Slot.putInt(common, Slot.SERVICE, snapshot.findService(packet));
        Slot.putFlow(common, Slot.FLOW_BEFORE, flows, packet, hash, nowMs);
        Slot.putNoFlow(common, Slot.FLOW_AFTER);
    }

    /** Says that there is nothing to look up: no flow can be told. */
    void lookNowhere(ForwardingSnapshot snapshot, int parseCode) {
        Slot.putLong(common, Slot.GENERATION, snapshot.generation());
        Slot.putInt(common, Slot.PARSE_CODE, parseCode);
        Slot.putLong(common, Slot.HASH, 0);
        Slot.putInt(common, Slot.SERVICE, ForwardingSnapshot.NONE);
        Slot.putNoFlow(common, Slot.FLOW_BEFORE);
        Slot.putNoFlow(common, Slot.FLOW_AFTER);
    }

    /** Looks up what they say afterwards. */
    void lookAfter(FlowTable flows, PacketView packet, long hash, long nowMs) {
        Slot.putFlow(common, Slot.FLOW_AFTER, flows, packet, hash, nowMs);
    }

    /** Writes a packet as it came in, which was kept; false when the ring is full. */
    boolean writeKept(Observer observer, int number) {
        long slot = claim(observer, ObservedPacket.Image.BEFORE, Batch.DROPPED, originalBytes[number]);
        if (slot == ObservationRing.FULL) {
            return false;
        }
        MemorySegment to = observer.ring.memory();
        int bytes = Math.min(copiedBytes[number], observer.snapBytes);
        MemorySegment.copy(copies, (long) number * snapBytes, to, slot + Slot.DATA, bytes);
        Slot.putInt(to, slot + Slot.CAPTURED_LENGTH, bytes);
        observer.ring.publish();
        return true;
    }

    /** Writes a packet as it lies in its frames now; false when the ring is full. */
    boolean write(Observer observer, ObservedPacket.Image image, Batch batch, int packet) {
        long slot = claim(observer, image, batch.egress(packet), batch.totalLength(packet));
        if (slot == ObservationRing.FULL) {
            return false;
        }
        MemorySegment to = observer.ring.memory();
        int bytes = copy(batch, packet, to, slot + Slot.DATA, observer.snapBytes);
        Slot.putInt(to, slot + Slot.CAPTURED_LENGTH, bytes);
        observer.ring.publish();
        return true;
    }

    private long claim(Observer observer, ObservedPacket.Image image, int egress, int originalLength) {
        long slot = observer.ring.claim();
        if (slot != ObservationRing.FULL) {
            MemorySegment to = observer.ring.memory();
            MemorySegment.copy(common, 0, to, slot, Slot.DATA);
            Slot.putInt(to, slot + Slot.IMAGE, image.code());
            Slot.putInt(to, slot + Slot.EGRESS, egress);
            Slot.putInt(to, slot + Slot.ORIGINAL_LENGTH, originalLength);
        }
        return slot;
    }
}
