package dev.sluice.bench;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.PageMemory;
import dev.sluice.ffi.generated.Native;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.schedule.HashKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Times the flow table, filled to its capacity, at several sizes: keys are uniformly random, so at sizes beyond the caches
 * nearly every operation goes to memory. Packets are parsed and hashed outside the time taken.
 *
 * <p>Each operation is timed <i>one at a time</i>, where the next one's key waits for the line of the one before, and in
 * <i>batches of 64</i> whose lines are loaded first, as the pipeline does. Beside it stands a plain load of one random line
 * of the same memory, one at a time and overlapped: what is left is the table's own cost. With {@code --huge-pages} the
 * memory asks for huge pages, which takes the page walks out of both.
 */
public final class FlowTableBench {
    private static final int BATCH = 64;
    private static final int BATCHES = 20_000;
    private static final int REAL_SERVERS = 16;
    private static final long FILL_MS = 1;
    private static final long LOOKUP_MS = 30_000;
    private static final long EXPIRED_MS = 200_000;

    private enum Operation {
        LOAD("load one line"),
        HIT("find, there"),
        ACCOUNTED("find and account"),
        MISS("find, not there"),
        OPENED("open and remove");

        private final String label;

        Operation(String label) {
            this.label = label;
        }
    }

    private final byte[] frame = PacketBuilder.tcp(IpAddress.ofInet(0x0a000000), 1024, IpAddress.ofInet(0x0b000001), 80)
            .tcpFlags(Transport.SYN)
            .build();
    private final MemorySegment segment = MemorySegment.ofArray(frame);
    private final PacketView[] views = new PacketView[BATCH];
    private final long[] hashes = new long[BATCH];
    private final FlowHasher hasher = new FlowHasher(new HashKey(1, 2));
    private final SplittableRandom random = new SplittableRandom(5);
    private long sink;

    private FlowTableBench() {
        for (int i = 0; i < BATCH; i++) {
            views[i] = new PacketView();
        }
    }

    /**
     * Runs the benchmark.
     *
     * @param arguments {@code --huge-pages}, and how many flows; without any: 1000, 100000, 1000000 and 10000000
     */
    public static void main(String[] arguments) {
        List<String> sizes = new ArrayList<>(List.of(arguments));
        boolean huge = sizes.remove("--huge-pages");
        FlowTableBench bench = new FlowTableBench();
        // Until everything is compiled for all its uses.
        bench.run(1000, false, huge);
        bench.run(100_000, false, huge);
        for (String size : sizes.isEmpty() ? List.of("1000", "100000", "1000000", "10000000") : sizes) {
            bench.run(Integer.parseInt(size), true, huge);
        }
        // So that nothing timed can be left out.
        System.out.println("(" + (bench.sink & 1) + ")");
    }

    private void run(int flows, boolean print, boolean huge) {
        try (PageMemory pages = new PageMemory()) {
            FlowTable table = new FlowTable(flows, REAL_SERVERS, huge ? hugePages(pages) : pages);
            double filled = fill(table, flows - BATCH);
            Map<Operation, double[]> results = new EnumMap<>(Operation.class);
            for (Operation operation : Operation.values()) {
                results.put(operation, new double[] {
                    time(table, flows - BATCH, operation, false), time(table, flows - BATCH, operation, true)
                });
            }
            double expired = expire(table);
            if (print) {
                print(table, flows, results);
                System.out.printf("%-18s %13.1f%n%-18s %13.1f%n%n", "fill", filled, "expire", expired);
            }
        }
    }

    private static void print(FlowTable table, int flows, Map<Operation, double[]> results) {
        long bytes = FlowTable.memoryBytes(flows);
        System.out.printf(
                "%d flows, %d slots, %.1f MiB: %.0f bytes a flow; process has %d MiB in huge pages%n",
                flows, table.slots(), bytes / 1048576.0, (double) bytes / flows, hugePagesMiB());
        System.out.println("ns                   one at a time  / load  - load    batches of 64  / load  - load");
        double[] load = results.getOrDefault(Operation.LOAD, new double[2]);
        results.forEach((operation, ns) -> System.out.printf(
                "%-18s %15.1f %7.2f %7.1f %16.1f %7.2f %7.1f%n",
                operation.label, ns[0], ns[0] / load[0], ns[0] - load[0], ns[1], ns[1] / load[1], ns[1] - load[1]));
    }

