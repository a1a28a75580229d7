package dev.sluice.forward.observe;

import dev.sluice.forward.Counter;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One image of a packet, before or after the pipeline had it, with what became of it. Immutable.
 *
 * @param timeNs start of the duty cycle in which it was handled, by {@link System#nanoTime}
 * @param packetId the same for all images of a packet, and for what was made of it; one worker's alone
 * @param image which moment it shows
 * @param verdict what became of the packet
 * @param ingressPort the worker's number of the interface by which it came in
 * @param egressPort and of the one by which this image left; negative when it did not
 * @param originalLength octets of the whole packet
 * @param counters what the worker has counted on the way; of several packets when {@code shared}
 * @param shared whether other packets were on the same way
 * @param injected whether it was made by {@code sluice trace}
 * @param packetsOut how many packets came out: more than one when it was cut into pieces or let others go
 * @param detail what the worker's tables said, if it was asked for; null otherwise
 * @param octets the first of them, read-only
 */
public record ObservedPacket(
        long timeNs,
        long packetId,
        Image image,
        Verdict verdict,
        int ingressPort,
        int egressPort,
        int originalLength,
        Map<Counter, Integer> counters,
        boolean shared,
        boolean injected,
        int packetsOut,
        @Nullable Detail detail,
        ByteBuffer octets) {

    /** Which moment an image shows. */
    public enum Image {
        /** As it came in. */
        BEFORE(0),
        /** As it leaves. */
        AFTER(1);

        private final int code;

        Image(int code) {
            this.code = code;
        }

        /** The number that slots hold: dense, and in the order of declaration. */
        int code() {
            return code;
        }
    }

    /** What became of a packet. */
    public enum Verdict {
        /** It left. */
        FORWARDED(0),
        /** It was dropped, and counted. */
        DROPPED(1),
        /** It was dropped, counted, and its sender told by ICMP. */
        REFUSED(2),
        /** It was answered: an echo request, a SYN of a SYN-proxied service. */
        ANSWERED(3),
        /** It is a fragment that waits for the first of its datagram. */
        HELD(4);

        private final int code;

        Verdict(int code) {
            this.code = code;
        }

        /** The number that slots hold: dense, and in the order of declaration. */
        int code() {
            return code;
        }
    }

    /**
     * What the worker's tables said of a packet.
     *
     * @param generation of the snapshot that held
     * @param hash of its flow
     * @param service the id of the service whose packet it is, negative for none
     * @param parseCode the parser's
     * @param before its flow before
     * @param after its flow afterwards
     */
    public record Detail(long generation, long hash, int service, int parseCode, Flow before, Flow after) {}

    /**
     * A flow's entry.
     *
     * @param state the code of its state, negative when there is no entry
     * @param realServer id
     * @param remainingMs until it is forgotten
     * @param flags as {@link dev.sluice.flow.FlowTable} has them
     * @param packets counted
     */
    public record Flow(int state, int realServer, int remainingMs, int flags, long packets) {
        /** Whether there is an entry. */
        public boolean isKnown() {
            return state >= 0;
        }
    }

    /** The queue of the worker that had it. */
    public int queue() {
        return (int) (packetId >>> 48);
    }

    /** The first octets, a copy. */
    public byte[] bytes() {
        byte[] bytes = new byte[octets.remaining()];
        octets.get(octets.position(), bytes);
        return bytes;
    }

    private static final Image[] IMAGES = Image.values();
    private static final Verdict[] VERDICTS = Verdict.values();

    /** Reads a ring's oldest image and gives its slot back; null when there is none. The ring's reader only. */
    public static @Nullable ObservedPacket poll(ObservationRing ring) {
        long slot = ring.peek();
        if (slot == ObservationRing.EMPTY) {
            return null;
        }
        MemorySegment memory = ring.memory();
        int pairs = Slot.readInt(memory, slot + Slot.COUNTERS);
        Map<Counter, Integer> counters = new LinkedHashMap<>();
        for (int i = 0; i < pairs; i++) {
            counters.put(CounterReading.counter(Slot.counter(memory, slot, i)), Slot.amount(memory, slot, i));
        }
        int flags = Slot.readInt(memory, slot + Slot.FLAGS);
        byte[] bytes = memory.asSlice(slot + Slot.DATA, Slot.readInt(memory, slot + Slot.CAPTURED_LENGTH))
                .toArray(ValueLayout.JAVA_BYTE);
        ObservedPacket packet = new ObservedPacket(
                Slot.readLong(memory, slot + Slot.TIME_NS),
                Slot.readLong(memory, slot + Slot.PACKET_ID),
                IMAGES[Slot.readInt(memory, slot + Slot.IMAGE)],
                VERDICTS[Slot.readInt(memory, slot + Slot.VERDICT)],
                Slot.readInt(memory, slot + Slot.INGRESS),
                Slot.readInt(memory, slot + Slot.EGRESS),
                Slot.readInt(memory, slot + Slot.ORIGINAL_LENGTH),
                counters,
                (flags & Slot.SHARED) != 0,
                (flags & Slot.INJECTED) != 0,
                Slot.readInt(memory, slot + Slot.PACKETS_OUT),
                (flags & Slot.DETAILED) == 0 ? null : detail(memory, slot),
                ByteBuffer.wrap(bytes).asReadOnlyBuffer());
        ring.release();
        return packet;
    }

    private static Detail detail(MemorySegment memory, long slot) {
        return new Detail(
                Slot.readLong(memory, slot + Slot.GENERATION),
                Slot.readLong(memory, slot + Slot.HASH),
                Slot.readInt(memory, slot + Slot.SERVICE),
                Slot.readInt(memory, slot + Slot.PARSE_CODE),
                Slot.readFlow(memory, slot + Slot.FLOW_BEFORE),
                Slot.readFlow(memory, slot + Slot.FLOW_AFTER));
    }
}
