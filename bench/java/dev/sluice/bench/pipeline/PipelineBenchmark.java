package dev.sluice.bench.pipeline;

import dev.sluice.bench.harness.Benchmark;
import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import dev.sluice.bench.harness.Target;
import dev.sluice.bench.peer.Testpmd;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The datapath in memory, beside the same in C. */
@Command(
        name = "pipeline",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Measures the datapath in memory, by JMH, beside the same datapath in C: ns and bytes allocated a packet.",
            "Without options that choose, some cases that show the whole; with any, all combinations of what is chosen."
        })
public final class PipelineBenchmark extends Benchmark {
    /** Above it, Java is as fast as C. */
    private static final double WANTED_SPEED_TO_C = 0.90;
    /** As {@link #WANTED_SPEED_TO_C}, of NAT. */
    private static final double WANTED_NAT_SPEED_TO_C = 0.85;

    private static final double WANTED_CONNECTIONS = 1e6;
    /** Of each packet: JMH itself allocates some hundred bytes an iteration. */
    private static final double ALLOCATED_BY_MEASURING = 0.01;

    private static final int DEFAULT_REAL_SERVERS = 100;

    @Option(
            names = "--methods",
            split = ",",
            paramLabel = "METHOD",
            description = "dr, tun (IP in IP), gre, gue, gue-csum, nat")
    private @Nullable List<String> methods;

    @Option(
            names = "--directions",
            split = ",",
            paramLabel = "NAME",
            description =
                    "packets of known flows with nat: in (clients'), out (replies), both (half of each, in no order;"
                            + " the default)")
    private @Nullable List<String> directions;

    @Option(names = "--families", split = ",", paramLabel = "FAMILY", description = "4, 6, mixed")
    private @Nullable List<String> families;

    @Option(
            names = "--flows",
            split = ",",
            paramLabel = "N",
            converter = CountConverter.class,
            description = "how many flows: 1k,100k,1M,10M")
    private @Nullable List<Integer> flows;

    @Option(names = "--distribution", split = ",", paramLabel = "NAME", description = "uniform, zipf (s = 1)")
    private @Nullable List<String> distributions;

    @Option(
            names = "--services",
            split = ",",
            paramLabel = "N",
            converter = CountConverter.class,
            description = "how many virtual services")
    private @Nullable List<Integer> services;

    @Option(
            names = "--real-servers",
            split = ",",
            paramLabel = "N",
            converter = CountConverter.class,
            description = "how many real servers each service has")
    private @Nullable List<Integer> realServers;

    @Option(
            names = "--scenarios",
            split = ",",
            paramLabel = "NAME",
            description =
                    "hit (known flows), miss (a new flow each packet), synflood (the table takes no more), copy (nothing"
                            + " but the delivery of frames)")
    private @Nullable List<String> scenarios;

    @Mixin
    private PipelineOptions options = new PipelineOptions();

    /** Made by picocli. */
    public PipelineBenchmark() {}

    @Override
    protected String name() {
        return "pipeline";
    }

    @Override
    protected void measure(Run run) throws Exception {
        List<PipelineCase> cases = cases();
        CaseRounds rounds = options.rounds(run);
        Optional<PipelineCase> beside = besideTestpmd(cases);
        Optional<TestpmdTurns> testpmd = beside.flatMap(_ -> testpmd(run));
        beside.ifPresent(what -> testpmd.ifPresent(turns -> rounds.beside(what, turns)));
        rounds.measure(cases);
        for (PipelineCase what : cases) {
            addTargets(run, rounds, what);
        }
        beside.ifPresent(what -> testpmd.ifPresent(turns -> turns.report(what, rounds.rates(what))));
        List<Double> allocated = rounds.allocated();
        if (!allocated.isEmpty()) {
            double most =
                    allocated.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
            run.add(new Target("bytes allocated a packet, the worst case", most, ALLOCATED_BY_MEASURING, false));
        }
    }

    /** The case beside which testpmd has its turns: of the cheapest packets there are. */
    static Optional<PipelineCase> besideTestpmd(List<PipelineCase> cases) {
        return cases.stream()
                .filter(what -> what.method() == Method.DR
                        && what.family() == Family.INET
                        && what.scenario() == Scenario.HIT
                        && what.distribution() == Distribution.UNIFORM
                        && what.flows() == 1000)
                .findFirst();
    }

    private Optional<TestpmdTurns> testpmd(Run run) {
        Optional<Testpmd> found = Testpmd.find();
        if (found.isEmpty()) {
            run.remark("without testpmd: " + Testpmd.missing());
            return Optional.empty();
        }
        int cpus = Runtime.getRuntime().availableProcessors();
        int cpu = options.cpu >= 0 ? options.cpu : cpus - 1;
        int mainCpu = cpu == 0 && cpus > 1 ? 1 : 0;
        Duration time = Duration.ofMillis(Math.round(1000 * Math.max(2, options.quick ? 0 : options.seconds)));
        return Optional.of(new TestpmdTurns(run, found.get(), mainCpu, cpu, time));
    }

