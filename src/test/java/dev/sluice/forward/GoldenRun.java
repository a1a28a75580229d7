package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Puts a golden case through a pipeline and holds what comes out against what shall. */
final class GoldenRun {
    private static final int FRAME_BYTES = 2048;
    private static final int HEADROOM = 256;
    /** Fresh ones for every batch. */
    private static final int SPARES = 64;

    private static final byte UNTOUCHED = (byte) 0xa5;
    private static final Set<Counter> DERIVED = EnumSet.of(Counter.PACKETS_IN, Counter.FORWARDED);

    /** What came out of one batch. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Packet(int step, int port, byte[] bytes) {}

    private final GoldenCase golden;
    private final Harness harness;
    private final List<Packet> out = new ArrayList<>();
    private final Map<Integer, Integer> ids = new HashMap<>();
    /** Frames that belong to the pipeline: what it holds. */
    private final Set<Integer> kept = new HashSet<>();

    private int nextFrame;
    private int received;

    private GoldenRun(GoldenCase golden) {
        this.golden = golden;
        harness = new Harness(1024, ConnectionPolicy.DEFAULT, golden.setup.policy());
        harness.umem.fill(UNTOUCHED);
    }

    /** All that came out of a case, after every assertion. */
    static List<Packet> of(GoldenCase golden) {
        GoldenRun run = new GoldenRun(golden);
        ForwardingSnapshot snapshot = golden.setup.snapshot();
        for (int step = 0; step < golden.steps.size(); step++) {
            run.step(snapshot, step);
        }
        run.assertCounters();
        run.assertNothingElseWritten();
        return run.out;
    }

    private int newFrame() {
        return nextFrame++;
    }

    private static long dataOf(int frame) {
        return (long) frame * FRAME_BYTES + HEADROOM;
    }

    private static int frameOf(long address) {
        return (int) (address / FRAME_BYTES);
    }

    private long write(byte[] bytes, int from, int to) {
        long at = dataOf(newFrame());
        MemorySegment.copy(bytes, from, harness.umem, ValueLayout.JAVA_BYTE, at, to - from);
        return at;
    }

    private void step(ForwardingSnapshot snapshot, int index) {
        GoldenCase.Step step = golden.steps.get(index);
        Batch batch = harness.batch;
        Set<Integer> owned = new HashSet<>(kept);
        batch.clear();
        int first = nextFrame;
        for (GoldenCase.In in : step.in()) {
            byte[] packet = in.packet();
            batch.add(write(packet, 0, in.firstBytes()), in.firstBytes());
            for (int at = in.firstBytes(); at < packet.length; at += in.tailBytes()) {
                int end = Math.min(at + in.tailBytes(), packet.length);
                assertTrue(batch.addTail(write(packet, at, end), end - at));
            }
        }
        while (batch.spares() > 0) {
            batch.takeSpare();
        }
        for (int i = 0; i < SPARES; i++) {
            batch.putSpare(dataOf(newFrame()));
        }
        for (int frame = first; frame < nextFrame; frame++) {
            owned.add(frame);
        }
        harness.pipeline.process(snapshot, batch, GoldenCase.CLIENT_PORT, step.nowMs());
        received += step.in().size();
        for (int i = 0; i < step.in().size(); i++) {
            assertEquals(step.in().get(i).verdict().egress, batch.egress(i), "verdict of packet " + i);
        }
        List<Packet> sent = collect(batch, index, owned);
        harness.pipeline.transmitted(sent.size(), 0);
        for (int i = 0; i < Math.min(sent.size(), step.out().size()); i++) {
            compare(step.out().get(i), sent.get(i), "batch " + index + ", packet " + i + " out");
        }
        assertEquals(step.out().size(), sent.size(), () -> "packets out of batch " + index);
        out.addAll(sent);
    }

    /** What goes out; every frame is sent, freed or kept, each once. */
    private List<Packet> collect(Batch batch, int step, Set<Integer> owned) {
        List<Packet> sent = new ArrayList<>();
        for (int i = 0; i < batch.count(); i++) {
            List<Integer> frames = new ArrayList<>(List.of(frameOf(batch.address(i))));
            for (int tail = 0; tail < batch.tails(i); tail++) {
                frames.add(frameOf(batch.tailAddress(i, tail)));
            }
            for (int frame : frames) {
                boolean held = batch.egress(i) == Batch.HELD;
                assertTrue(owned.contains(frame) && (!held || kept.add(frame)), "frame " + frame + " twice");
                if (!held) {
                    owned.remove(frame);
                    kept.remove(frame);
                }
            }
            if (batch.egress(i) >= 0) {
                sent.add(new Packet(step, batch.egress(i), bytes(batch, i)));
            }
        }
        for (int i = 0; i < batch.cutFrames(); i++) {
            assertTrue(owned.remove(frameOf(batch.cutFrame(i))), "cut frame twice");
        }
        while (batch.spares() > 0) {
            assertTrue(owned.remove(frameOf(batch.takeSpare())), "spare frame twice");
        }
        assertEquals(kept, owned, "frames lost");
        assertEquals(kept.size(), harness.pipeline.held());
        return sent;
    }

    private byte[] bytes(Batch batch, int packet) {
        byte[] bytes = new byte[batch.totalLength(packet)];
        int at = batch.length(packet);
        MemorySegment.copy(harness.umem, ValueLayout.JAVA_BYTE, batch.address(packet), bytes, 0, at);
        for (int tail = 0; tail < batch.tails(packet); tail++) {
            int length = batch.tailLength(packet, tail);
            MemorySegment.copy(harness.umem, ValueLayout.JAVA_BYTE, batch.tailAddress(packet, tail), bytes, at, length);
            at += length;
        }
        return bytes;
    }

    private void compare(GoldenCase.Out expected, Packet actual, String what) {
        byte[] bytes = actual.bytes();
        int id = 0;
        if (expected.idOffset() != GoldenCase.NO_ID) {
            int at = expected.idOffset();
            assertTrue(at + expected.idBytes() <= bytes.length, what);
            int found = new BigInteger(1, Arrays.copyOfRange(bytes, at, at + expected.idBytes())).intValue();
            id = ids.computeIfAbsent(expected.idSlot(), slot -> {
                assertTrue(!ids.containsValue(found), () -> what + ": an identification twice");
                return found;
            });
        }
        assertEquals(
                HexFormat.of().formatHex(expected.packet().apply(id)),
                HexFormat.of().formatHex(bytes),
                what);
        assertEquals(expected.port(), actual.port(), what);
    }

    private void assertCounters() {
        for (Counter counter : Counter.values()) {
            if (!DERIVED.contains(counter) && !counter.name().startsWith("FLOW_")) {
                assertEquals(golden.counters.getOrDefault(counter, 0L), harness.counters.get(counter), counter::label);
            }
        }
        long made = harness.counters.get(Counter.FRAGMENT_MADE) + harness.counters.get(Counter.ICMP_ERROR_SENT);
        assertEquals(received, harness.counters.get(Counter.PACKETS_IN));
        assertEquals(
                received + made,
                harness.counters.get(Counter.FORWARDED) + harness.counters.dropped() + harness.pipeline.held());
    }

    /** Frames that were not given to the pipeline are as they were. */
    private void assertNothingElseWritten() {
        MemorySegment rest = harness.umem.asSlice((long) nextFrame * FRAME_BYTES);
        assertEquals(UNTOUCHED, rest.get(ValueLayout.JAVA_BYTE, 0));
        assertEquals(-1, rest.asSlice(0, rest.byteSize() - 1).mismatch(rest.asSlice(1)));
    }
}
