package dev.sluice.bench.net;

import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import dev.sluice.bench.peer.ApacheBench;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Real connections through subjects in turn. Owned by one thread. */
final class WebTurns {
    private static final long READY_MS = 15_000;

    private final Run run;
    private final WebOptions options;
    private final int generatorCpu;
    private final int subjectCpu;

    WebTurns(Run run, WebOptions options, int generatorCpu, int subjectCpu) {
        this.run = run;
        this.options = options;
        this.generatorCpu = generatorCpu;
        this.subjectCpu = subjectCpu;
    }

    /** What one subject showed over all rounds. */
    private static final class Found {
        private final List<Double> rates = new ArrayList<>();
        private final List<Double> failed = new ArrayList<>();
        private final List<Double> scheduled = new ArrayList<>();
        private final Map<Integer, List<Double>> percentiles = new TreeMap<>();
        private String counters = "";
    }

    /** Measures, and adds what was found. Leaves everything out, with a remark, where client or server is missing. */
    void measure(int rounds, double seconds, double warmUp) throws Exception {
        options.check();
        for (Optional<String> missing : List.of(ApacheBench.missing(), WebServer.missing())) {
            if (missing.isPresent()) {
                run.remark("real connections are left out: " + missing.get());
                return;
            }
        }
        List<WebSubject> subjects = subjects();
        Path folder = TestBed.folder();
        Map<WebSubject, Found> found = new LinkedHashMap<>();
        try (CleanUp cleanUp = new CleanUp()) {
            WebTopology topology = cleanUp.add(new WebTopology(options.clients, options.servers));
            for (int number = 0; number < options.servers; number++) {
                cleanUp.add(WebServer.start(
                        topology.realServerNamespace(number),
                        "nginx" + number,
                        cpu(options.serverCpus, number),
                        folder));
            }
            List<Integer> cpus = options.clientCpus.isEmpty() ? List.of(generatorCpu) : options.clientCpus;
            WebClients clients = new WebClients(topology, cpus, options.concurrency, folder);
            for (WebSubject subject : subjects) {
                found.put(subject, new Found());
                run.command(
                        subject.name() + " tcp",
                        subject.command(topology, folder) + "\nclient: "
                                + String.join(" ", clients.command(subject, 0, whole(seconds))));
            }
            for (int round = 1; round <= rounds; round++) {
                for (WebSubject subject : subjects) {
                    turn(cleanUp, clients, subject, folder, seconds, warmUp, found.getOrDefault(subject, new Found()));
                }
            }
        }
        report(found);
        TestBed.remove(folder);
    }

    private int cpu(List<Integer> cpus, int number) {
        return cpus.isEmpty() ? generatorCpu : cpus.get(number % cpus.size());
    }

    /** The client knows whole seconds only. */
    private static int whole(double seconds) {
        return Math.max(1, (int) Math.round(seconds));
    }

    private List<WebSubject> subjects() {
        List<WebSubject> subjects = new ArrayList<>();
        for (String name : options.subjects) {
            WebSubject subject = switch (name) {
                case "direct" -> new WebSubject.Direct();
                case "sluice-dr" -> new WebSubject.Director(subjectCpu, options.idle);
                case "ipvs-dr" -> new WebSubject.Ipvs(subjectCpu);
                default ->
                    throw new IllegalArgumentException(
                            "no subject \"" + name + "\" of real connections; there are direct, sluice-dr, ipvs-dr");
            };
            Optional<String> missing = subject.missing();
            if (missing.isPresent()) {
                run.remark(name + " is left out of real connections: " + missing.get());
            } else {
                subjects.add(subject);
            }
        }
        return subjects;
    }

