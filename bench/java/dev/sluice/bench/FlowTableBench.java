package dev.sluice.bench;

import dev.sluice.ffi.PageMemory;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.schedule.HashKey;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

/**
 * Times the flow table at several sizes: opening, finding in random order one by one and with the lines of a batch loaded
 * first, and expiring everything. Prints nanoseconds an operation, the best of three rounds.
 *
 * <p>Beside it, what a random load of one line costs in memory of the table's size: no look-up can be faster.
 */
public final class FlowTableBench {
    private static final int BATCH = 64;
    private static final int ROUNDS = 3;
    private static final int LOOKUPS = 4_000_000;

    private final byte[] frame = PacketBuilder.tcp(IpAddress.ofInet(0x0a000000), 1024, IpAddress.ofInet(0x0b000001), 80)
            .tcpFlags(Transport.SYN)
            .build();
    private final MemorySegment segment = MemorySegment.ofArray(frame);
    private final PacketView[] views = new PacketView[BATCH];
    private final long[] hashes = new long[BATCH];
    private final FlowHasher hasher = new FlowHasher(new HashKey(1, 2));
    private long sink;

    private FlowTableBench() {
        for (int i = 0; i < BATCH; i++) {
            views[i] = new PacketView();
        }
    }

    /**
     * Runs the benchmark.
     *
     * @param sizes how many flows; without any: 1000, 100000, 1000000 and 10000000
     */
    public static void main(String[] sizes) {
        String[] all = sizes.length > 0 ? sizes : new String[] {"1000", "100000", "1000000", "10000000"};
        FlowTableBench bench = new FlowTableBench();
        bench.run(1000, false);
        bench.run(100_000, false);
        System.out.println("     flows       MiB  hash  load one line   open   find  find, batched  expire");
        for (String size : all) {
            bench.run(Integer.parseInt(size), true);
        }
        // So that nothing timed can be left out.
        System.out.println("(" + (bench.sink & 1) + ")");
    }

    private void run(int flows, boolean print) {
        double hash = Double.MAX_VALUE;
        double load = Double.MAX_VALUE;
        double open = Double.MAX_VALUE;
        double find = Double.MAX_VALUE;
        double batched = Double.MAX_VALUE;
        double expire = Double.MAX_VALUE;
        for (int round = 0; round < ROUNDS; round++) {
            try (PageMemory pages = new PageMemory()) {
                FlowTable table = new FlowTable(flows, 16, pages);
                open = Math.min(open, open(table, flows));
                hash = Math.min(hash, prepareOnly(flows));
                load = Math.min(load, find(table, flows, Mode.LOAD) - hash);
                find = Math.min(find, find(table, flows, Mode.SINGLE) - hash);
                batched = Math.min(batched, find(table, flows, Mode.BATCHED) - hash);
                expire = Math.min(expire, expire(table, flows));
            }
        }
        if (print) {
            System.out.printf(
                    "%10d  %8.1f  %4.0f  %13.0f  %5.0f  %5.0f  %13.0f  %6.0f%n",
                    flows, FlowTable.memoryBytes(flows) / 1048576.0, hash, load, open - hash, find, batched, expire);
        }
    }

    private enum Mode {
        LOAD,
        SINGLE,
        BATCHED
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

    private double open(FlowTable table, int flows) {
        long start = System.nanoTime();
        for (int client = 0; client < flows; client++) {
            prepare(0, client);
            table.touch(table.insert(views[0], hashes[0], client & 15, 0, client >>> 12), views[0], client >>> 12);
        }
        return (double) (System.nanoTime() - start) / flows;
    }

    private double prepareOnly(int flows) {
        SplittableRandom random = new SplittableRandom(5);
        long start = System.nanoTime();
        for (int i = 0; i < LOOKUPS; i++) {
            prepare(i % BATCH, random.nextInt(flows));
            sink ^= hashes[i % BATCH];
        }
        return (double) (System.nanoTime() - start) / LOOKUPS;
    }

    private double find(FlowTable table, int flows, Mode mode) {
        SplittableRandom random = new SplittableRandom(5);
        long start = System.nanoTime();
        for (int done = 0; done < LOOKUPS; done += BATCH) {
            for (int i = 0; i < BATCH; i++) {
                prepare(i, random.nextInt(flows));
                if (mode == Mode.SINGLE) {
                    sink ^= found(table, i);
                } else {
                    sink ^= table.touchHome(hashes[i]);
                }
            }
            for (int i = 0; i < BATCH && mode == Mode.BATCHED; i++) {
                sink ^= found(table, i);
            }
        }
        return (double) (System.nanoTime() - start) / LOOKUPS;
    }

    private int found(FlowTable table, int i) {
        int slot = table.find(views[i], hashes[i], 30_000);
        if (slot == FlowTable.NOT_FOUND) {
            throw new AssertionError("a flow is missing");
        }
        table.touch(slot, views[i], 30_000);
        return slot;
    }

    private static double expire(FlowTable table, int flows) {
        long start = System.nanoTime();
        while (table.size() > 0) {
            table.expire(64, 200_000);
        }
        return (double) (System.nanoTime() - start) / flows;
    }
}