    private static void addTargets(Run run, CaseRounds rounds, PipelineCase what) {
        boolean compared = what.scenario() == Scenario.HIT
                && what.family() == Family.INET
                && what.distribution() == Distribution.UNIFORM
                && (what.method() != Method.NAT || what.direction() == Direction.BOTH)
                && what.services() == 1
                && what.realServers() == DEFAULT_REAL_SERVERS
                && (what.flows() == 1000 || what.flows() == 1_000_000);
        List<Double> speeds = rounds.speedToBaseline(what);
        if (compared && !speeds.isEmpty()) {
            String name = PipelineCase.keyword(what.method()).toUpperCase(Locale.ROOT)
                    + (what.flows() == 1000 ? ", 1 k flows" : ", 1 M flows");
            double wanted = what.method() == Method.NAT ? WANTED_NAT_SPEED_TO_C : WANTED_SPEED_TO_C;
            run.add(new Target(name + ": Java to C", CaseRounds.median(speeds), wanted, true));
            run.add(new Target(
                    name + ": Java to C, delivery of frames taken off",
                    CaseRounds.median(rounds.netSpeedToBaseline(what)),
                    wanted,
                    true));
        }
        if (what.scenario() == Scenario.MISS) {
            List<Double> rates =
                    rounds.net(what, false).stream().map(ns -> 1e9 / ns).toList();
            run.add(new Measurement(
                    CaseRounds.SLUICE, "rate", "connections/s", Better.HIGHER, what.parameters(), rates));
            if (what.flows() == 1_000_000 && what.method() == Method.DR && what.family() == Family.INET) {
                run.add(new Target(
                        "new connections a second on one core", CaseRounds.median(rates), WANTED_CONNECTIONS, true));
            }
        }
    }

    private List<PipelineCase> cases() {
        if (methods == null
                && directions == null
                && families == null
                && flows == null
                && distributions == null
                && services == null
                && realServers == null
                && scenarios == null) {
            return options.quick ? required() : overview();
        }
        List<PipelineCase> cases = new ArrayList<>();
        for (String scenario : scenarios == null ? List.of("hit") : scenarios) {
            for (String family : families == null ? List.of("4") : families) {
                for (String method : methods == null ? List.of("dr", "tun", "nat") : methods) {
                    add(
                            cases,
                            PipelineCase.of(Scenario.class, scenario),
                            Family.of(family),
                            PipelineCase.of(Method.class, method));
                }
            }
        }
        return cases;
    }

    /** Adds all combinations of the other choices. */
    private void add(List<PipelineCase> cases, Scenario scenario, Family family, Method method) {
        for (Direction direction : directions(method, scenario)) {
            for (String distribution : distributions == null ? List.of("uniform") : distributions) {
                for (int service : services == null ? List.of(1) : services) {
                    for (int real : realServers == null ? List.of(DEFAULT_REAL_SERVERS) : realServers) {
                        for (int flow : flows == null ? List.of(1000, 1_000_000) : flows) {
                            cases.add(new PipelineCase(
                                    method,
                                    direction,
                                    family,
                                    flow,
                                    PipelineCase.of(Distribution.class, distribution),
                                    service,
                                    real,
                                    scenario));
                        }
                    }
                }
            }
        }
    }

    /** Those chosen, where there is a choice. */
    private List<Direction> directions(Method method, Scenario scenario) {
        if (!PipelineCase.hasDirections(method, scenario)) {
            return List.of(Direction.IN);
        }
        return directions == null
                ? List.of(Direction.BOTH)
                : directions.stream()
                        .map(name -> PipelineCase.of(Direction.class, name))
                        .toList();
    }

    /** Those for which something must hold. */
    private static List<PipelineCase> required() {
        return List.of(
                of(Method.DR, 1000, Scenario.HIT),
                of(Method.DR, 1_000_000, Scenario.HIT),
                of(Method.TUN, 1000, Scenario.HIT),
                of(Method.TUN, 1_000_000, Scenario.HIT),
                of(Method.NAT, 1000, Scenario.HIT),
                of(Method.NAT, 1_000_000, Scenario.HIT),
                of(Method.DR, 1_000_000, Scenario.MISS));
    }

    private static PipelineCase of(Method method, int flows, Scenario scenario) {
        return new PipelineCase(method, Family.INET, flows, Distribution.UNIFORM, 1, DEFAULT_REAL_SERVERS, scenario);
    }

    /** Those, and one case or two on every side of them. */
    private static List<PipelineCase> overview() {
        List<PipelineCase> cases = new ArrayList<>(required());
        int million = 1_000_000;
        cases.add(of(Method.DR, million, Scenario.SYNFLOOD));
        cases.add(of(Method.DR, 100_000, Scenario.HIT));
        cases.add(of(Method.DR, 10 * million, Scenario.HIT));
        cases.add(hit(Family.INET, Distribution.ZIPF, 1, DEFAULT_REAL_SERVERS));
        cases.add(hit(Family.MIXED, Distribution.UNIFORM, 1, DEFAULT_REAL_SERVERS));
        cases.add(hit(Family.INET, Distribution.UNIFORM, 1, 2));
        cases.add(hit(Family.INET, Distribution.UNIFORM, 1, 1000));
        cases.add(hit(Family.INET, Distribution.UNIFORM, 1000, 2));
        cases.add(nat(Direction.IN, Family.INET));
        cases.add(nat(Direction.OUT, Family.INET));
        cases.add(nat(Direction.BOTH, Family.INET6));
        cases.add(of(Method.NAT, million, Scenario.MISS));
        return cases;
    }

    private static PipelineCase nat(Direction direction, Family family) {
        return new PipelineCase(
                Method.NAT, direction, family, 1_000_000, Distribution.UNIFORM, 1, DEFAULT_REAL_SERVERS, Scenario.HIT);
    }

    private static PipelineCase hit(Family family, Distribution distribution, int services, int realServers) {
        return new PipelineCase(Method.DR, family, 1_000_000, distribution, services, realServers, Scenario.HIT);
    }
}
