package dev.sluice.bench.net;

import dev.sluice.bench.peer.Testpmd;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** DPDK's testpmd on AF_XDP ({@code net_af_xdp}), exchanging the stations of each frame. */
final class TestpmdSubject implements Subject {
    @Override
    public String name() {
        return "testpmd";
    }

    @Override
    public Optional<String> missing() {
        return Testpmd.find().isPresent() ? Optional.empty() : Optional.of(Testpmd.missing());
    }

    @Override
    public ArrivedFrame.Way way() {
        return ArrivedFrame.Way.REFLECTED;
    }

    @Override
    public String command(Topology topology, Scenario scenario) {
        return String.join(" ", arguments(topology, scenario));
    }

    private static List<String> arguments(Topology topology, Scenario scenario) {
        List<Integer> cpus = IntStream.range(0, topology.shape().queues())
                .mapToObj(queue -> scenario.subjectCpus()
                        .get(queue % scenario.subjectCpus().size()))
                .toList();
        // Its main thread only waits, so it may be where the generator is.
        return Testpmd.find()
                .orElseThrow(() -> new IllegalStateException(Testpmd.missing()))
                .afXdpCommand(Testpmd.Mode.MACSWAP, topology.interfaces(), scenario.generatorCpu(), cpus);
    }

    @Override
    public Running start(Topology topology, Scenario scenario) throws IOException {
        return SubjectProcess.start(
                name(),
                topology.director(),
                scenario.folder().resolve(name() + ".log"),
                Map.of(),
                arguments(topology, scenario));
    }
}
