package dev.sluice.bench.net;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.HdrHistogram.Histogram;

/** Where packets end: {@code bench/bpf/sink.bpf.c} on the sink's interface. Owned by one thread. */
final class Sink implements AutoCloseable {
    private static final int KEEP_SAMPLE = 1;
    private static final int READ_STAMP = 2;
    private static final int SAMPLE_BYTES = 2048;
    private static final int SUB_BITS = 10;
    private static final int SUBS = 1 << SUB_BITS;
    private static final int OCTAVES = 26;

    /** Packets and bytes that came so far; and stamps from the future, which there should be none of. */
    record Counts(long packets, long bytes, long early) {}

    private final XdpObject program;

    /** Attaches it. */
    Sink(Topology topology) {
        program = XdpObject.attach("/bpf/sink.bpf.o", "sluice_sink", topology.sink(), topology.sinkInterface());
    }

    private void options(int options) {
        try (Arena arena = Arena.ofConfined()) {
            program.update("options", 0, arena.allocateFrom(ValueLayout.JAVA_INT, options));
        }
    }

    /** From now on nothing but counting, which disturbs least. */
    void onlyCount() {
        options(0);
    }

    /** From now on the latest frame is kept, too. */
    void keepSample() {
        options(KEEP_SAMPLE);
    }

    /** From now on delays are counted, too, and from 0. */
    void readStamps() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment zeros = arena.allocate(ValueLayout.JAVA_LONG, dev.sluice.ffi.LibBpf.possibleCpus());
            for (int entry = 0; entry < (OCTAVES + 1) * SUBS; entry++) {
                program.update("delays", entry, zeros);
            }
        }
        options(READ_STAMP);
    }

    Counts counts() {
        long[] sums = program.sums("counts", 0, 3);
        return new Counts(sums[0], sums[1], sums[2]);
    }

    /** Packets so far to the station with this last octet. */
    long toStation(long mac) {
        return program.sums("stations", (int) (mac & 0xff), 1)[0];
    }

    /** The frame that came last since {@link #keepSample}; empty before the first. */
    byte[] sample() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(Integer.BYTES + SAMPLE_BYTES, Integer.BYTES);
            program.lookup("sample", 0, value);
            int length = value.get(ValueLayout.JAVA_INT, 0);
            return Arrays.copyOfRange(value.toArray(ValueLayout.JAVA_BYTE), Integer.BYTES, Integer.BYTES + length);
        }
    }

    /** How long packets took since {@link #readStamps}, in nanoseconds, with three significant digits. */
    Histogram delays() {
        Histogram histogram = new Histogram(1L << (SUB_BITS + OCTAVES + 1), 3);
        int[] entry = {0};
        program.eachSum("delays", (OCTAVES + 1) * SUBS, count -> {
            if (count > 0) {
                histogram.recordValueWithCount(middleNs(entry[0]), count);
            }
            entry[0]++;
        });
        return histogram;
    }

    /** The middle of what a bucket stands for. */
    static long middleNs(int bucket) {
        if (bucket < 2 * SUBS) {
            return bucket;
        }
        int octave = bucket / SUBS - 1;
        long low = (long) (bucket - octave * SUBS) << octave;
        return low + (1L << octave >> 1);
    }

    @Override
    public void close() {
        program.close();
    }
}