    private void prepare(int slot, int client) {
        Wire.putU16(segment, 28, client >>> 16);
        Wire.putU16(segment, 26, 0x0a00 | client >>> 24);
        Wire.putU16(segment, 34, client & 0xffff);
        Wire.putU16(segment, 24, 0);
        int sum = 0;
        for (int at = 14; at < 34; at += 2) {
            sum += Wire.u16(segment, at);
        }
        Wire.putU16(segment, 24, ~((sum & 0xffff) + (sum >>> 16)));
        if (PacketParser.parse(segment, 0, frame.length, views[slot]) != PacketParser.OK) {
            throw new AssertionError("not a sound packet");
        }
        hashes[slot] = hasher.hash(views[slot]);
    }

    private double fill(FlowTable table, int flows) {
        BatchTimes times = new BatchTimes();
        for (int done = 0; done < flows; done += BATCH) {
            int count = Math.min(BATCH, flows - done);
            for (int i = 0; i < count; i++) {
                prepare(i, done + i);
            }
            long start = System.nanoTime();
            for (int i = 0; i < count; i++) {
                open(table, i, FILL_MS);
            }
            times.add(System.nanoTime() - start);
        }
        return times.median(BATCH);
    }

    private double time(FlowTable table, int flows, Operation operation, boolean batched) {
        BatchTimes times = new BatchTimes();
        boolean present = operation == Operation.HIT || operation == Operation.ACCOUNTED;
        for (int batch = 0; batch < BATCHES; batch++) {
            for (int i = 0; i < BATCH; i++) {
                prepare(i, present ? random.nextInt(flows) : flows + random.nextInt(1 << 30));
            }
            long start = System.nanoTime();
            if (batched) {
                inBatch(table, operation);
            } else {
                oneAtATime(table, operation);
            }
            times.add(System.nanoTime() - start);
        }
        return times.median(BATCH);
    }

    private void oneAtATime(FlowTable table, Operation operation) {
        long line = 0;
        for (int i = 0; i < BATCH; i++) {
            // The top bit of a line's word is 0, but the processor learns that only when it has it.
            int next = i + (int) (line >>> 63);
            perform(table, operation, next);
            line = table.touchHomes(hashes, next, next + 1);
        }
        sink ^= line;
    }

    private void inBatch(FlowTable table, Operation operation) {
        sink ^= table.touchHomes(hashes, 0, BATCH);
        for (int i = 0; i < BATCH && operation != Operation.LOAD; i++) {
            perform(table, operation, i);
        }
    }

    private void perform(FlowTable table, Operation operation, int i) {
        switch (operation) {
            case LOAD -> {}
            case HIT -> sink ^= table.realServer(found(table, i));
            case ACCOUNTED -> table.touch(found(table, i), views[i], LOOKUP_MS);
            case MISS -> {
                if (table.find(views[i], hashes[i], LOOKUP_MS) != FlowTable.NOT_FOUND) {
                    throw new AssertionError("a flow that never was is found");
                }
            }
            case OPENED -> table.remove(open(table, i, LOOKUP_MS));
        }
    }

    private int found(FlowTable table, int i) {
        int slot = table.find(views[i], hashes[i], LOOKUP_MS);
        if (slot == FlowTable.NOT_FOUND) {
            throw new AssertionError("a flow is missing");
        }
        return slot;
    }

    private int open(FlowTable table, int i, long nowMs) {
        int slot = table.insert(views[i], hashes[i], i % REAL_SERVERS, 0, nowMs);
        table.touch(slot, views[i], nowMs);
        return slot;
    }

    private static double expire(FlowTable table) {
        BatchTimes times = new BatchTimes();
        while (table.size() > 0) {
            long start = System.nanoTime();
            int looked = table.expire(BATCH, EXPIRED_MS);
            if (looked == BATCH) {
                times.add(System.nanoTime() - start);
            }
        }
        return times.median(BATCH);
    }

    private static SegmentAllocator hugePages(PageMemory pages) {
        return (byteSize, byteAlignment) -> {
            MemorySegment memory = pages.allocate(byteSize, byteAlignment);
            int result = LibC.madvise(CallState.current(), memory, byteSize, Native.MADV_HUGEPAGE());
            NativeException.check(result, "madvise(advice=MADV_HUGEPAGE)");
            return memory;
        };
    }

    private static long hugePagesMiB() {
        try {
            return Files.readAllLines(Path.of("/proc/self/smaps_rollup")).stream()
                    .filter(line -> line.startsWith("AnonHugePages:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
                    .sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
