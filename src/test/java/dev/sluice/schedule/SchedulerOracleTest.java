package dev.sluice.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.schedule.KernelOracle.Destination;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerFlag;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every scheduler against {@link KernelOracle} over random lives of a service: connections that open, become inactive and
 * close, weights that change, real servers that come, go and return, on three workers that see each other's counts.
 */
class SchedulerOracleTest {
    private static final int WORKERS = 3;
    private static final int REAL_SERVERS = 12;
    private static final int VIPS = 4;

    private final Random random = new Random(20);
    private KernelOracle oracle = new KernelOracle();
    private final Map<Integer, Destination> byId = new HashMap<>();
    private final List<Destination> active = new ArrayList<>();
    private final List<Destination> inactive = new ArrayList<>();
    private final ConnectionCounts counts = new ConnectionCounts() {
        @Override
        public int active(int realServerId) {
            return dest(realServerId).active;
        }

        @Override
        public int inactive(int realServerId) {
            return dest(realServerId).inactive;
        }

        @Override
        public boolean isOverloaded(int realServerId) {
            return dest(realServerId).overload;
        }
    };
    private SchedulerState[] states = {};
    private KernelOracle.Worker[] workers = {};
    private long nowMs;
    private int picked;
    private int refused;

    private Destination dest(int id) {
        return byId.computeIfAbsent(id, i -> new Destination(i, address(i).low() + 80));
    }

    private static IpAddress address(int id) {
        return IpAddress.ofInet(0xc0000200 + 7 * id);
    }

    private static PacketView packet(int client, int port, int vip) {
        byte[] frame = PacketBuilder.tcp(IpAddress.ofInet(client), port, IpAddress.ofInet(0x0a000064 + vip), 80)
                .build();
        PacketView view = new PacketView();
        assertEquals(PacketParser.OK, PacketParser.parse(MemorySegment.ofArray(frame), 0, frame.length, view));
        return view;
    }

    private void startLife() {
        oracle = new KernelOracle();
        byId.clear();
        active.clear();
        inactive.clear();
        states = new SchedulerState[WORKERS];
        workers = new KernelOracle.Worker[WORKERS];
        for (int i = 0; i < WORKERS; i++) {
            states[i] = new SchedulerState(counts);
            workers[i] = new KernelOracle.Worker();
        }
        nowMs = random.nextInt();
    }

    private int weight(int highest) {
        return random.nextInt(5) == 0 ? 0 : random.nextInt(highest) + 1;
    }

    /** One ipvsadm command. */
    private void change(int highestWeight) {
        Destination dest = dest(random.nextInt(REAL_SERVERS));
        boolean add = !dest.available;
        if (!add && random.nextInt(3) == 0) {
            dest.available = false;
            oracle.destinations.remove(dest);
            return;
        }
        dest.weight = weight(highestWeight);
        if (add || dest.weight != 0) {
            dest.lastWeight = dest.weight;
        }
        if (add) {
            dest.available = true;
            oracle.destinations.addFirst(dest);
        }
    }

    private SchedulerTable table(
            SchedulerKind kind, Set<SchedulerFlag> flags, int mhSize, @Nullable SchedulerTable before) {
        List<RealServer> oldestFirst = oracle.destinations.reversed().stream()
                .map(d -> new RealServer(d.id, address(d.id), 80, ForwardingMethod.DR, d.weight))
                .toList();
        return SchedulerTable.of(
                new VirtualService(0, new AddressKey(Protocol.TCP, IpAddress.ofInet(1), 80), kind, flags, oldestFirst),
                before,
                new SchedulerParameters(new MaglevParameters(251, new HashKey(1, 2)), mhSize));
    }

    private void moveConnections() {
        if (!active.isEmpty() && random.nextInt(2) == 0) {
            Destination dest = active.remove(random.nextInt(active.size()));
            dest.active--;
            dest.inactive++;
            inactive.add(dest);
        }
        if (!inactive.isEmpty() && random.nextInt(3) == 0) {
            inactive.remove(random.nextInt(inactive.size())).inactive--;
        }
        if (random.nextInt(4) == 0) {
            Destination dest = dest(random.nextInt(REAL_SERVERS));
            dest.overload = !dest.overload && random.nextInt(2) == 0;
        }
        nowMs += random.nextInt(400) == 0 ? random.nextLong(2 * KernelOracle.DAY_MS) : random.nextInt(1000);
    }

