package dev.sluice.bench.net;

import dev.sluice.bench.LiveFrames;
import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import dev.sluice.flow.FlowTable;
import dev.sluice.packet.AddressFamily;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What a running director costs by what it holds: time to start, memory. For one run; owned by one thread. */
public final class DirectorScale {
    private static final String SUBJECT = "sluice-dr";
    private static final long START_PACKETS_PER_SECOND = 20_000;
    /** How many flows are put into a table, at most, before its memory is looked at again. */
    private static final int MOST_FLOWS = 1_000_000;

    private static final double FILL_S = 20;
    private static final int UMEM_FRAME_BYTES = 2048;
    private static final double MIB = 1 << 20;

    private final Run run;
    private final int rounds;
    private final int generatorCpu;
    private final int subjectCpu;

    /**
     * To measure with.
     *
     * @param rounds starts of each kind
     * @param generatorCpu the CPU that sends packets
     * @param subjectCpu the CPU of the director's worker
     */
    public DirectorScale(Run run, int rounds, int generatorCpu, int subjectCpu) {
        this.run = run;
        this.rounds = rounds;
        this.generatorCpu = generatorCpu;
        this.subjectCpu = subjectCpu;
    }

    /** Why none of this can be measured here and what would help, empty when it can. */
    public Optional<String> missing() {
        return Needs.missing(new SluiceSubject(ForwardingMethod.DR, ""), generatorCpu, subjectCpu);
    }

    /**
     * What a configuration holds.
     *
     * @param realServers of each service
     */
    public record Size(int services, int realServers) {
        private Map<String, String> parameters() {
            return new TreeMap<>(
                    Map.of("services", Integer.toString(services), "realServers", Integer.toString(realServers)));
        }
    }

    private Scenario scenario(int flows, Path folder) {
        return new Scenario(
                Protocol.UDP, 80, flows, 60, generatorCpu, subjectCpu, Scenario.Receive.GENERATOR, false, folder);
    }

    private static Topology.Shape shape() {
        return new Topology.Shape(1, 1, AddressFamily.INET, 2, 60);
    }

    /** Time from exec to the first forwarded packet, by the services and real servers in the configuration. */
    public void start(List<Size> sizes) throws Exception {
        Path folder = TestBed.folder();
        try (TestBed bed = new TestBed(shape(), scenario(1024, folder))) {
            bed.topology().director().run("ethtool", "-K", bed.topology().ingress(), "gro", "on");
            for (Size size : sizes) {
                ManyServices services = new ManyServices(size.services(), size.realServers(), "rr");
                services.addNeighbours(bed.topology(), folder);
                SluiceSubject subject = new SluiceSubject(ForwardingMethod.DR, "", services.config());
                List<Double> readyMs = new ArrayList<>();
                List<Double> firstMs = new ArrayList<>();
                List<Double> residentMib = new ArrayList<>();
                for (int round = 0; round < rounds; round++) {
                    StartTrial trial = StartTrial.run(
                            bed,
                            subject,
                            START_PACKETS_PER_SECOND,
                            StartTrial.patience(size.services() * size.realServers()),
                            Duration.ofMillis(500));
                    readyMs.add(trial.readyMs());
                    firstMs.add(trial.firstPacketMs());
                    residentMib.add(trial.residentKib() / 1024.0);
                }
                Map<String, String> parameters = size.parameters();
                run.progress(String.format(
                        Locale.ROOT,
                        "start with %d services of %d real servers: ready after %.0f ms, first packet after %.0f ms",
                        size.services(),
                        size.realServers(),
                        median(readyMs),
                        median(firstMs)));
                add("ready", "ms", parameters, readyMs);
                add("first packet", "ms", parameters, firstMs);
                add("resident after start", "MiB", parameters, residentMib);
            }
        }
        run.command(
                SUBJECT + " start",
                "as of bench/run start, and so many services with so many real servers more in the configuration, whose"
                        + " neighbours are known");
        TestBed.remove(folder);
    }

