package dev.sluice.bench;

import dev.sluice.ffi.PageMemory;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.schedule.HashKey;
import java.util.SplittableRandom;

/**
 * Times the persistence templates of a table filled to its capacity: making them, joining one that is there, looking for
 * one that is not, and leaving. That happens once a connection. Clients are uniformly random; hashing is inside the time,
 * for the pipeline hashes a client for nothing else.
 */
public final class PersistenceTableBench {
    private static final int BATCH = 64;
    private static final int BATCHES = 20_000;
    private static final int REAL_SERVERS = 16;
    private static final int SERVICE = 3;
    private static final long TIMEOUT_MS = 300_000;
    private static final long NOW_MS = 1000;

    private final SplittableRandom random = new SplittableRandom(7);
    private final long[] clients = new long[BATCH];
    private final long[] references = new long[BATCH];
    private long sink;

    private PersistenceTableBench() {}

    /**
     * Runs the benchmark.
     *
     * @param sizes how many templates; without any: 65536 and 1048576
     */
    public static void main(String[] sizes) {
        PersistenceTableBench bench = new PersistenceTableBench();
        bench.run(4096, false);
        bench.run(65536, false);
        System.out.println(
                " templates     MiB  bytes each  no room   create  join, there  join, not there  leave   (ns)");
        for (String size : sizes.length > 0 ? sizes : new String[] {"65536", "1048576"}) {
            bench.run(Integer.parseInt(size), true);
        }
        // So that nothing timed can be left out.
        System.out.println("(" + (bench.sink & 1) + ")");
    }

    private void run(int templates, boolean print) {
        try (PageMemory pages = new PageMemory()) {
            PersistenceTable table = new PersistenceTable(templates, REAL_SERVERS, new HashKey(3, 4), pages);
            BatchTimes created = new BatchTimes();
            for (int done = 0; done < templates; done += BATCH) {
                for (int i = 0; i < BATCH; i++) {
                    clients[i] = (long) done + i;
                }
                long start = System.nanoTime();
                for (long client : clients) {
                    sink ^= table.create(
                            table.hash(SERVICE, 0, client),
                            SERVICE,
                            0,
                            client,
                            (int) client % REAL_SERVERS,
                            TIMEOUT_MS,
                            NOW_MS);
                }
                created.add(System.nanoTime() - start);
            }
            BatchTimes joined = new BatchTimes();
            BatchTimes left = new BatchTimes();
            BatchTimes missed = new BatchTimes();
            for (int batch = 0; batch < BATCHES; batch++) {
                joined.add(join(table, 0, templates));
                left.add(leave(table));
                missed.add(join(table, templates, 1 << 30));
            }
            if (print) {
                long bytes = PersistenceTable.memoryBytes(templates);
                System.out.printf(
                        "%10d %7.1f %11.0f %8d %8.1f %12.1f %16.1f %6.1f%n",
                        templates,
                        bytes / 1048576.0,
                        (double) bytes / templates,
                        templates - table.size(),
                        created.median(BATCH),
                        joined.median(BATCH),
                        missed.median(BATCH),
                        left.median(BATCH));
            }
        }
    }

    private long join(PersistenceTable table, int first, int count) {
        for (int i = 0; i < BATCH; i++) {
            clients[i] = (long) first + random.nextInt(count);
        }
        long start = System.nanoTime();
        for (int i = 0; i < BATCH; i++) {
            long client = clients[i];
            long reference = table.join(table.hash(SERVICE, 0, client), SERVICE, 0, client, NOW_MS);
            references[i] = reference;
            sink ^= reference == PersistenceTable.NONE ? reference : table.realServer(reference);
        }
        return System.nanoTime() - start;
    }

    private long leave(PersistenceTable table) {
        long start = System.nanoTime();
        for (long reference : references) {
            if (reference != PersistenceTable.NONE) {
                table.leave(reference, NOW_MS);
            }
        }
        return System.nanoTime() - start;
    }
}
