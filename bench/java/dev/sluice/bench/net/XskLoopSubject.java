package dev.sluice.bench.net;

import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The loop in C on libxdp: {@code bench/baseline/xsk-loop}, built on demand. */
final class XskLoopSubject implements Subject {
    private final String name;
    private final String mode;

    /** A loop in one of its modes: {@code dr}, {@code mac}, {@code macswap}. */
    XskLoopSubject(String name, String mode) {
        this.name = name;
        this.mode = mode;
    }

    @Override
    public String name() {
        return name;
    }

    private static Path base() {
        return Path.of(System.getProperty("sluice.basedir", "."))
                .toAbsolutePath()
                .normalize();
    }

    private static Path program() {
        return base().resolve("target/baseline/xsk-loop");
    }

    @Override
    public Optional<String> missing() {
        if (Files.isExecutable(program())) {
            return Optional.empty();
        }
        Path build = base().resolve("bench/baseline/build");
        if (!Files.isExecutable(build)) {
            return Optional.of(build + " is not there");
        }
        NetworkNamespace.runHere(build.toString(), program().getParent().toString());
        return Files.isExecutable(program()) ? Optional.empty() : Optional.of(build + " made no xsk-loop");
    }

    @Override
    public String command(Topology topology, Scenario scenario) {
        return String.join(" ", arguments(topology, scenario)).replace(base() + "/", "");
    }

    private List<String> arguments(Topology topology, Scenario scenario) {
        List<String> arguments = new ArrayList<>(List.of(
                "taskset",
                "-c",
                Integer.toString(scenario.subjectCpu()),
                program().toString()));
        arguments.addAll(List.of("--interface", topology.ingress(), "--queue", "0", "--mode", mode));
        arguments.addAll(List.of("--vip", topology.vip().toString(), "--port", Integer.toString(scenario.port())));
        arguments.addAll(List.of("--dst-mac", Topology.mac(topology.realServerMac(0))));
        arguments.addAll(List.of("--src-mac", Topology.mac(topology.egressMac())));
        if (topology.shape().arms() == 2) {
            arguments.addAll(List.of("--egress", topology.egress()));
        }
        return arguments;
    }

    @Override
    public Running start(Topology topology, Scenario scenario) throws IOException {
        return SubjectProcess.start(
                name,
                topology.director(),
                scenario.folder().resolve(name + ".log"),
                Map.of(),
                arguments(topology, scenario));
    }
}
