package dev.sluice.bench;

import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketView;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.MaglevParameters;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.schedule.SchedulerTable;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Repeats the evaluation of consistent hashing in Eisenbud et al., Maglev, NSDI 2016, section 5.3, with this director's
 * {@code maglev}: balance beside Karger's and rendezvous hashing (figure 11), disruption (figure 12), and the time to build
 * a table. Prints the paper's numbers beside ours; where the paper has only a plot it says so.
 */
public final class MaglevPaper {
    private static final int SMALL = MaglevParameters.DEFAULT_TABLE_SIZE;
    private static final int LARGE = MaglevParameters.LARGE_TABLE_SIZE;
    private static final int BACKENDS = 1000;
    /** The paper's "number of views" of each backend on Karger's ring. */
    private static final int VIEWS = 1000;

    private static final int BUILDS = 51;
    /** Of the thread: a build is long enough to be preempted. */
    private static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();

    private static final HashKey KEY = new HashKey(0x6d61676c65760001L, 0x6e73646932303136L);

    private final Random random = new Random(2016);
    private final int repeats;

    private MaglevPaper(int repeats) {
        this.repeats = repeats;
    }

    /**
     * Prints all tables.
     *
     * @param arguments how often each disruption is repeated; without any 200, as in the paper
     */
    public static void main(String[] arguments) {
        MaglevPaper paper = new MaglevPaper(arguments.length > 0 ? Integer.parseInt(arguments[0]) : 200);
        paper.buildTimes();
        balanceByMethod();
        balanceByBackends();
        paper.disruptionByFailures();
        paper.disruptionByBackends();
    }

    private void buildTimes() {
        System.out.println("Time to build a table, ms of processor time, median of " + BUILDS
                + " (the paper: \"microbenchmarks\")");
        System.out.println("   entries  backends   paper    ours");
        for (int size : new int[] {SMALL, LARGE}) {
            for (int backends : new int[] {10, 100, BACKENDS, 10_000}) {
                String stated = backends != BACKENDS ? "-" : size == SMALL ? "1.8" : "22.9";
                System.out.printf("%10d %9d %7s %7.2f%n", size, backends, stated, buildMs(size, backends));
            }
        }
    }

    private double buildMs(int size, int backends) {
        List<RealServer> reals = reals(backends);
        SchedulerParameters parameters = parameters(size);
        BatchTimes times = new BatchTimes();
        PacketView any = new PacketView();
        // As many again before, until the code is compiled.
        for (int i = 0; i < 2 * BUILDS; i++) {
            long start = CLOCK.getCurrentThreadCpuTime();
            SchedulerTable table = SchedulerTable.of(service(reals), null, parameters);
            long took = CLOCK.getCurrentThreadCpuTime() - start;
            if (table.pickByHash(any, random.nextLong()) < 0) {
                throw new AssertionError("an empty table");
            }
            if (i >= BUILDS) {
                times.add(took);
            }
        }
        return times.median(1_000_000);
    }

    private static void balanceByMethod() {
        System.out.println();
        System.out.println("Figure 11: entries of a backend, in percent of the table, " + BACKENDS + " backends;");
        System.out.println("over-provisioning: by how much the largest share exceeds the even one");
        System.out.println("   entries  method      least    most   over-provisioning: paper   ours");
        for (int size : new int[] {SMALL, LARGE}) {
            boolean small = size == SMALL;
            printBalance("maglev", "\"almost perfect\"", maglev(reals(BACKENDS), size));
            printBalance("karger", small ? "29.7 %" : "10.3 %", karger(size));
            printBalance("rendezvous", small ? "49.5 %" : "12.3 %", rendezvous(size));
        }
    }

    private static void printBalance(String method, String paper, int[] entries) {
        int[] shares = shares(entries, BACKENDS);
        int least = IntStream.of(shares).min().orElseThrow();
        int most = IntStream.of(shares).max().orElseThrow();
        System.out.printf(
                "%10d  %-10s %6.4f  %6.4f %26s %6.2f %%%n",
                entries.length,
                method,
                100.0 * least / entries.length,
                100.0 * most / entries.length,
                paper,
                100.0 * most * BACKENDS / entries.length - 100);
    }

    private static void balanceByBackends() {
        System.out.println();
        System.out.println(
                "Imbalance against the number of backends N: largest less smallest share, in percent of the even");
        System.out.println("one; section 3.4 has at most 1 percent for tables of more than 100 N entries");
        System.out.println("         N   " + SMALL + " entries   " + LARGE + " entries   (paper)");
        for (int backends : new int[] {3, 10, 30, 100, 300, 655, 1000, 3000, 6553, 10_000}) {
            System.out.printf(
                    "%10d %14.3f %% %15.3f %%   (%s, %s)%n",
                    backends,
                    imbalance(backends, SMALL),
                    imbalance(backends, LARGE),
                    bound(backends, SMALL),
                    bound(backends, LARGE));
        }
    }

    private static double imbalance(int backends, int size) {
        int[] shares = shares(maglev(reals(backends), size), backends);
        int spread = IntStream.of(shares).max().orElseThrow()
                - IntStream.of(shares).min().orElseThrow();
        return 100.0 * spread * backends / size;
    }

