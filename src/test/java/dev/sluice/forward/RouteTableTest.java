package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Longest-prefix match against a naive one, over random tables and those that have bitten others. */
class RouteTableTest {
    /** A route as the naive match looks at it. */
    private record Entry(IpPrefix prefix, int metric, int number) {}

    private static PrefixList list(boolean inet6, List<Entry> entries) {
        PrefixList list = new PrefixList(inet6);
        for (Entry entry : entries) {
            IpAddress address = entry.prefix.address();
            list.add(address.high(), address.low(), entry.prefix.length(), entry.metric, entry.number);
        }
        return list;
    }

    private static int naive(List<Entry> entries, IpAddress address, int longerThan) {
        Entry best = null;
        for (Entry entry : entries) {
            if (entry.prefix.length() > longerThan
                    && entry.prefix.contains(address)
                    && (best == null
                            || entry.prefix.length() > best.prefix.length()
                            || (entry.prefix.length() == best.prefix.length()
                                    && Integer.compareUnsigned(entry.metric, best.metric) < 0))) {
                best = entry;
            }
        }
        return best == null ? RangeList.THROUGH : best.number;
    }

    private static RouteRanges pack(RangeList ranges) {
        return ranges.inet6()
                ? new RouteRanges(new RangeList(false), ranges)
                : new RouteRanges(ranges, new RangeList(true));
    }

    private static int find(RouteRanges ranges, IpAddress address) {
        return new RouteTable(ranges, List.of())
                .find(address.family() == AddressFamily.INET6, address.high(), address.low());
    }