    /** Memory by the size of the flow table, empty and with flows in it. */
    public void memoryByTable(List<Integer> tables) throws Exception {
        for (int table : tables) {
            Map<String, String> parameters = new TreeMap<>(Map.of("flowTable", Integer.toString(table)));
            memory(parameters, "flow_table_size = " + table + "\n", new ManyServices(0, 0, "rr"), table);
        }
    }

    /** Memory by the number of services and real servers, without flows. */
    public void memoryByServices(List<Size> sizes) throws Exception {
        for (Size size : sizes) {
            memory(size.parameters(), "", new ManyServices(size.services(), size.realServers(), "maglev"), 0);
        }
    }

    private void memory(Map<String, String> parameters, String settings, ManyServices services, int table)
            throws Exception {
        Path folder = TestBed.folder();
        int flows = Math.min(Math.max(table, 1024), MOST_FLOWS);
        SluiceSubject subject = new SluiceSubject(ForwardingMethod.DR, "", settings + services.config());
        try (TestBed bed = new TestBed(shape(), scenario(flows, folder))) {
            services.addNeighbours(bed.topology(), folder);
            run.command(
                    SUBJECT + " memory",
                    "sluice run --config with " + (settings.isEmpty() ? "so many services" : settings.strip())
                            + "; jcmd PID GC.run; /proc/PID/status");
            SubjectProcess process = bed.keep(subject.begin(bed.topology(), bed.scenario()));
            try {
                process.await(SluiceSubject.READY, StartTrial.patience(services.services() * services.realServers()));
                Path socket = subject.socket(bed.scenario());
                long umemFrames = Losses.now(socket, bed.topology()).worker("frames_total");
                add("memory: UMEM", "MiB", parameters, List.of(umemFrames * UMEM_FRAME_BYTES / MIB));
                reading(parameters, process.pid(), "memory");
                if (table > 0) {
                    add(
                            "memory: flow table, all of it",
                            "MiB",
                            parameters,
                            List.of(FlowTable.memoryBytes(table) / MIB));
                    long held = fill(bed, socket, flows);
                    run.progress("%d flows in a table for %d".formatted(held, table));
                    add("flows held", "flows", parameters, List.of((double) held));
                    reading(parameters, process.pid(), "memory with flows");
                }
            } finally {
                bed.close(process);
            }
        }
        TestBed.remove(folder);
    }

    /** Sends each flow's packets until all are in the table or time is up; how many are. */
    private static long fill(TestBed bed, Path socket, int flows) {
        long end = System.nanoTime() + (long) (FILL_S * 1e9);
        long held = 0;
        while (System.nanoTime() < end && held < flows * 0.99) {
            bed.flood().run(Duration.ofMillis(500), LiveFrames.Pace.FULL);
            held = Losses.now(socket, bed.topology()).worker("connections");
        }
        return held;
    }

    private void reading(Map<String, String> parameters, long pid, String what) throws IOException {
        // What is collected is not held.
        String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
        if (Files.isExecutable(Path.of(jcmd))) {
            var _ = NetworkNamespace.tryHere(jcmd, Long.toString(pid), "GC.run");
            double heap = ProcessMemory.heapUsed(NetworkNamespace.tryHere(jcmd, Long.toString(pid), "GC.heap_info")
                    .output());
            if (heap > 0) {
                add(what + ": heap in use", "MiB", parameters, List.of(heap));
            }
        }
        ProcessMemory memory = ProcessMemory.of(pid);
        memory.parts().forEach((part, mib) -> add(what + ": " + part, "MiB", parameters, List.of(mib)));
        run.progress(what + " " + parameters + ", MiB: " + rounded(memory.parts()));
    }

    private static String rounded(Map<String, Double> parts) {
        Map<String, Long> whole = new TreeMap<>();
        parts.forEach((part, mib) -> whole.put(part, Math.round(mib)));
        return whole.toString();
    }

    private static double median(List<Double> samples) {
        return new Measurement("", "", "", Better.LOWER, Map.of(), samples).median();
    }

    private void add(String metric, String unit, Map<String, String> parameters, List<Double> samples) {
        run.add(new Measurement(SUBJECT, metric, unit, Better.LOWER, parameters, samples));
    }
}
