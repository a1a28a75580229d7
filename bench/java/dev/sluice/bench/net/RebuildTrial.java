package dev.sluice.bench.net;

import dev.sluice.bench.LiveFrames;
import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import dev.sluice.bench.harness.Target;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.packet.AddressFamily;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Future;

/**
 * A running director whose Maglev table is built anew again and again, by changes of a weight, while packets come: what its
 * worker notices. A worker that built tables itself would allocate them.
 */
public final class RebuildTrial {
    private static final long PACKETS_PER_SECOND = 10_000;
    private static final int GAP_MS = 100;
    private static final int WARM_UPS = 3;

    private RebuildTrial() {}

    /**
     * Measures, and adds what was found; leaves it out, with a remark, without root or distribution.
     *
     * @param entries of the table, a prime
     * @param realServers of its service
     * @param changes how many
     */
    public static void measure(Run run, int entries, int realServers, int changes, int generatorCpu, int subjectCpu)
            throws Exception {
        ManyServices services = new ManyServices(1, realServers, "maglev");
        SluiceSubject subject =
                new SluiceSubject(ForwardingMethod.DR, "", "maglev_table_size = " + entries + "\n" + services.config());
        Optional<String> missing = Needs.missing(subject, generatorCpu, subjectCpu);
        if (missing.isPresent()) {
            run.remark("what a worker notices of a table of " + entries + " entries is left out: " + missing.get());
            return;
        }
        Path folder = TestBed.folder();
        Scenario scenario = new Scenario(
                Protocol.UDP, 80, 1024, 60, generatorCpu, subjectCpu, Scenario.Receive.GENERATOR, false, folder);
        try (TestBed bed = new TestBed(new Topology.Shape(1, 1, AddressFamily.INET, 2, 60), scenario)) {
            services.addNeighbours(bed.topology(), folder);
            var _ = bed.with(subject, _ -> {
                changes(run, bed, subject.socket(scenario), entries, realServers, changes);
                return 0;
            });
        }
        TestBed.remove(folder);
    }

    private static void changes(Run run, TestBed bed, Path socket, int entries, int realServers, int changes)
            throws Exception {
        AdminClient admin = new AdminClient(socket);
        bed.warmUp(1, PACKETS_PER_SECOND);
        Future<LiveFrames.Report> flooding =
                bed.flood().start(Duration.ofMinutes(10), LiveFrames.Pace.of(PACKETS_PER_SECOND));
        List<Double> tookMs = new ArrayList<>();
        List<Double> allocated = new ArrayList<>();
        Losses before;
        Losses after;
        try {
            for (int i = 0; i < WARM_UPS; i++) {
                change(admin, i);
                Pause.ms(GAP_MS);
            }
            before = Losses.now(socket, bed.topology());
            for (int i = 0; i < changes; i++) {
                Losses earlier = Losses.now(socket, bed.topology());
                long start = System.nanoTime();
                change(admin, i);
                tookMs.add((System.nanoTime() - start) / 1e6);
                Pause.ms(GAP_MS);
                allocated.add((double) (Losses.now(socket, bed.topology()).worker("allocated_bytes")
                        - earlier.worker("allocated_bytes")));
            }
            after = Losses.now(socket, bed.topology());
        } finally {
            bed.flood().pause();
            var _ = Flood.await(flooding);
        }
        Map<String, String> parameters = new TreeMap<>(
                Map.of("entries", Integer.toString(entries), "realServers", Integer.toString(realServers)));
        add(run, "change of a weight, until it is in force", "ms", parameters, tookMs);
        add(run, "allocated by the worker a change", "bytes", parameters, allocated);
        add(run, "longest cycle since the start", "ms", parameters, List.of(after.worker("longest_cycle_ns") / 1e6));
        Map<String, Long> lost = after.since(before);
        run.progress("%d tables of %d entries: %.1f ms a change, worker allocated at most %.0f bytes, lost %s"
                .formatted(
                        changes,
                        entries,
                        new Measurement("", "", "", Better.LOWER, Map.of(), tookMs).median(),
                        allocated.stream()
                                .mapToDouble(Double::doubleValue)
                                .max()
                                .orElse(0),
                        lost));
        if (!lost.isEmpty()) {
            run.remark("dropped while tables of " + entries + " entries were built: " + lost);
        }
        // Two bytes an entry is what a table takes.
        run.add(new Target(
                "a table of " + entries
                        + " entries is built off the worker: bytes that the worker allocated, the worst",
                allocated.stream().mapToDouble(Double::doubleValue).max().orElse(0),
                0,
                false));
    }

    private static void change(AdminClient admin, int number) throws Exception {
        var _ = admin.askTree(
                "real-edit",
                Map.of(
                        "service",
                        Map.of("protocol", "tcp", "address", ManyServices.address(0)),
                        "real",
                        Map.of("address", ManyServices.realServer(0), "weight", 2 + number % 2, "method", "dr")));
    }

    private static void add(Run run, String metric, String unit, Map<String, String> parameters, List<Double> samples) {
        run.add(new Measurement("sluice-dr", metric, unit, Better.LOWER, parameters, samples));
    }
}