    /** Random bits, but few different ones where it matters, so that prefixes meet. */
    private static IpAddress address(Random random, boolean inet6) {
        long mask = switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> -1;
            case 2 -> 0xc000_0003_8000_0001L;
            default -> random.nextLong();
        };
        return inet6
                ? IpAddress.ofInet6(random.nextLong() & mask, random.nextLong() & mask)
                : IpAddress.ofInet((int) (random.nextLong() & mask));
    }

    private static IpPrefix prefix(Random random, boolean inet6) {
        int bits = inet6 ? 128 : 32;
        int length = random.nextInt(3) == 0 ? random.nextInt(4) * bits / 4 : random.nextInt(bits + 1);
        IpAddress address = address(random, inet6);
        return new IpPrefix(address.and(IpAddress.netmask(address.family(), length)), length);
    }

    private static List<Entry> table(Random random, boolean inet6) {
        List<Entry> entries = new ArrayList<>();
        int size = random.nextInt(random.nextBoolean() ? 5 : 200);
        for (int i = 0; i < size; i++) {
            entries.add(new Entry(prefix(random, inet6), random.nextInt(3) - 1, random.nextInt(6) + RangeList.DISCARD));
        }
        return entries;
    }

    /** The ends of every prefix, and what lies beside them, and random ones. */
    private static List<IpAddress> probes(Random random, boolean inet6, List<Entry> entries) {
        Set<IpAddress> probes = new HashSet<>();
        for (Entry entry : entries) {
            IpAddress first = entry.prefix.address();
            IpAddress mask = IpAddress.netmask(first.family(), entry.prefix.length());
            long lastHigh = first.high() | ~mask.high();
            long lastLow = first.low() | ~mask.low();
            for (int step = -1; step <= 1; step++) {
                if (inet6) {
                    probes.add(IpAddress.ofInet6(
                            first.high() - (step < 0 && first.low() == 0 ? 1 : 0), first.low() + step));
                    probes.add(IpAddress.ofInet6(lastHigh + (step > 0 && lastLow == -1 ? 1 : 0), lastLow + step));
                } else {
                    probes.add(IpAddress.ofInet((int) first.low() + step));
                    probes.add(IpAddress.ofInet((int) lastLow + step));
                }
            }
        }
        for (int i = 0; i < 50; i++) {
            probes.add(address(random, inet6));
        }
        return List.copyOf(probes);
    }

    @Test
    void findsWhatANaiveLongestPrefixMatchFinds() {
        for (int seed = 0; seed < 600; seed++) {
            Random random = new Random(seed);
            boolean inet6 = seed % 2 == 1;
            List<Entry> entries = table(random, inet6);
            int longerThan = random.nextInt(3) == 0 ? random.nextInt(33) : -1;
            RouteRanges ranges = pack(list(inet6, entries).ranges(longerThan));
            for (IpAddress probe : probes(random, inet6, entries)) {
                int expected = Math.max(naive(entries, probe, longerThan), RouteTable.NONE);
                assertEquals(expected, find(ranges, probe), () -> "seed " + random + ": " + probe + " in " + entries);
            }
        }
    }

    @Test
    void rulesAreAskedInTheirOrderAndForTheirDestinationsOnly() {
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            boolean inet6 = seed % 2 == 1;
            List<Entry> first = table(random, inet6);
            List<Entry> second = table(random, inet6);
            IpPrefix only = prefix(random, inet6);
            RangeList layers = list(inet6, first)
                    .ranges(-1)
                    .within(only.address().high(), only.address().low(), only.length())
                    .orElse(list(inet6, second).ranges(-1));
            RouteRanges ranges = pack(layers);
            List<Entry> all = new ArrayList<>(first);
            all.addAll(second);
            all.add(new Entry(only, 0, 0));
            for (IpAddress probe : probes(random, inet6, all)) {
                int before = only.contains(probe) ? naive(first, probe, -1) : RangeList.THROUGH;
                int expected = before == RangeList.THROUGH ? naive(second, probe, -1) : before;
                assertEquals(Math.max(expected, RouteTable.NONE), find(ranges, probe), probe.toString());
            }
        }
    }

    @Test
    void aMillionRoutesOfAFewGateways() {
        Random random = new Random(7);
        PrefixList list = new PrefixList(false);
        List<Entry> sample = new ArrayList<>();
        for (int i = 0; i < 1_000_000; i++) {
            int length = 8 + random.nextInt(17);
            int address = random.nextInt() & (-1 << (32 - length));
            int number = random.nextInt(40);
            // Later routes for the same prefix have higher metrics, so that the sample may be asked by its own.
            list.add(0, Integer.toUnsignedLong(address), length, i, number);
            if (length == 24 && sample.size() < 1000) {
                sample.add(new Entry(new IpPrefix(IpAddress.ofInet(address), length), i, number));
            }
        }
        assertEquals(1_000_000, list.size());
        RouteRanges ranges = pack(list.ranges(-1));
        assertTrue(ranges.size() > 500_000 && ranges.size() <= 2_000_002, "ranges: " + ranges.size());
        for (Entry entry : sample) {
            IpAddress inside = IpAddress.ofInet((int) entry.prefix.address().low() | 77);
            assertEquals(naive(sample, inside, -1), find(ranges, inside), inside.toString());
        }
    }

    @Test
    void aListThatIsFilledAgainForgetsWhatItHad() {
        PrefixList list = list(true, List.of(new Entry(IpPrefix.parse("fd00::/8"), 0, 3)));
        PrefixList other = list(true, List.of(new Entry(IpPrefix.parse("fd00::/8"), 0, 3)));
        assertTrue(list.sameAs(other));
        list.clear();
        assertFalse(list.sameAs(other));
        assertTrue(list.ranges(-1).isEmpty());
        list.add(0xfd00_0000_0000_0000L, 0, 8, 0, 3);
        assertTrue(list.sameAs(other));
    }

    @Test
    void waysAreOnLinkOrByGateways() {
        NextHop r1 = new NextHop(1, 0x0200_0000_0111L, 0xfe00_0000_0001L, 1400, 0, null);
        NextHop r2 = new NextHop(0, 0x0200_0000_0112L, 0xfe00_0000_0002L, 1500, 12, null);
        PrefixList list = list(
                false,
                List.of(
                        new Entry(IpPrefix.parse("0.0.0.0/0"), 0, 1),
                        new Entry(IpPrefix.parse("10.1.0.0/16"), 0, 0),
                        new Entry(IpPrefix.parse("10.1.9.0/24"), 0, RangeList.DISCARD),
                        new Entry(IpPrefix.parse("10.2.0.0/16"), 0, 2)));
        RouteTable table = new RouteTable(
                pack(list.ranges(-1)),
                List.of(
                        new RouteTable.OnLink(1, 0xfe00_0000_0001L, 1450, 7),
                        new RouteTable.ByGateways(List.of(r1, r2)),
                        new RouteTable.ByGateways(List.of())));
        int onLink = table.find(false, 0, IpAddress.parse("10.1.8.7").low());
        assertTrue(table.isOnLink(onLink));
        assertEquals(1, table.onLinkPort(onLink));
        assertEquals(1450, table.onLinkMtuBytes(onLink));
        assertEquals(7, table.onLinkVlan(onLink));
        assertEquals(0xfe00_0000_0001L, table.onLinkSourceMac(onLink));
        assertNull(table.nextHop(onLink, 0));
        int far = table.find(false, 0, IpAddress.parse("192.0.2.1").low());
        assertFalse(table.isOnLink(far));
        Set<NextHop> used = new HashSet<>();
        for (long hash = 0; hash < 64; hash++) {
            NextHop hop = table.nextHop(far, hash);
            assertEquals(hop, table.nextHop(far, hash), "a flow stays with its gateway");
            used.add(hop);
        }
        assertEquals(Set.of(r1, r2), used);
        int unresolved = table.find(false, 0, IpAddress.parse("10.2.0.1").low());
        assertFalse(table.isOnLink(unresolved));
        assertEquals(HopTable.NONE, table.hops().of(unresolved, 5));
        assertEquals(
                RouteTable.NONE,
                table.find(false, 0, IpAddress.parse("10.1.9.1").low()));
        assertEquals(RouteTable.NONE, table.find(true, 0xfd00_0000_0000_0000L, 1));
        assertEquals(RouteTable.NONE, RouteTable.EMPTY.find(false, 0, 1));
    }

    @Test
    void snapshotsKeepTheirRoutes() {
        RouteTable table = new RouteTable(RouteRanges.EMPTY, List.of());
        ForwardingSnapshot built =
                new ForwardingSnapshot.Builder(1).routes(table).build();
        assertSame(table, built.routes());
        assertSame(table, built.withNextHops(2, _ -> List.of()).routes());
        ForwardingSnapshot other = built.withRoutes(3, RouteTable.EMPTY);
        assertSame(RouteTable.EMPTY, other.routes());
        assertEquals(3, other.generation());
        assertTrue(other.hasRealServersOf(built));
        assertSame(RouteTable.EMPTY, ForwardingSnapshot.empty().routes());
    }
}
