package dev.sluice.bench.net;

import dev.sluice.bench.FrameSizes;
import dev.sluice.bench.LiveFrames;
import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import dev.sluice.packet.AddressFamily;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.stats.WorkerStats;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * How the rate grows with queues, each with a worker. On a veth the CPU that sends decides on the queue: its number modulo the
 * number of queues. So there is a generator for each queue, on a CPU of its own, as far as there are CPUs.
 */
public final class QueueScale {
    private static final double WARM_UP_S = 2;

    private final Run run;
    private final int rounds;
    private final double seconds;
    private final int generatorCpu;
    private final int subjectCpu;

    /**
     * To measure with.
     *
     * @param rounds turns of each number of queues
     * @param generatorCpu the CPU of the first generator
     * @param subjectCpu the CPU of the first worker
     */
    public QueueScale(Run run, int rounds, double seconds, int generatorCpu, int subjectCpu) {
        this.run = run;
        this.rounds = rounds;
        this.seconds = seconds;
        this.generatorCpu = generatorCpu;
        this.subjectCpu = subjectCpu;
    }

    /** Generators' CPUs for so many queues: one for each, or as many as the CPUs reach. */
    static List<Integer> generators(int queues, int cpus, int first) {
        List<Integer> generators = new ArrayList<>();
        boolean[] reached = new boolean[queues];
        for (int i = 0; i < cpus; i++) {
            int cpu = (first + i) % cpus;
            if (!reached[cpu % queues]) {
                reached[cpu % queues] = true;
                generators.add(cpu);
            }
        }
        return generators;
    }

    /** Measures, all numbers of queues in turn. */
    public void measure(List<Integer> queues) throws Exception {
        int cpus = Runtime.getRuntime().availableProcessors();
        Map<Integer, List<Double>> rates = new TreeMap<>();
        Map<Integer, List<Double>> least = new TreeMap<>();
        for (int round = 1; round <= rounds; round++) {
            for (int count : queues) {
                double[] found = turn(count, generators(count, cpus, generatorCpu), cpus);
                rates.computeIfAbsent(count, _ -> new ArrayList<>()).add(found[0]);
                least.computeIfAbsent(count, _ -> new ArrayList<>()).add(100 * found[1]);
                run.progress(String.format(
                        Locale.ROOT,
                        "round %d of %d, %d queues: %.0f packets/s, the busiest worker %.0f %% of them",
                        round,
                        rounds,
                        count,
                        found[0],
                        100 * found[1]));
            }
        }
        rates.forEach((count, samples) -> {
            Map<String, String> parameters = Map.of("queues", Integer.toString(count));
            run.add(new Measurement("sluice-dr", "rate", "packets/s", Better.HIGHER, parameters, samples));
            run.add(new Measurement(
                    "sluice-dr",
                    "share of the busiest worker",
                    "%",
                    Better.LOWER,
                    parameters,
                    least.getOrDefault(count, List.of(0.0))));
            int reached = generators(count, cpus, generatorCpu).size();
            if (reached < count) {
                run.remark(
                        "Of " + count + " queues only " + reached + " get packets: a veth chooses the queue by the CPU"
                                + " that sends, and there are " + cpus + ".");
            }
            if (2 * count > cpus) {
                run.remark(count + (count == 1 ? " generator and a worker" : " generators and as many workers")
                        + " share " + cpus
                        + " CPUs: that shows whether queues divide the work and what more workers cost,"
                        + " not how the rate grows on CPUs of their own, for which it takes " + 2 * count + ".");
            }
        });
    }

    /** Rate at the sink, and the busiest worker's share of the packets taken. */
    private double[] turn(int queues, List<Integer> generators, int cpus) throws Exception {
        Path folder = TestBed.folder();
        // One that spins would take the CPU from the generator that it shares it with.
        boolean isBusy = 2 * queues <= cpus;
        Scenario scenario = new Scenario(
                List.of(Protocol.UDP),
                80,
                1024,
                FrameSizes.of(60),
                GeneratorKind.OURS,
                generators,
                IntStream.range(0, queues)
                        .mapToObj(queue -> (subjectCpu + queue) % cpus)
                        .toList(),
                Scenario.Receive.GENERATOR,
                isBusy,
                folder);
        SluiceSubject subject = new SluiceSubject(ForwardingMethod.DR, "");
        try (TestBed bed = new TestBed(new Topology.Shape(1, queues, AddressFamily.INET, 2, 60), scenario)) {
            run.command("sluice-dr queues " + queues, subject.command(bed.topology(), scenario));
            double[] found = bed.with(subject, _ -> {
                flood(bed.flood(), WARM_UP_S);
                Path socket = subject.socket(scenario);
                List<Long> before = received(Losses.now(socket, bed.topology()));
                long arrivedBefore = bed.sink().counts().packets();
                double took = flood(bed.flood(), seconds);
                long arrived = bed.sink().counts().packets() - arrivedBefore;
                return new double[] {arrived / took, busiest(before, received(Losses.now(socket, bed.topology())))};
            });
            TestBed.remove(folder);
            return found;
        }
    }

    private static double flood(Flood flood, double seconds) {
        Duration duration = Duration.ofMillis(Math.round(seconds * 1000));
        return flood.run(duration, LiveFrames.Pace.FULL).elapsed().toNanos() / 1e9;
    }

    private static List<Long> received(Losses reading) {
        return reading.stats().workers().stream()
                .map((WorkerStats worker) -> worker.counters().getOrDefault("rx_packets", 0L))
                .toList();
    }

    static double busiest(List<Long> before, List<Long> after) {
        long most = 0;
        long all = 0;
        for (int i = 0; i < after.size(); i++) {
            long own = after.get(i) - before.get(i);
            most = Math.max(most, own);
            all += own;
        }
        return all == 0 ? 0 : (double) most / all;
    }
}
