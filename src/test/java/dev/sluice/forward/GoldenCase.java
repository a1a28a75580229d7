package dev.sluice.forward;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/** One named case of the golden packets: a configuration, what comes in batch by batch, and all that becomes of it. */
final class GoldenCase {
    static final int CLIENT_PORT = 0;
    static final int REAL_PORT = 1;
    /** There is no identification of the director's own choice. */
    static final int NO_ID = -1;

    /** What becomes of the frame that a packet came in. */
    enum Verdict {
        FORWARDED(REAL_PORT),
        ANSWERED(CLIENT_PORT),
        DROPPED(Batch.DROPPED),
        HELD(Batch.HELD);

        final int egress;

        Verdict(int egress) {
            this.egress = egress;
        }
    }

    /** A packet that comes in, its octets divided among a first frame and tails. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record In(byte[] packet, int firstBytes, int tailBytes, Verdict verdict) {}

    /**
     * A packet that goes out. Identifications that the director makes are read where they stand and the packet built with them:
     * packets of one slot have the same, those of different slots different ones.
     */
    record Out(int port, int idOffset, int idBytes, int idSlot, IntFunction<byte[]> packet) {}

    /** A batch. */
    record Step(long nowMs, List<In> in, List<Out> out) {}

    final String name;
    final GoldenSetup setup;
    final List<Step> steps = new ArrayList<>();
    /** All counters that shall have moved but those that follow from the packets, and those of flows. */
    final Map<Counter, Long> counters = new EnumMap<>(Counter.class);

    GoldenCase(String name, GoldenSetup setup) {
        this.name = name;
        this.setup = setup;
        next(0);
    }

    /** What follows is another batch, of that time. */
    GoldenCase next(long nowMs) {
        steps.add(new Step(nowMs, new ArrayList<>(), new ArrayList<>()));
        return this;
    }

    GoldenCase in(byte[] frame, Verdict verdict) {
        steps.getLast().in.add(new In(frame, frame.length, 0, verdict));
        return this;
    }

    /** In frames of their own: {@code firstBytes}, then {@code tailBytes} each. */
    GoldenCase in(byte[] packet, int firstBytes, int tailBytes, Verdict verdict) {
        steps.getLast().in.add(new In(packet, firstBytes, tailBytes, verdict));
        return this;
    }

    GoldenCase forwarded(byte[] frame) {
        steps.getLast().out.add(new Out(REAL_PORT, NO_ID, 0, 0, id -> frame));
        return this;
    }

    /** With an identification of 16 bits at an offset of the frame. */
    GoldenCase forwarded(int idOffset, int idSlot, IntFunction<byte[]> frame) {
        steps.getLast().out.add(new Out(REAL_PORT, idOffset, Short.BYTES, idSlot, frame));
        return this;
    }

    /** With an identification of 32 bits. */
    GoldenCase forwardedWide(int idOffset, int idSlot, IntFunction<byte[]> frame) {
        steps.getLast().out.add(new Out(REAL_PORT, idOffset, Integer.BYTES, idSlot, frame));
        return this;
    }

    GoldenCase answered(byte[] frame) {
        steps.getLast().out.add(new Out(CLIENT_PORT, NO_ID, 0, 0, id -> frame));
        return this;
    }

    GoldenCase answered(int idOffset, int idSlot, IntFunction<byte[]> frame) {
        steps.getLast().out.add(new Out(CLIENT_PORT, idOffset, Short.BYTES, idSlot, frame));
        return this;
    }

    GoldenCase count(Counter counter, long times) {
        counters.put(counter, times);
        return this;
    }

    GoldenCase count(Counter counter) {
        return count(counter, 1);
    }

    @Override
    public String toString() {
        return name;
    }
}
