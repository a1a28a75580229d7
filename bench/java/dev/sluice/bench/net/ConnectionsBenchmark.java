package dev.sluice.bench.net;

import dev.sluice.bench.harness.Benchmark;
import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import dev.sluice.bench.harness.Target;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.packet.AddressFamily;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.stats.DirectorStats;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bench/run connections}. */
@Command(
        name = "connections",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "New connections a second, in two ways.",
            "",
            "syn: TCP SYNs, each of a flow that has not been seen before, from generator to sink as in bench/run forward. Every"
                    + " SYN is scheduled and enters the connection table, which has room for all of them. Of the director it is"
                    + " also read how many connections its table has gained. A subject starts anew with every turn.",
            "",
            "tcp: requests of a web client (ab), each on a connection of its own, to nginx on real servers behind a switch: through"
                    + " the director, through IPVS where the kernel has it, and straight to the real servers (direct), which is"
                    + " the ceiling. Delays include connecting.",
            "",
            "Needs root. Everything is in namespaces of its own, and removed at the end."
        })
public final class ConnectionsBenchmark extends Benchmark {
    /** More than come in a turn; the generator would begin anew after so many. */
    private static final int FLOWS = 1 << 24;

    @Option(
            names = "--kinds",
            split = ",",
            defaultValue = "syn,tcp",
            paramLabel = "KIND",
            description = "what is measured: syn, tcp (${DEFAULT-VALUE})")
    private List<String> kinds = List.of();

    @Mixin
    private WebOptions web = new WebOptions();

    @Option(
            names = "--subjects",
            split = ",",
            defaultValue = "c-loop,sluice-dr",
            paramLabel = "NAME",
            description = "who is sent SYNs: c-loop, sluice-dr (${DEFAULT-VALUE})")
    private List<String> subjects = List.of();

    @Option(
            names = "--rounds",
            defaultValue = "5",
            paramLabel = "N",
            description = "turns of each subject, of which the median counts (${DEFAULT-VALUE})")
    private int rounds;

    @Option(
            names = "--seconds",
            defaultValue = "3",
            paramLabel = "S",
            description = "length of a measurement (${DEFAULT-VALUE})")
    private double seconds;

    @Option(
            names = "--warm-up",
            defaultValue = "2",
            paramLabel = "S",
            description = "SYNs or requests before it, in every turn (${DEFAULT-VALUE})")
    private double warmUp;

    @Option(
            names = "--table",
            defaultValue = "8388608",
            paramLabel = "N",
            description = "room in the connection tables; 72 to 96 bytes each (${DEFAULT-VALUE})")
    private int table;

    @Option(
            names = "--generator-cpu",
            defaultValue = "0",
            paramLabel = "CPU",
            description = "the CPU that generates (${DEFAULT-VALUE})")
    private int generatorCpu;

    @Option(
            names = "--subject-cpu",
            defaultValue = "1",
            paramLabel = "CPU",
            description = "the CPU that forwards (${DEFAULT-VALUE})")
    private int subjectCpu;

    /** What one subject showed over all rounds. */
    private static final class Found {
        private final List<Double> rates = new ArrayList<>();
        private final List<Double> entered = new ArrayList<>();
    }

    @Override
    protected String name() {
        return "connections";
    }

    @Override
    protected void measure(Run run) throws Exception {
        if (rounds < 1 || !(seconds > 0) || generatorCpu == subjectCpu) {
            throw new IllegalArgumentException(
                    "--rounds and --seconds must be above 0, --generator-cpu and --subject-cpu differ");
        }
        for (String kind : kinds) {
            switch (kind) {
                case "syn" -> synFloods(run);
                case "tcp" -> new WebTurns(run, web, generatorCpu, subjectCpu).measure(rounds, seconds, warmUp);
                default -> throw new IllegalArgumentException("--kinds must be of syn, tcp; not " + kind);
            }
        }
    }

