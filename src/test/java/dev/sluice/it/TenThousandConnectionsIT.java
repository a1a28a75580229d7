package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.VIP4;
import static dev.sluice.it.DirectorLab.outcome;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.KeepAliveClients.Report;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Ten thousand connections in use while everything about their service changes, by {@code sluice reload} and by commands. A
 * connection breaks when it is reset, silent for long, or answered by another real server than before; none may. New
 * connections show by where they go that each change took effect.
 */
class TenThousandConnectionsIT {
    private static final Logger LOG = System.getLogger(TenThousandConnectionsIT.class.getName());

    private static final int CONNECTIONS = 10_000;
    private static final List<String> SCHEDULERS = List.of("rr", "wlc", "maglev", "wrr");
    private static final int PER_SECOND = 1_500;
    /** New connections after a change: a whole number of cycles of all weights here. */
    private static final int NEW = 240;

    private static final Duration INTERVAL = Duration.ofSeconds(4);
    private static final Duration PATIENCE = Duration.ofSeconds(40);

    private static final Map<String, String> KEY = Map.of("protocol", "tcp", "address", VIP4 + ":80");

    private DirectorLab lab;
    private LabFixture.Director director;
    private int opened;

    @BeforeEach
    void up() {
        lab = DirectorLab.up();
        director = lab.fixture().startDirector(empty().toString());
    }

    @AfterEach
    void down() {
        lab.close();
    }

    /**
     * The director forgets what clients have closed within seconds, so that a drained real server can be seen empty, but not
     * before a lost FIN is sent again.
     */
    private ConfigText empty() {
        return new ConfigText(lab.fixture(), "eth1").lines("""

                [director.timeouts]
                tcpfin = 8
                time_wait = 8
                close = 8
                """);
    }

    private String config(String scheduler, List<String> rips, int... weights) {
        return empty().service("tcp", VIP4, 80, scheduler, rips, weights).toString();
    }

    @Test
    void none_breaks() {
        // One address has 28,000 ports, with and without those that rest for a minute after their connection's end.
        String[] sources = lab.clientAddresses(3);
        reload(
                config("rr", RIPS4, 1, 1),
                "add service TCP 10.0.0.100:80: scheduler rr",
                "add real server 10.0.0.11 to TCP 10.0.0.100:80: weight 1",
                "add real server 10.0.0.12 to TCP 10.0.0.100:80: weight 1");
        try (BusyClients clients = BusyClients.start(lab.fixture(), VIP4, 80, INTERVAL, PATIENCE, sources)) {
            open(clients, NEW, "rr", 1, 1);
            reload(config("rr", RIPS4, 1, 1, 1), "add real server 10.0.0.13 to TCP 10.0.0.100:80: weight 1");
            SCHEDULERS.forEach(scheduler -> changeUnder(clients, scheduler));
            Report before = clients.assertAllGoOn(PATIENCE);
            assertTrue(before.alive() >= CONNECTIONS, before::toString);

            drain(clients);
            for (String scheduler : SCHEDULERS) {
                schedule(scheduler);
                open(clients, NEW, scheduler, 3, 0, 2);
            }
            // As from nothing: its connections are gone, so this may be another real server by the same address.
            command("real-add", Map.of("service", KEY, "real", real("10.0.0.12", 1)));
            for (String scheduler : SCHEDULERS.reversed()) {
                schedule(scheduler);
                open(clients, NEW, scheduler, List.of("rs1", "rs3", "rs2"), 3, 2, 1);
            }
            Report last = clients.assertAllGoOn(PATIENCE);
            assertTrue(last.alive() >= CONNECTIONS, last::toString);
            assertBooks(last);
            LOG.log(Level.INFO, "longest silence {0} ms", last.longestSilenceMs());
        }
        DirectorLab.assertNothingLost(lab.atRest());
        assertEquals(0, director.stop());
    }

    /** Another scheduler, by a file; a quarter of all connections by it; then other weights, and none for rs2, by a file and by command. */
    private void changeUnder(BusyClients clients, String scheduler) {
        lab.apply(config(scheduler, RIPS4, 1, 1, 1));
        open(clients, CONNECTIONS / SCHEDULERS.size() / NEW * NEW, scheduler, 1, 1, 1);
        assertEquals(
                List.of(
                        "edit real server 10.0.0.11 of TCP 10.0.0.100:80: weight 1 -> 3",
                        "edit real server 10.0.0.13 of TCP 10.0.0.100:80: weight 1 -> 2"),
                lab.apply(config(scheduler, RIPS4, 3, 1, 2)));
        open(clients, NEW, scheduler, 3, 1, 2);
        command("real-edit", Map.of("service", KEY, "real", real("10.0.0.12", 0)));
        open(clients, NEW, scheduler, 3, 0, 2);
    }

    /** Another scheduler, by command. */
    private void schedule(String scheduler) {
        command(
                "service-edit",
                Map.of("service", Map.of("protocol", "tcp", "address", VIP4 + ":80", "scheduler", scheduler)));
    }

