package dev.sluice.bench.pipeline;

import dev.sluice.bench.harness.Benchmark;
import dev.sluice.bench.harness.Run;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** How the cost of a packet grows with what a director holds. */
@Command(
        name = "scale",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Measures in memory how the cost of a packet grows with flows, services and real servers, of known flows and of new",
            "ones. Start-up time and memory: bench/run start. Queues: bench/run forward."
        })
public final class ScaleBenchmark extends Benchmark {
    private static final int FLOWS = 100_000;
    private static final int REAL_SERVERS = 10;

    @Mixin
    private PipelineOptions options = new PipelineOptions();

    /** Made by picocli. */
    public ScaleBenchmark() {}

    @Override
    protected String name() {
        return "scale";
    }

    @Override
    protected void measure(Run run) throws Exception {
        options.rounds(run).measure(cases(options.quick));
    }

    static List<PipelineCase> cases(boolean quick) {
        Set<PipelineCase> cases = new LinkedHashSet<>();
        for (int flows : quick ? List.of(1000, 100_000) : List.of(1000, 10_000, 100_000, 1_000_000, 10_000_000)) {
            cases.add(of(flows, 1, REAL_SERVERS, Scenario.HIT));
        }
        for (Scenario scenario : List.of(Scenario.HIT, Scenario.MISS)) {
            for (int services : quick ? List.of(1, 100) : List.of(1, 10, 100, 1000)) {
                cases.add(of(FLOWS, services, REAL_SERVERS, scenario));
            }
            for (int realServers : quick ? List.of(REAL_SERVERS, 100) : List.of(2, REAL_SERVERS, 100, 1000)) {
                cases.add(of(FLOWS, 1, realServers, scenario));
            }
        }
        return new ArrayList<>(cases);
    }

    private static PipelineCase of(int flows, int services, int realServers, Scenario scenario) {
        return new PipelineCase(Method.DR, Family.INET, flows, Distribution.UNIFORM, services, realServers, scenario);
    }
}
