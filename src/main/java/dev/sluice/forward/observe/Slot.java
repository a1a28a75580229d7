package dev.sluice.forward.observe;

import dev.sluice.flow.FlowTable;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.packet.PacketView;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/** How one image of a packet, with what is known of it, lies in a slot of the {@link ObservationRing}; native byte order. */
final class Slot {
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle().withInvokeExactBehavior();

    /** When, by {@link System#nanoTime}. */
    static final int TIME_NS = 0;
    /** The same for all images of a packet. */
    static final int PACKET_ID = 8;
    /** Code of {@link ObservedPacket.Image}. */
    static final int IMAGE = 16;
    /** Code of {@link ObservedPacket.Verdict}. */
    static final int VERDICT = 20;

    static final int INGRESS = 24;
    static final int EGRESS = 28;
    static final int ORIGINAL_LENGTH = 32;
    static final int CAPTURED_LENGTH = 36;
    static final int FLAGS = 40;
    /** Packets that came out, pieces and those let go included. */
    static final int PACKETS_OUT = 44;
    /** How many pairs of counter and amount follow. */
    static final int COUNTERS = 48;

    private static final int PAIRS = 52;
    /** More than the pipeline counts of one packet. */
    static final int MAX_PAIRS = 16;

    private static final int PAIR_BYTES = 8;

    static final int GENERATION = 184;
    static final int HASH = 192;
    static final int SERVICE = 200;
    static final int PARSE_CODE = 204;
    static final int FLOW_BEFORE = 208;
    static final int FLOW_AFTER = 240;
    /** The packet's octets. */
    static final int DATA = 272;

    // Of a flow.
    private static final int FLOW_STATE = 0;
    private static final int FLOW_REAL_SERVER = 4;
    private static final int FLOW_REMAINING_MS = 8;
    private static final int FLOW_FLAGS = 12;
    private static final int FLOW_PACKETS = 16;
    static final int NO_FLOW = -1;

    /** In {@link #FLAGS}: the counters are those of several packets, of which this was one. */
    static final int SHARED = 1;
    /** In {@link #FLAGS}: {@code sluice trace} has made the packet. */
    static final int INJECTED = 2;
    /** In {@link #FLAGS}: service, hash, and flows are there. */
    static final int DETAILED = 4;

    private Slot() {}

    static void putLong(MemorySegment memory, long at, long value) {
        LONG.set(memory, at, value);
    }

    static void putInt(MemorySegment memory, long at, int value) {
        INT.set(memory, at, value);
    }

    static long readLong(MemorySegment memory, long at) {
        return (long) LONG.get(memory, at);
    }

    static int readInt(MemorySegment memory, long at) {
        return (int) INT.get(memory, at);
    }

    static void putCounters(MemorySegment memory, long slot, CounterReading reading) {
        int count = Math.min(reading.count(), MAX_PAIRS);
        putInt(memory, slot + COUNTERS, count);
        for (int i = 0; i < count; i++) {
            putInt(memory, slot + PAIRS + (long) PAIR_BYTES * i, reading.changed(i));
            putInt(memory, slot + PAIRS + (long) PAIR_BYTES * i + Integer.BYTES, (int) reading.amount(i));
        }
    }

    /** That one counter has gone up by one. */
    static void putCounter(MemorySegment memory, long slot, int index) {
        putInt(memory, slot + COUNTERS, 1);
        putInt(memory, slot + PAIRS, index);
        putInt(memory, slot + PAIRS + Integer.BYTES, 1);
    }

    static int counter(MemorySegment memory, long slot, int pair) {
        return readInt(memory, slot + PAIRS + (long) PAIR_BYTES * pair);
    }

    static int amount(MemorySegment memory, long slot, int pair) {
        return readInt(memory, slot + PAIRS + (long) PAIR_BYTES * pair + Integer.BYTES);
    }

    /**
     * What the table says of a packet's flow.
     *
     * @param at {@link #FLOW_BEFORE} or {@link #FLOW_AFTER} of a slot
     */
    static void putFlow(MemorySegment memory, long at, FlowTable flows, PacketView packet, long hash, long nowMs) {
        int slot = flows.find(packet, hash, nowMs);
        if (slot == FlowTable.NOT_FOUND) {
            putNoFlow(memory, at);
            return;
        }
        putInt(memory, at + FLOW_STATE, flows.stateCode(slot));
        putInt(memory, at + FLOW_REAL_SERVER, flows.realServer(slot));
        putInt(memory, at + FLOW_REMAINING_MS, flows.remainingMs(slot, nowMs));
        putInt(memory, at + FLOW_FLAGS, flows.flags(slot));
        putLong(memory, at + FLOW_PACKETS, flows.packets(slot));
    }

    static void putNoFlow(MemorySegment memory, long at) {
        putInt(memory, at + FLOW_STATE, NO_FLOW);
        putInt(memory, at + FLOW_REAL_SERVER, ForwardingSnapshot.NONE);
        putInt(memory, at + FLOW_REMAINING_MS, 0);
        putInt(memory, at + FLOW_FLAGS, 0);
        putLong(memory, at + FLOW_PACKETS, 0);
    }

    static ObservedPacket.Flow readFlow(MemorySegment memory, long at) {
        return new ObservedPacket.Flow(
                readInt(memory, at + FLOW_STATE),
                readInt(memory, at + FLOW_REAL_SERVER),
                readInt(memory, at + FLOW_REMAINING_MS),
                readInt(memory, at + FLOW_FLAGS),
                readLong(memory, at + FLOW_PACKETS));
    }
}