    private static String bound(int backends, int size) {
        return size > 100 * backends ? "at most 1 %" : "none";
    }

    private void disruptionByFailures() {
        System.out.println();
        System.out.println("Figure 12: percent of entries that change when backends fail at once, of " + BACKENDS
                + "; mean of " + repeats + " draws.");
        System.out.println(
                "Entries of the failed ones must change; \"others\" is what changes beside them. Paper: plot");
        System.out.println("  failed   " + SMALL + " entries  (others)   " + LARGE + " entries  (others)");
        for (int failed : new int[] {1, 5, 10, 20, 50, 100, 150, 200}) {
            double[] small = disruption(BACKENDS, failed, SMALL);
            double[] large = disruption(BACKENDS, failed, LARGE);
            System.out.printf(
                    "%6.1f %% %13.2f %% %8.2f %% %15.2f %% %8.2f %%%n",
                    100.0 * failed / BACKENDS, small[0], small[1], large[0], large[1]);
        }
    }

    private void disruptionByBackends() {
        System.out.println();
        System.out.println("The same when one of N backends fails");
        System.out.println("       N   " + SMALL + " entries  (others)   " + LARGE + " entries  (others)");
        for (int backends : new int[] {3, 10, 30, 100, 300, 1000}) {
            double[] small = disruption(backends, 1, SMALL);
            double[] large = disruption(backends, 1, LARGE);
            System.out.printf(
                    "%8d %13.2f %% %8.2f %% %15.2f %% %8.2f %%%n", backends, small[0], small[1], large[0], large[1]);
        }
    }

    /** Percent of all entries that change, and of those that need not. */
    private double[] disruption(int backends, int failed, int size) {
        List<RealServer> all = reals(backends);
        int[] before = maglev(all, size);
        long changed = 0;
        long needless = 0;
        for (int repeat = 0; repeat < repeats; repeat++) {
            List<RealServer> shuffled = new ArrayList<>(all);
            Collections.shuffle(shuffled, random);
            boolean[] gone = new boolean[backends];
            shuffled.subList(0, failed).forEach(real -> gone[real.id()] = true);
            int[] after = maglev(shuffled.subList(failed, backends), size);
            for (int entry = 0; entry < size; entry++) {
                changed += before[entry] == after[entry] ? 0 : 1;
                needless += before[entry] == after[entry] || gone[before[entry]] ? 0 : 1;
            }
        }
        double all100 = 100.0 / ((double) size * repeats);
        return new double[] {changed * all100, needless * all100};
    }

    private static List<RealServer> reals(int backends) {
        return IntStream.range(0, backends)
                .mapToObj(id -> new RealServer(id, IpAddress.ofInet(0x0a000001 + id), 80, ForwardingMethod.DR, 1))
                .toList();
    }

    private static VirtualService service(List<RealServer> reals) {
        AddressKey key = new AddressKey(Protocol.TCP, IpAddress.ofInet(0xc0000201), 80);
        return new VirtualService(0, key, SchedulerKind.MAGLEV, reals);
    }

    private static SchedulerParameters parameters(int size) {
        return SchedulerParameters.of(new MaglevParameters(size, KEY));
    }

    /** The backend of each entry, as a flow would find it: by the hash in the middle of the entry's part of all hashes. */
    private static int[] maglev(List<RealServer> reals, int size) {
        SchedulerTable table = SchedulerTable.of(service(reals), null, parameters(size));
        PacketView any = new PacketView();
        long width = Long.divideUnsigned(-1L, size);
        int[] entries = new int[size];
        Arrays.setAll(entries, entry -> table.pickByHash(any, entry * width + width / 2));
        return entries;
    }

    /** Karger et al.: the first view on the ring at or after the entry. */
    private static int[] karger(int size) {
        TreeMap<Long, Integer> ring = new TreeMap<>();
        for (int backend = 0; backend < BACKENDS; backend++) {
            for (int view = 0; view < VIEWS; view++) {
                ring.put(mix(mix(backend) + view), backend);
            }
        }
        int[] entries = new int[size];
        for (int entry = 0; entry < size; entry++) {
            Long at = ring.ceilingKey(mix(-1L - entry));
            entries[entry] = ring.getOrDefault(at == null ? ring.firstKey() : at, 0);
        }
        return entries;
    }

    /** Thaler and Ravishankar: the backend with the highest hash together with the entry. */
    private static int[] rendezvous(int size) {
        int[] entries = new int[size];
        for (int entry = 0; entry < size; entry++) {
            long seed = mix(-1L - entry);
            long highest = Long.MIN_VALUE;
            for (int backend = 0; backend < BACKENDS; backend++) {
                long hash = mix(seed + backend);
                if (hash > highest) {
                    highest = hash;
                    entries[entry] = backend;
                }
            }
        }
        return entries;
    }

    private static int[] shares(int[] entries, int backends) {
        int[] shares = new int[backends];
        for (int backend : entries) {
            shares[backend]++;
        }
        return shares;
    }

    /** The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
    private static long mix(long value) {
        long z = value + 0x9e3779b97f4a7c15L;
        z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }
}
