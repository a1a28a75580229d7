package dev.sluice.bench.net;

import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The loop in C on libxdp: {@code bench/baseline/xsk-loop}, built on demand. */
final class XskLoopSubject implements Subject {
    private static final Duration START = Duration.ofSeconds(15);

    private final String name;
    private final String mode;
    private final List<String> extra;

    /**
     * A loop in one of its modes.
     *
     * @param mode {@code dr} for what the director does, {@code mac} for setting stations alone
     * @param extra options on top
     */
    XskLoopSubject(String name, String mode, List<String> extra) {
        this.name = name;
        this.mode = mode;
        this.extra = List.copyOf(extra);
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
        Path build = base().resolve("bench/baseline/build");
        if (!Files.isExecutable(build)) {
            return Optional.of(build + " is not there; bench/run works in the source tree");
        }
        NetworkNamespace.runHere(
                build.toString(), base().resolve("target/baseline").toString());
        return Files.isExecutable(program()) ? Optional.empty() : Optional.of(build + " made no xsk-loop");
    }

    @Override
    public Optional<String> unfit(Topology.Shape shape, Scenario scenario) {
        if (shape.queues() > 1) {
            return Optional.of("it has one socket, on one queue, so it takes part with --queues 1");
        }
        return mode.equals("dr") && shape.families().size() > 1
                ? Optional.of("it has one VIP, so it takes part with one --family")
                : Optional.empty();
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
        if (topology.shape().families().size() == 1) {
            arguments.addAll(List.of("--vip", topology.vip().toString(), "--port", Integer.toString(scenario.port())));
        }
        if (mode.equals("dr")) {
            for (int number = 0; number < topology.shape().realServers(); number++) {
                arguments.addAll(List.of("--real", Topology.mac(topology.realServerMac(number))));
            }
        } else {
            arguments.addAll(List.of("--dst-mac", Topology.mac(topology.realServerMac(0))));
        }
        arguments.addAll(List.of("--src-mac", Topology.mac(topology.egressMac())));
        if (topology.shape().arms() == 2) {
            arguments.addAll(List.of("--egress", topology.egress()));
        }
        if (!scenario.isBusy()) {
            arguments.add("--sleep");
        }
        arguments.addAll(extra);
        return arguments;
    }

    @Override
    public Running start(Topology topology, Scenario scenario) throws IOException {
        SubjectProcess process = SubjectProcess.start(
                name,
                topology.director(),
                scenario.folder().resolve(name + ".log"),
                Map.of(),
                arguments(topology, scenario));
        process.await("ready", START);
        return process;
    }
}
