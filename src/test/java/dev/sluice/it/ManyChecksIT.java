package dev.sluice.it;

import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.HealthStats;
import dev.sluice.testing.LabFixture;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/**
 * Two thousand real servers, each checked every second, while a flood is forwarded: in turn without and with them. Prints what
 * the worker forwarded and how late checks began; a busy machine is no failure. For figures worth the name let it run alone, with
 * {@code -Dsluice.rounds=7}; {@code -Dsluice.rate} is the flood's packets a second, as many as there can be without it.
 */
class ManyChecksIT {
    private static final Logger LOG = System.getLogger(ManyChecksIT.class.getName());

    private static final int REAL_SERVERS = 2_000;
    private static final int ROUNDS = Integer.getInteger("sluice.rounds", 1);
    private static final int FLOOD_S = 3;
    private static final long RATE = Long.getLong("sluice.rate", 0);

    @Test
    void are_made_in_time_and_leave_the_worker_alone() {
        try (DirectorLab lab = DirectorLab.up()) {
            // All of a network is rs3's, and answered by its nginx.
            lab.on("rs3", "ip", "route", "add", "local", "10.9.0.0/20", "dev", "lo");
            lab.on("director", "ip", "route", "add", "10.9.0.0/20", "via", "10.0.0.13");
            String without = flooded(lab).toString();
            String with = withChecks(flooded(lab)).toString();
            LabFixture.Director director = lab.fixture().startDirector(without);
            List<Double> alone = new ArrayList<>();
            List<Double> beside = new ArrayList<>();
            for (int round = 0; round < ROUNDS; round++) {
                alone.add(forwardedPerSecond(lab));
                lab.apply(with);
                lab.await("every real server is checked", stats -> checked(stats) == REAL_SERVERS);
                HealthStats before = lab.stats().health();
                beside.add(forwardedPerSecond(lab));
                HealthStats after = lab.stats().health();
                report(before, after);
                assertTrue(
                        after.progress().made() > before.progress().made() + REAL_SERVERS, after.progress()::toString);
                lab.apply(without);
            }
            LOG.log(
                    Level.INFO,
                    "packets forwarded a second, without checks and with {0} of them a second: {1} and {2}",
                    REAL_SERVERS,
                    alone,
                    beside);
            assertTrue(Collections.min(beside) > 0, beside::toString);
            assertEquals(0, director.stop(), director::log);
        }
    }

    private static ConfigText flooded(DirectorLab lab) {
        return new ConfigText(lab.fixture(), "eth1").service("udp", VIP4, 7, "rr", 1);
    }

    private static ConfigText withChecks(ConfigText config) {
        List<String> rips = new ArrayList<>();
        int[] weights = new int[REAL_SERVERS];
        for (int i = 0; i < REAL_SERVERS; i++) {
            rips.add("10.9." + i / 250 + "." + (1 + i % 250));
            weights[i] = 1;
        }
        return config.with("""
                  [[service.check]]
                  type = "tcp"
                  port = 80
                  interval = 1
                  timeout = 0.9
                  fall = 10
                """).tunnel().service("tcp", VIP4, 8081, "wlc", rips, weights);
    }

    private static long checked(DirectorStats stats) {
        return stats.health().services().stream()
                .flatMap(service -> service.realServers().stream())
                .filter(real -> real.checks().stream().anyMatch(check -> check.successes() > 0))
                .count();
    }

    private static double forwardedPerSecond(DirectorLab lab) {
        long before = DirectorLab.outcome(lab.stats(), Counter.FORWARDED);
        lab.flood("udp", 7, FLOOD_S, 1_000, RATE);
        long forwarded = DirectorLab.outcome(lab.atRest(), Counter.FORWARDED) - before;
        return Math.floor((double) forwarded / FLOOD_S);
    }

    private static void report(HealthStats before, HealthStats after) {
        LOG.log(
                Level.INFO,
                String.format(
                        Locale.ROOT,
                        "%d checks made in some %d s of flood; began late by %.1f ms in the mean of the last second, %d ms at most",
                        after.progress().made() - before.progress().made(),
                        FLOOD_S,
                        after.progress().lateMs(),
                        after.progress().maxLateMs()));
    }
}
