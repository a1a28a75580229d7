package dev.sluice.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.schedule.HashKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PersistenceTableTest {
    private static final HashKey KEY = new HashKey(1, 2);
    private static final int SERVERS = 1000;

    private final PersistenceTable table = table(1024);

    /** What a template should be. */
    private static final class Template {
        final int server;
        long expiresMs;
        long timeoutMs = 5000;
        int connections = 1;

        Template(int server, long nowMs) {
            this.server = server;
            expiresMs = nowMs + timeoutMs;
        }
    }

    private static PersistenceTable table(int capacity) {
        return new PersistenceTable(capacity, SERVERS, KEY, Arena.ofAuto());
    }

    private long join(int service, long client, long nowMs) {
        return table.join(table.hash(service, 0, client), service, 0, client, nowMs);
    }

    private long create(int service, long client, int server, long timeoutMs, long nowMs) {
        return table.create(table.hash(service, 0, client), service, 0, client, server, timeoutMs, nowMs);
    }

    @Test
    void everyPlaceIsRead() {
        for (int client = 0; client < 500; client++) {
            create(client % 3, client, client, 10_000, 1000);
        }
        long idle = create(5, 7, 600, 10_000, 1000);
        table.leave(idle, 1000);
        TemplateCopy copy = new TemplateCopy();
        Map<Integer, Long> clientOf = new HashMap<>();
        for (int place = 0; place < table.places(); place++) {
            if (table.read(place, 3000, copy)) {
                assertEquals(8000, copy.remainingMs());
                assertEquals(0, copy.clientHigh());
                assertEquals(copy.realServer() == 600 ? 5 : copy.realServer() % 3, copy.service());
                clientOf.put(copy.realServer(), copy.clientLow());
            }
        }
        assertEquals(501, clientOf.size());
        assertEquals(7L, clientOf.get(600));
        assertEquals(499L, clientOf.get(499));
        // Expired: those with a connection live on a minute at a time.
        int left = 0;
        for (int place = 0; place < table.places(); place++) {
            if (table.read(place, 11_000 + 60_000, copy)) {
                left++;
                assertEquals(60_000, copy.remainingMs());
                assertNotEquals(600, copy.realServer());
            }
        }
        assertEquals(500, left);
    }

    private int sweep(long nowMs) {
        PersistenceTable.Sweeper sweeper = new PersistenceTable.Sweeper(table, 0, 1);
        int removed = 0;
        for (int i = 0; i < 1000; i++) {
            // Whatever the millisecond, one call looks at some sets.
            removed += sweeper.run(nowMs + (i & 1));
        }
        return removed;
    }

    @Test
    void aTemplateIsOfOneClientOfOneService() {
        long made = create(3, 77, 5, 1000, 0);
        assertEquals(5, table.realServer(made));
        assertEquals(made, join(3, 77, 10));
        assertEquals(PersistenceTable.NONE, join(4, 77, 10));
        assertEquals(PersistenceTable.NONE, join(3, 78, 10));
        assertEquals(PersistenceTable.NONE, table.join(table.hash(3, 1, 77), 3, 1, 77, 10));
        assertEquals(1, table.size());
        assertEquals(1, table.templatesOf(5));
    }

    @Test
    void everyConnectionStartsTheTimerAnew() {
        long made = create(1, 1, 1, 1000, 0);
        table.leave(made, 1);
        table.leave(join(1, 1, 900), 901);
        table.leave(join(1, 1, 1800), 1801);
        assertEquals(PersistenceTable.NONE, join(1, 1, 2800));
    }

    /** ip_vs_conn_expire(): a template under which connections are left is looked at again after a minute. */
    @Test
    void aTemplateOutlivesItsTimeWhileConnectionsAreLeft() {
        long made = create(1, 1, 1, 1000, 0);
        assertEquals(0, sweep(50_000));
        assertEquals(made, join(1, 1, 50_000), "the first connection is still there");
        table.leave(made, 60_000);
        table.leave(made, 110_500);
        // It had a minute from 50,000 on, found the connection at 110,000 and looks again at 170,000.
        assertEquals(0, sweep(169_000));
        assertNotEquals(PersistenceTable.NONE, table.find(table.hash(1, 0, 1), 1, 0, 1));
        assertEquals(1, sweep(170_000));
        assertEquals(0, table.size());
        assertEquals(0, table.templatesOf(1));
        assertEquals(PersistenceTable.NONE, join(1, 1, 170_001));
    }

    @Test
    void whoComesSecondJoinsTheFirst() {
        long first = create(1, 1, 1, 1000, 0);
        long second = create(1, 1, 2, 1000, 1);
        assertEquals(first, second);
        assertEquals(1, table.realServer(second));
        assertEquals(0, table.templatesOf(2));
    }

    @Test
    void anInvalidTemplateIsForgottenAndItsConnectionsCountNoMore() {
        long old = create(1, 1, 1, 1000, 0);
        assertTrue(table.invalidate(old));
        assertEquals(PersistenceTable.NONE, join(1, 1, 1));
        long fresh = create(1, 1, 2, 1000, 1);
        assertNotEquals(old, fresh);
        table.leave(old, 2);
        assertTrue(table.invalidate(old), "of no effect");
        assertEquals(fresh, join(1, 1, 500));
        table.leave(fresh, 600);
        table.leave(fresh, 600);
        assertEquals(PersistenceTable.NONE, join(1, 1, 1500));
        assertEquals(1, table.templatesOf(2), "until somebody looks");
    }

    @Test
    void aFullSetRefusesAndTakesAgainWhatExpires() {
        PersistenceTable small = table(1);
        List<Long> made = new ArrayList<>();
        for (int client = 0; client < PersistenceTable.WAYS; client++) {
            made.add(small.create(small.hash(1, 0, client), 1, 0, client, 1, 1000, 0));
        }
        long hash = small.hash(1, 0, 99);
        assertEquals(PersistenceTable.FULL, small.create(hash, 1, 0, 99, 1, 1000, 999));
        assertEquals(PersistenceTable.FULL, small.create(hash, 1, 0, 99, 1, 1000, 1000), "all have a connection");
        small.leave(made.get(4), 500);
        assertTrue(small.create(hash, 1, 0, 99, 1, 1000, 1000) >= 0);
        assertEquals(PersistenceTable.WAYS, small.size());
    }

    /** What a killed director leaves: templates in use, idle, expired, half written, of ids that mean nothing any more. */
    @Test
    void templatesOutliveTheirDirector() {
        FlowTableImage.Boot boot = new FlowTableImage.Boot(3, 4);
        MemorySegment image = Arena.ofAuto().allocate(PersistenceTableImage.bytes(256), 64);
        MemorySegment memory = PersistenceTableImage.format(image, boot);
        PersistenceTable before = new PersistenceTable(SERVERS, KEY, memory);
        for (int client = 0; client < 60; client++) {
            long made =
                    before.create(before.hash(1 + client % 3, 0, client), 1 + client % 3, 0, client, client, 5000, 0);
            if (client % 2 == 0) {
                before.leave(made, 1);
            }
        }
        before.leave(before.join(before.hash(1, 0, 30), 1, 0, 30, 4000), 4000);
        assertEquals(Optional.empty(), PersistenceTableImage.unreadable(image, boot));
        assertTrue(PersistenceTableImage.unreadable(image, new FlowTableImage.Boot(3, 5))
                .isPresent());

        PersistenceTable after = new PersistenceTable(64, SERVERS, new HashKey(9, 9), Arena.ofAuto());
        long nowMs = 6000;
        int entered = PersistenceTableImage.recover(image, after, id -> id != 2, id -> id != 33, nowMs);
        for (int client = 0; client < 60; client++) {
            int service = 1 + client % 3;
            long found = after.find(after.hash(service, 0, client), service, 0, client);
            boolean alive = (client % 2 == 1 || client == 30) && service != 2 && client != 33;
            assertEquals(alive, found >= 0, "client " + client);
            if (alive) {
                assertEquals(client, after.realServer(found));
                assertEquals(client == 30 ? 3000 : 60_000, after.remainingMs(found, nowMs));
                assertTrue(after.join(after.hash(service, 0, client), service, 0, client, nowMs + 2999) >= 0);
                entered--;
            }
        }
        assertEquals(0, entered);
    }

    /** Against a map of what is there, over random lives of few clients, so that sets overflow and slots are reused. */
    @Test
    void anyLifeAgreesWithAModel() {
        Random random = new Random(11);
        PersistenceTable few = table(16);
        Map<Long, Template> model = new HashMap<>();
        Map<Long, List<Long>> references = new HashMap<>();
        long nowMs = 0;
        int hits = 0;
        for (int step = 0; step < 200_000; step++) {
            nowMs += random.nextInt(400);
            long client = random.nextInt(24);
            Template known = model.get(client);
            boolean isUp = known != null && nowMs >= known.expiresMs;
            if (known != null && isUp && known.connections == 0) {
                model.remove(client);
                known = null;
            }
            List<Long> held = references.computeIfAbsent(client, c -> new ArrayList<>());
            if (random.nextInt(3) == 0 && !held.isEmpty()) {
                long reference = held.removeLast();
                few.leave(reference, nowMs);
                if (known != null) {
                    while (nowMs >= known.expiresMs) {
                        known.expiresMs += 60_000;
                        known.timeoutMs = 60_000;
                    }
                    known.connections--;
                }
                continue;
            }
            long hash = few.hash(1, 0, client);
            long reference = few.join(hash, 1, 0, client, nowMs);
            assertEquals(known != null, reference >= 0, "step " + step);
            if (known == null) {
                int server = random.nextInt(SERVERS);
                reference = few.create(hash, 1, 0, client, server, 5000, nowMs);
                if (reference < 0) {
                    continue;
                }
                model.put(client, new Template(server, nowMs));
            } else {
                hits++;
                assertEquals(known.server, few.realServer(reference));
                if (isUp) {
                    known.timeoutMs = 60_000;
                }
                known.expiresMs = nowMs + known.timeoutMs;
                known.connections++;
            }
            held.add(reference);
        }
        assertTrue(hits > 50_000, hits + " hits");
    }

    /** Workers that open connections of the same clients at once never see two real servers for one client. */
    @Test
    void allWorkersSeeOneRealServerForAClient() throws Exception {
        int workers = 4;
        int clients = 64;
        int epochs = 400;
        PersistenceTable shared = table(64);
        int[][] seen = new int[workers][clients];
        AtomicInteger compared = new AtomicInteger();
        CyclicBarrier barrier = new CyclicBarrier(workers);
        List<Callable<@Nullable Void>> tasks = new ArrayList<>();
        for (int worker = 0; worker < workers; worker++) {
            int self = worker;
            tasks.add(() -> {
                Random random = new Random(self);
                for (int epoch = 0; epoch < epochs; epoch++) {
                    barrier.await();
                    for (int client = 0; client < clients; client++) {
                        long hash = shared.hash(1, 0, client);
                        long reference = shared.join(hash, 1, 0, client, epoch);
                        if (reference == PersistenceTable.NONE) {
                            int server = 1 + random.nextInt(SERVERS - 1);
                            reference = shared.create(hash, 1, 0, client, server, 1_000_000, epoch);
                        }
                        seen[self][client] = reference < 0 ? 0 : shared.realServer(reference);
                        if (reference >= 0) {
                            shared.leave(reference, epoch);
                        }
                    }
                    barrier.await();
                    // Each worker forgets some, so that the next epoch begins with free places among taken ones.
                    for (int client = self; client < clients; client += workers) {
                        compared.addAndGet(compare(seen, client));
                        long known = shared.find(shared.hash(1, 0, client), 1, 0, client);
                        if (known >= 0 && random.nextInt(4) != 0) {
                            shared.invalidate(known);
                        }
                    }
                }
                return null;
            });
        }
        try (ExecutorService pool = Executors.newFixedThreadPool(workers)) {
            for (Future<@Nullable Void> result : pool.invokeAll(tasks)) {
                result.get();
            }
        }
        assertTrue(compared.get() > clients * epochs, compared + " compared");
        int templates = 0;
        for (int server = 0; server < SERVERS; server++) {
            assertTrue(shared.templatesOf(server) >= 0);
            templates += shared.templatesOf(server);
        }
        assertEquals(shared.size(), templates);
    }

    /** How many workers saw a real server for a client; those that did saw the same. */
    private static int compare(int[][] seen, int client) {
        int first = 0;
        int number = 0;
        for (int[] own : seen) {
            if (own[client] != 0) {
                assertTrue(first == 0 || first == own[client], "two real servers for client " + client);
                first = own[client];
                number++;
            }
        }
        return number;
    }
}