    private void check(SchedulerTable table, int worker, PacketView packet, @Nullable Destination expected) {
        int id = table.pick(states[worker], packet, random.nextLong(), nowMs);
        assertEquals(expected == null ? SchedulerTable.NO_REAL_SERVER : expected.id, id);
        if (expected == null) {
            refused++;
        } else {
            picked++;
            expected.active++;
            active.add(expected);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"LC", "WLC", "SED", "NQ", "FO", "OVF", "LBLC", "LBLCR"})
    void schedulersThatCompareLoads(SchedulerKind kind) {
        for (int life = 0; life < 12; life++) {
            startLife();
            int highestWeight = life % 3 == 0 ? RealServer.MAX_WEIGHT : 8;
            @Nullable SchedulerTable table = null;
            for (int step = 0; step < 2000; step++) {
                if (table == null || random.nextInt(40) == 0) {
                    change(highestWeight);
                    table = table(kind, Set.of(), 4093, table);
                }
                moveConnections();
                int worker = random.nextInt(WORKERS);
                int vip = random.nextInt(VIPS);
                Destination expected = switch (kind) {
                    case LC -> oracle.lc();
                    case WLC -> oracle.wlc();
                    case SED -> oracle.sed();
                    case NQ -> oracle.nq();
                    case FO -> oracle.fo();
                    case OVF -> oracle.ovf();
                    case LBLC -> oracle.lblc(workers[worker], vip, nowMs);
                    default -> oracle.lblcr(workers[worker], vip, nowMs);
                };
                check(table, worker, packet(random.nextInt(), 1 + random.nextInt(65535), vip), expected);
            }
        }
        assertTrue(picked > 15_000 && refused > 0, picked + " picked, " + refused + " refused");
    }

    @ParameterizedTest
    @CsvSource({"SH, 0", "SH, 1", "SH, 2", "SH, 3", "DH, 0", "MH, 0", "MH, 1", "MH, 2", "MH, 3"})
    void schedulersThatHash(SchedulerKind kind, int flagBits) {
        Set<SchedulerFlag> flags = EnumSet.noneOf(SchedulerFlag.class);
        boolean port = (flagBits & 1) != 0;
        boolean fallback = (flagBits & 2) != 0;
        if (port) {
            flags.add(kind == SchedulerKind.SH ? SchedulerFlag.SH_PORT : SchedulerFlag.MH_PORT);
        }
        if (fallback) {
            flags.add(kind == SchedulerKind.SH ? SchedulerFlag.SH_FALLBACK : SchedulerFlag.MH_FALLBACK);
        }
        for (int life = 0; life < 10; life++) {
            startLife();
            int index = life % 4;
            int mhSize = SchedulerParameters.MH_TABLE_SIZES.get(index);
            @Nullable SchedulerTable table = null;
            for (int round = 0; round < 20; round++) {
                change(life % 3 == 0 ? RealServer.MAX_WEIGHT : 8);
                table = table(kind, flags, mhSize, table);
                @Nullable
                Destination[] mh = kind == SchedulerKind.MH ? oracle.mhTable(mhSize, 8 + index) : new Destination[0];
                for (int i = 0; i < 100; i++) {
                    moveConnections();
                    PacketView packet = packet(random.nextInt(), 1 + random.nextInt(65535), random.nextInt(200));
                    long key = (kind == SchedulerKind.DH ? packet.destinationLow() : packet.sourceLow())
                            + (port ? packet.sourcePort() : 0);
                    Destination expected = kind == SchedulerKind.MH
                            ? oracle.mh(mh, fallback, key)
                            : oracle.slots(kind == SchedulerKind.SH, fallback, key);
                    check(table, random.nextInt(WORKERS), packet, expected);
                }
            }
        }
        assertTrue(picked > 10_000 && (fallback || refused > 300), picked + " picked, " + refused + " refused");
    }

