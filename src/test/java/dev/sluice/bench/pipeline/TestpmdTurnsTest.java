package dev.sluice.bench.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.bench.peer.Testpmd;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TestpmdTurnsTest {
    private static PipelineCase of(Method method, int flows, int realServers) {
        return new PipelineCase(method, Family.INET, flows, Distribution.UNIFORM, 1, realServers, Scenario.HIT);
    }

    @Test
    void ratiosAreOfTheSameRound() {
        List<Testpmd.Rate> testpmd = List.of(new Testpmd.Rate(1, 10), new Testpmd.Rate(1, 20));
        assertEquals(List.of(3.0, 2.0), TestpmdTurns.ratios(List.of(30.0, 40.0), testpmd));
        assertEquals(List.of(3.0), TestpmdTurns.ratios(List.of(30.0), testpmd));
        assertEquals(List.of(), TestpmdTurns.ratios(List.of(30.0), null));
    }

    @Test
    void turnsAreTakenBesideTheCheapestPackets() {
        PipelineCase beside = of(Method.DR, 1000, 2);
        List<PipelineCase> cases = new ArrayList<>(List.of(of(Method.TUN, 1000, 2), of(Method.DR, 1_000_000, 2)));
        assertEquals(Optional.empty(), PipelineBenchmark.besideTestpmd(cases));
        cases.add(beside);
        assertEquals(Optional.of(beside), PipelineBenchmark.besideTestpmd(cases));
    }
}