    private void turn(
            CleanUp cleanUp,
            WebClients clients,
            WebSubject subject,
            Path folder,
            double seconds,
            double warmUp,
            Found own)
            throws IOException, AdminException {
        Subject.Running running = cleanUp.add(subject.start(clients.topology(), folder));
        try {
            awaitAnswers(clients, subject, running);
            if (warmUp > 0) {
                var _ = clients.run(cleanUp, subject, whole(warmUp));
            }
            Map<String, Long> before = outcomes(subject, folder);
            CpuTimes times = CpuTimes.now();
            List<ApacheBench.Told> told = clients.run(cleanUp, subject, whole(seconds));
            CpuTimes.Use busy = times.untilNow();
            running.check();
            double rate = told.stream().mapToDouble(ApacheBench.Told::perSecond).sum();
            own.rates.add(rate);
            own.failed.add(
                    (double) told.stream().mapToLong(ApacheBench.Told::failed).sum());
            for (int percent : new int[] {50, 90, 99, 100}) {
                own.percentiles
                        .computeIfAbsent(percent, _ -> new ArrayList<>())
                        .add(ApacheBench.percentileMs(told, percent));
            }
            Map<String, Long> after = outcomes(subject, folder);
            after.replaceAll((name, count) -> count - before.getOrDefault(name, 0L));
            after.values().removeIf(count -> count == 0);
            if (!after.isEmpty()) {
                long scheduled = after.getOrDefault(Counter.FLOW_NEW.label(), 0L)
                        + after.getOrDefault(Counter.FLOW_REUSED.label(), 0L);
                own.scheduled.add((double) scheduled
                        / told.stream().mapToLong(ApacheBench.Told::complete).sum());
                own.counters = after.toString();
            }
            run.progress(subject.name() + ": " + ApacheBench.text(told) + " (" + busy.text() + ")");
        } finally {
            cleanUp.close(running);
        }
    }

    private static void awaitAnswers(WebClients clients, WebSubject subject, Subject.Running running) {
        long end = System.nanoTime() + READY_MS * 1_000_000;
        while (!clients.isAnswered(subject)) {
            running.check();
            if (System.nanoTime() > end) {
                throw new IllegalStateException(
                        subject.name() + ": the client gets no answers; logs are in " + clients.folder());
            }
            Pause.ms(100);
        }
    }

    /** What became of packets so far, of a subject that says so. */
    private static Map<String, Long> outcomes(WebSubject subject, Path folder) throws AdminException {
        return subject instanceof WebSubject.Director
                ? new TreeMap<>(new AdminClient(WebSubject.Director.socket(folder))
                        .ask("stats", DirectorStats.class)
                        .outcomes())
                : new TreeMap<>();
    }

    private void report(Map<WebSubject, Found> found) {
        Map<String, String> parameters = new TreeMap<>(Map.of(
                "protocol", "tcp",
                "clients", Integer.toString(options.clients),
                "reals", Integer.toString(options.servers),
                "concurrency", Integer.toString(options.concurrency * options.clients)));
        Map<String, Double> medians = new TreeMap<>();
        found.forEach((subject, own) -> {
            String name = subject.name();
            Measurement rate =
                    new Measurement(name, "real connections", "connections/s", Better.HIGHER, parameters, own.rates);
            medians.put(name, rate.median());
            run.add(rate);
            run.add(new Measurement(name, "failed connections", "connections", Better.LOWER, parameters, own.failed));
            own.percentiles.forEach((percent, ms) -> run.add(new Measurement(
                    name,
                    percent == 100 ? "longest request" : "request p" + percent,
                    "ms",
                    Better.LOWER,
                    parameters,
                    ms)));
            if (!own.scheduled.isEmpty()) {
                run.add(new Measurement(
                        name, "flows entered a connection", "flows", Better.NEITHER, parameters, own.scheduled));
            }
            if (!own.counters.isEmpty()) {
                run.remark(name + ", what became of the packets of the last round: " + own.counters);
            }
        });
        medians.forEach((name, median) -> {
            Double ceiling = medians.get("direct");
            if (ceiling != null && ceiling > 0 && !name.equals("direct")) {
                run.add(new Measurement(
                        name, "rate to direct", "ratio", Better.HIGHER, parameters, List.of(median / ceiling)));
            }
        });
        run.remark(String.format(
                Locale.ROOT,
                "Real connections: clients are pinned to CPUs %s, real servers to %s, what forwards to CPU %d; answers do not pass"
                        + " it. Where few CPUs are shared, clients and servers are the limit, and the delay is theirs.",
                options.clientCpus.isEmpty() ? List.of(generatorCpu) : options.clientCpus,
                options.serverCpus.isEmpty() ? List.of(generatorCpu) : options.serverCpus,
                subjectCpu));
    }
}