    /** Takes rs2 out as an operator would: it gets nothing new, keeps what it has until that is gone, and is deleted. */
    private void drain(BusyClients clients) {
        String scheduler = SCHEDULERS.getLast();
        int drained = clients.report().servers().getOrDefault("rs2", 0);
        assertTrue(drained > CONNECTIONS / 4, drained + " connections to drain");
        // So many that ten thousand are there when those of rs2 are not.
        int more = (drained / NEW + 1) * NEW;
        Report before = open(clients, more, scheduler, 3, 0, 2);
        assertEquals(drained, before.servers().get("rs2"));

        Report after = clients.closeServer("rs2");
        assertEquals(drained, after.closed());
        lab.await("nothing is left on rs2", stats -> isEmpty(DirectorLab.real(stats, "10.0.0.12")));
        assertTrue(after.alive() >= CONNECTIONS, after::toString);
        reload(
                config(scheduler, List.of("10.0.0.11", "10.0.0.13"), 3, 2),
                "delete real server 10.0.0.12 of TCP 10.0.0.100:80");
    }

    private static boolean isEmpty(RealServerStats real) {
        return real.active() == 0 && real.inactive() == 0;
    }

    private Report open(BusyClients clients, int count, String scheduler, int... weights) {
        return open(clients, count, scheduler, List.of("rs1", "rs2", "rs3"), weights);
    }

    /** Opens connections, which go where the scheduler should send them, while all others stay where they are. */
    private Report open(BusyClients clients, int count, String scheduler, List<String> names, int... weights) {
        Map<String, Integer> before = clients.report().servers();
        Report report = clients.open(count, PER_SECOND);
        opened += count;
        assertEquals(0, report.broken(), report::toString);
        Map<String, Integer> fresh = new TreeMap<>();
        report.servers().forEach((name, now) -> fresh.put(name, now - before.getOrDefault(name, 0)));
        fresh.values().removeIf(more -> more == 0);
        switch (scheduler) {
            case "rr" -> assertEquals(inTurn(count, names, weights), fresh);
            case "wrr" -> assertEquals(byWeight(count, names, weights), fresh);
            case "wlc" -> assertEquals(leastLoaded(before, count, names, weights), fresh);
            default -> assertHashed(fresh, count, names, weights);
        }
        DirectorStats stats = lab.await(
                "the director knows every connection",
                now -> DirectorLab.active(now).equals(report.servers()));
        assertEquals(opened, outcome(stats, Counter.FLOW_NEW), stats::toString);
        return report;
    }

    private static Map<String, Integer> inTurn(int count, List<String> names, int... weights) {
        Map<String, Integer> ones = new TreeMap<>();
        for (int i = 0; i < weights.length; i++) {
            if (weights[i] > 0) {
                ones.put(names.get(i), 0);
            }
        }
        assertEquals(0, count % ones.size(), "only whole cycles divide exactly");
        ones.replaceAll((name, none) -> count / ones.size());
        return ones;
    }

    private static Map<String, Integer> byWeight(int count, List<String> names, int... weights) {
        Map<String, Integer> shares = new TreeMap<>();
        Spread.exact(count, weights)
                .forEach((name, share) -> shares.put(names.get(Topology.REAL_SERVERS.indexOf(name)), share));
        return shares;
    }

    /** One after the other to the smallest active / weight; among equals to the one that was added last. */
    private static Map<String, Integer> leastLoaded(
            Map<String, Integer> before, int count, List<String> names, int... weights) {
        int[] load = new int[weights.length];
        for (int i = 0; i < load.length; i++) {
            load[i] = before.getOrDefault(names.get(i), 0);
        }
        Map<String, Integer> fresh = new TreeMap<>();
        for (int flow = 0; flow < count; flow++) {
            int least = -1;
            for (int i = load.length - 1; i >= 0; i--) {
                boolean isLess = least < 0 || load[i] * weights[least] < load[least] * weights[i];
                least = weights[i] > 0 && isLess ? i : least;
            }
            load[least]++;
            fresh.merge(names.get(least), 1, Integer::sum);
        }
        return fresh;
    }

    private static void assertHashed(Map<String, Integer> fresh, int count, List<String> names, int... weights) {
        int[] byNumber = new int[RIPS4.size()];
        for (int i = 0; i < weights.length; i++) {
            byNumber[names.get(i).charAt(2) - '1'] = weights[i];
        }
        Spread.assertHashed(fresh, count, byNumber);
    }

    /** Nothing was scheduled twice, and no packet of a connection was dropped. */
    private void assertBooks(Report last) {
        DirectorStats stats = lab.stats();
        assertEquals(last.wanted(), opened);
        assertEquals(opened, outcome(stats, Counter.FLOW_NEW), stats::toString);
        for (Counter none : List.of(
                Counter.FLOW_NEW_SLOPPY,
                Counter.FLOW_REUSED,
                Counter.FLOW_NODEST_EXPIRED,
                Counter.FLOW_TABLE_FULL,
                Counter.FLOW_HALF_OPEN_FULL,
                Counter.NO_SERVICE,
                Counter.NO_REAL_SERVER,
                Counter.TCP_WITHOUT_FLOW,
                Counter.REAL_SERVER_GONE,
                Counter.NO_NEIGHBOUR)) {
            assertEquals(0, outcome(stats, none), () -> none + ": " + stats);
        }
    }

    private void reload(String text, String... changes) {
        try {
            Files.writeString(director.config(), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        CommandResult result = lab.fixture().sluice("reload");
        assertEquals(List.of(changes), result.orFail().lines().toList());
        assertEquals("", result.err());
    }

    private void command(String command, Map<String, ?> arguments) {
        try {
            new AdminClient(lab.fixture().socket()).askTree(command, arguments);
        } catch (AdminException e) {
            throw new AssertionError(command + " " + arguments, e);
        }
    }

    private static Map<String, ?> real(String rip, int weight) {
        return Map.of("address", rip, "weight", weight);
    }
}
