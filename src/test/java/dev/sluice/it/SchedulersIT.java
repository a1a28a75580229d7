package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.service.SchedulerKind;
import dev.sluice.testing.LabFixture;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every scheduler by its name, with real requests: one client, real servers of equal weight, one request at a time. */
class SchedulersIT {
    private static final int REQUESTS = 60;

    private static DirectorLab lab;

    private enum Expectation {
        /** The same number each. */
        EVEN,
        /** All of them, though not evenly. */
        SPREAD,
        /** One of them gets everything. */
        ONE
    }

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    private static Expectation expected(SchedulerKind scheduler) {
        return switch (scheduler) {
            // Requests that have ended are inactive connections, and lc and wlc count those too.
            case RR, WRR, LC, WLC -> Expectation.EVEN;
            // Each draws from all real servers: by the client's port, or by chance.
            case MAGLEV, TWOS -> Expectation.SPREAD;
            // By the client's address, by the VIP, the highest weight; or idle real servers tie, and the first one
            // wins.
            case SH, MH, DH, LBLC, LBLCR, FO, OVF, SED, NQ -> Expectation.ONE;
        };
    }

    @ParameterizedTest
    @EnumSource(SchedulerKind.class)
    void spreads_requests_as_it_is_known_to(SchedulerKind scheduler) {
        LabFixture.Director director = lab.fixture()
                .startDirector(lab.config("", DirectorLab.service("tcp", VIP4, 80, scheduler.keyword(), RIPS4)));
        Map<String, Integer> answers = lab.ask("tcp", VIP4, 80, REQUESTS);
        switch (expected(scheduler)) {
            case EVEN -> assertEquals(Map.of("rs1", 20, "rs2", 20, "rs3", 20), answers);
            case SPREAD ->
                // A real server left out by 60 fair draws from three happens once in 10^10 times.
                assertEquals(3, answers.size(), answers::toString);
            case ONE -> assertEquals(1, answers.size(), answers::toString);
        }
        assertTrue(
                lab.stats().services().getFirst().scheduler().equals(scheduler.keyword()),
                "the scheduler has its name");
        assertEquals(0, director.stop());
    }
}
