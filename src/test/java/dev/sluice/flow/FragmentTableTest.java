package dev.sluice.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.schedule.HashKey;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class FragmentTableTest {
    private static final HashKey KEY = new HashKey(7, 11);
    private static final int WAYS = 8;

    private final FragmentTable table = new FragmentTable(64, KEY);

    /** A fragment of a datagram of a client of its own, with its hash. */
    private record Datagram(PacketView view, long hash) {}

    private Datagram datagram(int client, int id, boolean inet6) {
        PacketBuilder packet = inet6
                ? PacketBuilder.ethernet()
                        .ip(IpAddress.ofInet6(0x2001_0db8_0000_0000L, client), IpAddress.parse("2001:db8::100"))
                        .fragmentHeader(8, true, id)
                : PacketBuilder.ethernet()
                        .ip(IpAddress.ofInet(0x0a01_0000 + client), IpAddress.parse("10.0.0.100"))
                        .identification(id)
                        .fragment(8, true);
        byte[] frame = packet.raw(PacketBuilder.UDP).payloadLength(16).build();
        PacketView view = new PacketView();
        assertEquals(PacketParser.FRAGMENT, PacketParser.parse(MemorySegment.ofArray(frame), 0, frame.length, view));
        return new Datagram(view, table.hash(view));
    }

    private int find(Datagram datagram, long nowMs) {
        return (int) table.find(datagram.view, datagram.hash, nowMs);
    }

    private void put(Datagram datagram, int realServer, long nowMs) {
        assertTrue(table.put(datagram.view, datagram.hash, realServer, nowMs));
    }

    @Test
    void findsWhatWasPutUntilItExpires() {
        for (boolean inet6 : new boolean[] {false, true}) {
            Datagram one = datagram(1, 9, inet6);
            assertEquals(FragmentTable.NONE, find(one, 0));
            put(one, 5, 1000);
            assertEquals(5, find(one, 1000));
            assertEquals(5, find(one, 1000 + FragmentTable.LIFETIME_MS - 1));
            assertTrue(table.holds(5, 1000 + FragmentTable.LIFETIME_MS - 1));
            assertEquals(FragmentTable.NONE, find(one, 1000 + FragmentTable.LIFETIME_MS));
            assertFalse(table.holds(5, 1000 + FragmentTable.LIFETIME_MS));
            put(one, 0, 9000);
            assertEquals(0, find(one, 9000), "real server 0 is one as others are");
        }
    }

    @Test
    void anythingElseIsAnotherDatagram() {
        Datagram one = datagram(1, 9, false);
        put(one, 5, 0);
        assertEquals(FragmentTable.NONE, find(datagram(1, 10, false), 0));
        assertEquals(FragmentTable.NONE, find(datagram(2, 9, false), 0));
        assertEquals(FragmentTable.NONE, find(datagram(1, 9, true), 0));
        // Not even under the same hash.
        assertEquals(FragmentTable.NONE, table.find(datagram(2, 9, false).view, one.hash, 0));
    }

    @Test
    void theSameDatagramTakesNoSecondPlace() {
        FragmentTable one = new FragmentTable(1, KEY);
        List<Datagram> all = new ArrayList<>();
        for (int i = 0; i < WAYS; i++) {
            Datagram datagram = datagram(i, 1, false);
            all.add(datagram);
            for (int again = 0; again < 3; again++) {
                assertTrue(one.put(datagram.view, datagram.hash, 100 * again + i, i));
            }
        }
        for (int i = 0; i < WAYS; i++) {
            assertEquals(200 + i, one.find(all.get(i).view, all.get(i).hash, WAYS));
        }
    }

    @Test
    void holdsItsCapacityInEverySet() {
        int found = 0;
        FragmentTable large = new FragmentTable(1 << 14, KEY);
        List<Datagram> all = new ArrayList<>();
        for (int i = 0; i < 1 << 12; i++) {
            Datagram datagram = datagram(i, i, i % 2 == 0);
            all.add(datagram);
            assertTrue(large.put(datagram.view, datagram.hash, i, 0));
        }
        for (int i = 0; i < all.size(); i++) {
            int realServer = (int) large.find(all.get(i).view, all.get(i).hash, 0);
            assertTrue(realServer == FragmentTable.NONE || realServer == i);
            found += realServer == i ? 1 : 0;
        }
        // A quarter full: sets of eight with two on average lose next to none.
        assertTrue(found > all.size() - 20, "found " + found);
    }

    /** A flood shortens lives: the entry that expires first goes, the newest is always there. */
    @Test
    void theOldestMakesRoom() {
        FragmentTable one = new FragmentTable(1, KEY);
        List<Datagram> all = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            Datagram datagram = datagram(i, i & 0xffff, false);
            all.add(datagram);
            assertTrue(one.put(datagram.view, datagram.hash, i, i));
            for (int back = 0; back < 20 && back <= i; back++) {
                Datagram before = all.get(i - back);
                int expected = back < WAYS ? i - back : FragmentTable.NONE;
                assertEquals(expected, one.find(before.view, before.hash, i));
            }
        }
        // One that was seen again lives longer than those behind it.
        Datagram again = all.get(1000 - WAYS);
        assertTrue(one.put(again.view, again.hash, 7, 1000));
        Datagram another = datagram(5000, 1, true);
        assertTrue(one.put(another.view, another.hash, 8, 1001));
        assertEquals(7, one.find(again.view, again.hash, 1001));
        assertEquals(FragmentTable.NONE, one.find(all.get(1001 - WAYS).view, all.get(1001 - WAYS).hash, 1001));
    }

    /**
     * Two threads write and two read in one set of eight places with 16 datagrams: whoever finds one finds one of the real
     * servers that it was given, which no other datagram has.
     */
    @Test
    void neverAWrongRealServerUnderContention() throws Exception {
        FragmentTable one = new FragmentTable(1, KEY);
        List<Datagram> all = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            all.add(datagram(i, 7, i % 2 == 0));
        }
        AtomicBoolean ended = new AtomicBoolean();
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<Long>> writers = new ArrayList<>();
            List<Future<Long>> readers = new ArrayList<>();
            for (int thread = 0; thread < 2; thread++) {
                int offset = thread * 8;
                Callable<Long> reader = () -> read(one, all, ended);
                readers.add(threads.submit(reader));
                writers.add(threads.submit(() -> write(one, all, offset)));
            }
            long written = 0;
            for (Future<Long> writer : writers) {
                written += writer.get();
            }
            ended.set(true);
            long found = 0;
            for (Future<Long> reader : readers) {
                found += reader.get();
            }
            assertTrue(written > 100_000, "written " + written);
            assertTrue(found > 1000, "found " + found);
        } finally {
            ended.set(true);
        }
    }

    private static long write(FragmentTable table, List<Datagram> all, int offset) {
        long written = 0;
        for (int i = 0; i < 1_000_000; i++) {
            int which = (i + offset) % all.size();
            // The datagram's number in the lower half, so that a torn entry shows.
            int realServer = i % 1000 << 4 | which;
            written += table.put(all.get(which).view, all.get(which).hash, realServer, i) ? 1 : 0;
        }
        return written;
    }

    private static long read(FragmentTable table, List<Datagram> all, AtomicBoolean ended) {
        long found = 0;
        while (!ended.get()) {
            for (int which = 0; which < all.size(); which++) {
                int realServer = (int) table.find(all.get(which).view, all.get(which).hash, 0);
                if (realServer != FragmentTable.NONE) {
                    found++;
                    assertEquals(which, realServer & 15);
                }
            }
        }
        return found;
    }
}