    /** Overloaded real servers come and go under a list that stays, down to the last one. */
    @Test
    void wrrPassesOverloadedOnes() {
        for (int life = 0; life < 200; life++) {
            startLife();
            int highestWeight = life % 3 == 0 ? 300 : 8;
            for (int i = 0; i < 1 + life % 14; i++) {
                change(highestWeight);
            }
            SchedulerTable table = table(SchedulerKind.WRR, Set.of(), 4093, null);
            KernelOracle.Mark mark = new KernelOracle.Mark();
            // As ip_vs_wrr_dest_changed() leaves it, whose own test is WeightedRoundRobinTest.
            table.pick(states[0], packet(1, 1, 1), 0, 0);
            mark.at = states[0].cursor;
            mark.weight = states[0].currentWeight;
            for (int i = 0; i < 300; i++) {
                for (int flips = random.nextInt(4); flips > 0; flips--) {
                    Destination dest = dest(random.nextInt(REAL_SERVERS));
                    dest.overload = random.nextInt(life % 4 + 2) != 0;
                }
                Destination expected = oracle.wrr(mark);
                int id = table.pick(states[0], packet(1, 1, 1), 0, 0);
                assertEquals(expected == null ? SchedulerTable.NO_REAL_SERVER : expected.id, id);
                assertEquals(mark.at, states[0].cursor);
                picked += expected == null ? 0 : 1;
                refused += expected == null ? 1 : 0;
            }
        }
        assertTrue(picked > 10_000 && refused > 3_000, picked + " picked, " + refused + " refused");
    }

    /** The kernel's two draws, all pairs of them, against the frequency of what is picked. */
    @Test
    void twosPicksAsOftenAsTheKernelsDrawsSay() {
        for (int life = 0; life < 20; life++) {
            startLife();
            for (int i = 0; i < 12; i++) {
                change(6);
            }
            for (Destination dest : oracle.destinations) {
                dest.active = random.nextInt(5);
                dest.inactive = random.nextInt(300);
                dest.overload = random.nextInt(4) == 0;
            }
            SchedulerTable table = table(SchedulerKind.TWOS, Set.of(), 4093, null);
            int total = oracle.destinations.stream()
                    .filter(d -> !d.overload)
                    .mapToInt(d -> d.weight)
                    .sum();
            Map<Integer, Integer> ways = new HashMap<>();
            for (int first = 0; first <= total; first++) {
                for (int second = 0; second <= total; second++) {
                    Destination one = drawn(first);
                    Destination two = drawn(second);
                    if (one != null && two != null) {
                        boolean better = two.weight * one.overhead() > one.weight * two.overhead();
                        ways.merge(better ? two.id : one.id, 1, Integer::sum);
                    }
                }
            }
            Map<Integer, Integer> picks = new HashMap<>();
            PacketView packet = packet(1, 1, 1);
            int rounds = 40_000;
            for (int i = 0; i < rounds; i++) {
                picks.merge(table.pick(states[i % WORKERS], packet, random.nextLong(), 0), 1, Integer::sum);
            }
            for (int id = 0; id < REAL_SERVERS; id++) {
                double expected = (double) rounds * ways.getOrDefault(id, 0) / ((total + 1) * (total + 1));
                assertEquals(expected, picks.getOrDefault(id, 0), 5 * Math.sqrt(expected) + 0.5, "real server " + id);
            }
        }
    }

    private @Nullable Destination drawn(int point) {
        int left = point;
        for (Destination dest : oracle.destinations) {
            if (dest.weight > 0 && !dest.overload) {
                left -= dest.weight;
                if (left <= 0) {
                    return dest;
                }
            }
        }
        return null;
    }

    /** A cache too small for all VIPs forgets some, but never chooses what the kernel could not. */
    @ParameterizedTest
    @EnumSource(names = {"LBLC", "LBLCR"})
    void moreVipsThanTheCacheHolds(SchedulerKind kind) {
        startLife();
        for (int i = 0; i < 40; i++) {
            change(20);
        }
        SchedulerTable table = table(kind, Set.of(), 4093, null);
        for (int i = 0; i < 40_000; i++) {
            int vip = random.nextInt(8 * DestinationCache.ENTRIES);
            int id = table.pick(states[0], packet(1, 1, vip), 0, nowMs);
            Destination dest = dest(id);
            assertTrue(dest.available && dest.weight > 0);
            dest.active++;
            if (i % 2 == 0) {
                dest.active = random.nextInt(40);
            }
        }
        int vip = random.nextInt(1000);
        int first = table.pick(states[0], packet(1, 1, vip), 0, nowMs);
        byId.values().forEach(dest -> dest.active = 0);
        assertEquals(first, table.pick(states[0], packet(2, 2, vip), 0, nowMs));
    }
}
