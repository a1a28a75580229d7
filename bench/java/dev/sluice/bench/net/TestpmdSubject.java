package dev.sluice.bench.net;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** DPDK's testpmd on AF_XDP ({@code net_af_xdp}), exchanging the stations of each frame. */
final class TestpmdSubject implements Subject {
    private static final Path PROGRAM = Path.of("/usr/bin/dpdk-testpmd");

    @Override
    public String name() {
        return "testpmd";
    }

    @Override
    public Optional<String> missing() {
        return Files.isExecutable(PROGRAM)
                ? Optional.empty()
                : Optional.of("DPDK's testpmd is not installed: bench/run setup, or apt-get install dpdk");
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
        List<String> arguments = new ArrayList<>(List.of(PROGRAM.toString()));
        // The main thread only waits; the forwarding one has the subject's CPU.
        arguments.add("--lcores=0@" + scenario.generatorCpu() + ",1@" + scenario.subjectCpu());
        arguments.addAll(List.of("--no-huge", "-m", "512", "--no-pci", "--no-telemetry"));
        int port = 0;
        for (String name : topology.interfaces()) {
            arguments.add("--vdev=net_af_xdp" + port++ + ",iface=" + name);
        }
        arguments.addAll(
                List.of("--", "--forward-mode=macswap", "--auto-start", "--total-num-mbufs=32768", "--no-mlockall"));
        return arguments;
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