    private void synFloods(Run run) throws Exception {
        List<Subject> present = new ArrayList<>();
        for (String name : subjects) {
            Subject subject = subject(name);
            Optional<String> missing = subject.missing();
            if (missing.isPresent()) {
                run.remark(name + " is left out: " + missing.get());
            } else {
                present.add(subject);
            }
        }
        Path folder = TestBed.folder();
        Scenario scenario = new Scenario(
                Protocol.TCP, 80, FLOWS, 60, generatorCpu, subjectCpu, Scenario.Receive.GENERATOR, true, folder);
        Map<String, Found> found = new LinkedHashMap<>();
        try (TestBed bed = new TestBed(new Topology.Shape(1, 1, AddressFamily.INET, 2, 60), scenario)) {
            for (int round = 1; round <= rounds; round++) {
                for (Subject subject : present) {
                    run.command(subject.name(), subject.command(bed.topology(), scenario));
                    Found own = found.computeIfAbsent(subject.name(), _ -> new Found());
                    String turn = "round " + round + " of " + rounds + ", " + subject.name();
                    bed.with(subject, _ -> {
                        one(run, bed, subject, turn, own);
                        return own;
                    });
                }
            }
        }
        report(run, found);
        TestBed.remove(folder);
    }

    private Subject subject(String name) {
        return switch (name) {
            case "c-loop" -> new XskLoopSubject("c-loop", "dr", List.of("--flows", Integer.toString(table)));
            case "sluice-dr" ->
                new SluiceSubject(
                        ForwardingMethod.DR, "", "flow_table_size = " + table + "\nhalf_open_percent = 100\n");
            default -> throw new IllegalArgumentException("no subject \"" + name + "\"; there are c-loop, sluice-dr");
        };
    }

    private void one(Run run, TestBed bed, Subject subject, String turn, Found own) throws AdminException {
        bed.warmUp(warmUp, 0);
        Optional<Path> socket = subject instanceof SluiceSubject director
                ? Optional.of(director.socket(bed.scenario()))
                : Optional.empty();
        long before = socket.isPresent() ? connections(socket.get()) : 0;
        Trial trial = bed.trial(seconds, 0);
        own.rates.add(trial.receivedPerSecond());
        String entered = "";
        if (socket.isPresent()) {
            double gained = (connections(socket.get()) - before) / trial.seconds();
            own.entered.add(gained);
            entered = String.format(Locale.ROOT, ", %.0f connections/s entered", gained);
        }
        run.progress(String.format(
                Locale.ROOT,
                "%s: %.0f SYNs/s forwarded of %.0f sent%s (%s)",
                turn,
                trial.receivedPerSecond(),
                trial.sent() / trial.seconds(),
                entered,
                trial.busy().text()));
    }

    private static long connections(Path socket) throws AdminException {
        return new AdminClient(socket)
                .ask("stats", DirectorStats.class).workers().stream()
                        .mapToLong(worker -> worker.counters().getOrDefault("connections", 0L))
                        .sum();
    }

    private static void report(Run run, Map<String, Found> found) {
        Map<String, String> parameters = Map.of("protocol", "tcp", "keys", "new", "size", "60");
        Map<String, Double> medians = new LinkedHashMap<>();
        found.forEach((name, own) -> {
            Measurement rate = new Measurement(name, "new connections", "SYNs/s", Better.HIGHER, parameters, own.rates);
            medians.put(name, rate.median());
            run.add(rate);
            if (!own.entered.isEmpty()) {
                run.add(new Measurement(
                        name, "connections entered", "connections/s", Better.HIGHER, parameters, own.entered));
            }
        });
        Double director = medians.get("sluice-dr");
        Double loop = medians.get("c-loop");
        if (director != null && loop != null) {
            run.add(new Target("connections: new ones, sluice-dr to c-loop", director / loop, 0.97, true));
        }
    }
}
