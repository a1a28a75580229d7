package dev.sluice.bench.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is measured is what the scenario's name says. */
class DatapathTest {
    @ParameterizedTest
    @CsvSource({
        "DR, INET, UNIFORM, 1, HIT",
        "DR, MIXED, ZIPF, 3, HIT",
        "TUN, INET6, UNIFORM, 1, HIT",
        "GUE_CSUM, INET, UNIFORM, 1, HIT",
        "NAT, INET, UNIFORM, 1, HIT",
        "NAT, INET6, UNIFORM, 2, HIT",
        "NAT, MIXED, ZIPF, 3, HIT",
        "NAT, MIXED, UNIFORM, 3, MISS",
        "NAT, INET, UNIFORM, 1, COPY",
        "DR, INET, UNIFORM, 1, MISS",
        "DR, MIXED, UNIFORM, 3, MISS",
        "DR, INET, UNIFORM, 1, SYNFLOOD",
        "TUN, MIXED, UNIFORM, 2, SYNFLOOD",
        "DR, INET, UNIFORM, 1, COPY"
    })
    void everyPacketFaresAsTheScenarioHasIt(
            Method method, Family family, Distribution distribution, int services, Scenario scenario) {
        PipelineCase what = new PipelineCase(method, family, 1000, distribution, services, 4, scenario);
        try (Datapath datapath = new Datapath(what)) {
            for (int i = 0; i < 300; i++) {
                assertEquals(Datapath.BATCH, scenario == Scenario.COPY ? datapath.deliver() : datapath.forward());
            }
            datapath.check();
        }
    }

    @ParameterizedTest
    @CsvSource({"IN, FLOW_HIT", "OUT, REPLY_HIT"})
    void packetsOfOneDirectionAreThat(Direction direction, Counter fate) {
        PipelineCase what =
                new PipelineCase(Method.NAT, direction, Family.MIXED, 1000, Distribution.UNIFORM, 3, 4, Scenario.HIT);
        try (Datapath datapath = new Datapath(what)) {
            long before = datapath.count(fate);
            for (int i = 0; i < 300; i++) {
                assertEquals(Datapath.BATCH, datapath.forward());
            }
            assertEquals(300 * Datapath.BATCH, datapath.count(fate) - before);
        }
    }

    @Test
    void halfOfBothDirectionsIsReplies() {
        PipelineCase what = new PipelineCase(Method.NAT, Family.INET, 1024, Distribution.UNIFORM, 1, 4, Scenario.HIT);
        try (Datapath datapath = new Datapath(what)) {
            for (int i = 0; i < 2048 / Datapath.BATCH; i++) {
                datapath.forward();
            }
            assertEquals(1024, datapath.count(Counter.FLOW_HIT));
            assertEquals(1024, datapath.count(Counter.REPLY_HIT));
        }
    }

    @Test
    void uniformIsEveryFlowOnce() {
        int[] order = Draws.permutation(1000);
        int[] sorted = order.clone();
        Arrays.sort(sorted);
        for (int i = 0; i < sorted.length; i++) {
            assertEquals(i, sorted[i]);
        }
        assertTrue(!Arrays.equals(order, sorted));
    }

    @Test
    void zipfIsInProportionToTheRanksInverse() {
        int[] seen = new int[1000];
        for (int flow : Draws.zipf(1000, 100_000, false)) {
            seen[flow]++;
        }
        // 1 / (1 + 1/2 + ... + 1/1000) is 13.4 %.
        assertEquals(13_360, seen[0], 500);
        assertEquals(6_680, seen[1], 400);
    }

    @Test
    void impossibleCasesAreRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> new PipelineCase(Method.DR, Family.INET, 1000, Distribution.UNIFORM, 1000, 1000, Scenario.HIT));
        assertThrows(IllegalArgumentException.class, () -> PipelineCase.of(Method.class, "fullnat"));
        assertThrows(
                IllegalArgumentException.class,
                () -> new PipelineCase(Method.NAT, Family.INET, 1000, Distribution.UNIFORM, 1, 4, Scenario.SYNFLOOD));
        assertThrows(
                IllegalArgumentException.class,
                () -> new PipelineCase(
                        Method.DR, Direction.OUT, Family.INET, 1000, Distribution.UNIFORM, 1, 4, Scenario.HIT));
    }
}
