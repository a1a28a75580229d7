package dev.sluice.bench.net;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** The director, from the distribution that the build made. */
final class SluiceSubject implements Subject {
    /** What it says when packets are steered to it. */
    static final String READY = "ready: ";

    static final Duration START = Duration.ofSeconds(30);

    private final ForwardingMethod method;
    private final String javaOptions;
    private final String settings;

    /**
     * A director of one forwarding method.
     *
     * @param javaOptions for {@code SLUICE_JAVA_OPTS}; may be empty
     */
    SluiceSubject(ForwardingMethod method, String javaOptions) {
        this(method, javaOptions, "");
    }

    /** As above, with further lines for {@code [director]}. */
    SluiceSubject(ForwardingMethod method, String javaOptions, String settings) {
        this.method = method;
        this.javaOptions = javaOptions;
        this.settings = settings;
    }

    @Override
    public String name() {
        return "sluice-" + word();
    }

    private String word() {
        return method.keyword();
    }

    @Override
    public Optional<String> missing() {
        return missingProgram();
    }

    /** Why there is no director to start, empty when there is. */
    static Optional<String> missingProgram() {
        return Files.isExecutable(launcher())
                ? Optional.empty()
                : Optional.of(launcher() + " is not there; build it: mvn -DskipTests package");
    }

    static Path launcher() {
        return Path.of(System.getProperty("sluice.basedir", "."), "target/sluice/bin/sluice")
                .toAbsolutePath()
                .normalize();
    }

    @Override
    public ArrivedFrame.Way way() {
        return method == ForwardingMethod.TUN ? ArrivedFrame.Way.TUNNELLED : ArrivedFrame.Way.ROUTED;
    }

    @Override
    public String command(Topology topology, Scenario scenario) {
        return (javaOptions.isEmpty() ? "" : "SLUICE_JAVA_OPTS=\"" + javaOptions + "\" ")
                + "target/sluice/bin/sluice run --release --config " + name() + ".toml, with\n"
                + config(topology, scenario);
    }

    /** Its admin socket. */
    Path socket(Scenario scenario) {
        return scenario.folder().resolve(name() + ".sock");
    }

    private String config(Topology topology, Scenario scenario) {
        int queues = topology.shape().queues();
        List<Integer> cpus = scenario.subjectCpus();
        String director = "socket = \"" + socket(scenario)
                + "\"\nhash_key = \"000102030405060708090a0b0c0d0e0f\"\nqueues = " + queues + "\ncpus = "
                + IntStream.range(0, queues)
                        .mapToObj(queue -> cpus.get(queue % cpus.size()))
                        .toList()
                + "\nidle = \"" + (scenario.isBusy() ? "busy" : "adaptive") + "\"\n" + settings;
        List<IpAddress> realServers = topology.shape().families().stream()
                .flatMap(family -> IntStream.range(0, topology.shape().realServers())
                        .mapToObj(number -> topology.realServer(family, number)))
                .toList();
        return new DirectorConfig(
                        topology.interfaces(),
                        director,
                        topology.vips(),
                        scenario.protocols(),
                        scenario.port(),
                        method,
                        realServers)
                .text();
    }

    @Override
    public Running start(Topology topology, Scenario scenario) throws IOException {
        SubjectProcess process = begin(topology, scenario);
        process.await(READY, START);
        return process;
    }

    /** Starts it, and does not wait until it is ready. */
    SubjectProcess begin(Topology topology, Scenario scenario) throws IOException {
        return begin(name(), topology.director(), scenario.folder(), config(topology, scenario), javaOptions);
    }

    /**
     * Starts one by a configuration, and does not wait until it is ready.
     *
     * @param name of the files that it leaves in the folder
     */
    static SubjectProcess begin(String name, NetworkNamespace namespace, Path folder, String config, String javaOptions)
            throws IOException {
        Path file = folder.resolve(name + ".toml");
        Files.writeString(file, config);
        return SubjectProcess.start(
                name,
                namespace,
                folder.resolve(name + ".log"),
                javaOptions.isEmpty() ? Map.of() : Map.of("SLUICE_JAVA_OPTS", javaOptions),
                List.of(launcher().toString(), "run", "--release", "--config", file.toString()));
    }
}
