package dev.sluice.bench.pipeline;

import dev.sluice.bench.harness.Benchmark;
import dev.sluice.bench.harness.Run;
import dev.sluice.bench.net.DirectorScale;
import dev.sluice.bench.net.QueueScale;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How cost grows with what a director holds. */
@Command(
        name = "scale",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "How cost grows with what a director holds.",
            "",
            "pipeline: the cost of a packet in memory by flows, services and real servers, of known flows and of new ones.",
            "start: time from exec to the first forwarded packet, by services and real servers in the configuration.",
            "memory: of the process, by the size of the flow table, empty and with flows in it, and by services and real servers.",
            "queues: the rate by queues with a worker each, on veths.",
            "",
            "All but pipeline need root; without it they are left out."
        })
public final class ScaleBenchmark extends Benchmark {
    private static final int FLOWS = 100_000;
    private static final int REAL_SERVERS = 10;

    @Option(
            names = "--parts",
            split = ",",
            defaultValue = "pipeline,start,memory,queues",
            paramLabel = "PART",
            description = "what is measured (${DEFAULT-VALUE})")
    private List<String> parts = List.of();

    @Option(
            names = "--tables",
            split = ",",
            converter = CountConverter.class,
            paramLabel = "N",
            description = "sizes of flow tables for memory; by default from 64k to 8M")
    private List<Integer> tables = new ArrayList<>();

    @Option(
            names = "--queues",
            split = ",",
            defaultValue = "1,2,4",
            paramLabel = "N",
            description = "numbers of queues (${DEFAULT-VALUE})")
    private List<Integer> queues = List.of();

    @Option(
            names = "--generator-cpu",
            defaultValue = "0",
            paramLabel = "CPU",
            description = "the CPU that sends packets to a director (${DEFAULT-VALUE})")
    private int generatorCpu;

    @Option(
            names = "--subject-cpu",
            defaultValue = "1",
            paramLabel = "CPU",
            description = "the CPU of its first worker (${DEFAULT-VALUE})")
    private int subjectCpu;

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
        for (String part : parts) {
            if (!List.of("pipeline", "start", "memory", "queues").contains(part)) {
                throw new IllegalArgumentException("--parts must be of pipeline, start, memory, queues; not " + part);
            }
        }
        if (parts.contains("pipeline")) {
            options.rounds(run).measure(cases(options.quick));
        }
        int rounds = options.quick ? 1 : options.rounds;
        DirectorScale director = new DirectorScale(run, rounds, generatorCpu, subjectCpu);
        Optional<String> missing = director.missing();
        if (missing.isPresent()) {
            if (parts.stream().anyMatch(part -> !part.equals("pipeline"))) {
                run.remark("start, memory and queues are left out: " + missing.get());
            }
            return;
        }
        if (parts.contains("start")) {
            director.start(sizes(options.quick));
        }
        if (parts.contains("memory")) {
            director.memoryByTable(tables.isEmpty() ? tables(options.quick) : tables);
            director.memoryByServices(sizes(options.quick));
        }
        if (parts.contains("queues")) {
            new QueueScale(run, rounds, options.quick ? 1 : 2 * options.seconds, generatorCpu, subjectCpu)
                    .measure(queues);
        }
    }

    private static List<Integer> tables(boolean quick) {
        return quick ? List.of(1 << 16, 1 << 18) : List.of(1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 23);
    }

    /** Beside the one service that is measured: real servers of one more, and services of ten real servers each. */
    private static List<DirectorScale.Size> sizes(boolean quick) {
        List<DirectorScale.Size> sizes = new ArrayList<>();
        for (int realServers : quick ? List.of(10, 100) : List.of(10, 100, 1000, 10_000)) {
            sizes.add(new DirectorScale.Size(1, realServers));
        }
        for (int services : quick ? List.of(10) : List.of(10, 100, 1000)) {
            sizes.add(new DirectorScale.Size(services, REAL_SERVERS));
        }
        return sizes;
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
