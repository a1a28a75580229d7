package dev.sluice.bench.net;

import dev.sluice.service.ForwardingMethod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The director, from the distribution that the build made. */
final class SluiceSubject implements Subject {
    /** What it says when packets are steered to it. */
    static final String READY = "ready: ";

    private static final Duration START = Duration.ofSeconds(30);

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
        return Files.isExecutable(launcher())
                ? Optional.empty()
                : Optional.of(launcher() + " is not there; build it: mvn -DskipTests package");
    }

    private static Path launcher() {
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

    /** The subject's CPU and those behind it, and again from the first where there are no more. */
    private static int cpu(Scenario scenario, int queue) {
        int cpus = Math.max(scenario.subjectCpu() + 1, Runtime.getRuntime().availableProcessors());
        return (scenario.subjectCpu() + queue) % cpus;
    }

    private String config(Topology topology, Scenario scenario) {
        boolean is6 = topology.vip().toString().contains(":");
        StringBuilder text = new StringBuilder("[director]\ninterfaces = [")
                .append(topology.interfaces().stream()
                        .map(name -> "\"" + name + "\"")
                        .collect(Collectors.joining(", ")))
                .append("]\nsocket = \"")
                .append(socket(scenario))
                .append("\"\nhash_key = \"000102030405060708090a0b0c0d0e0f\"\nqueues = ")
                .append(topology.shape().queues())
                .append("\ncpus = [")
                .append(IntStream.range(0, topology.shape().queues())
                        .mapToObj(queue -> Integer.toString(cpu(scenario, queue)))
                        .collect(Collectors.joining(", ")))
                .append("]\nidle = \"")
                .append(scenario.isBusy() ? "busy" : "adaptive")
                .append("\"\n")
                .append(settings)
                .append("\n[[service]]\nprotocol = \"")
                .append(scenario.protocol().name().toLowerCase(Locale.ROOT))
                .append("\"\naddress = \"")
                .append(is6 ? "[" + topology.vip() + "]" : topology.vip().toString())
                .append(':')
                .append(scenario.port())
                .append("\"\nscheduler = \"rr\"\n");
        for (int number = 0; number < topology.shape().realServers(); number++) {
            text.append("  [[service.real]]\n  address = \"")
                    .append(topology.realServer(number))
                    .append("\"\n  method = \"")
                    .append(word())
                    .append("\"\n");
        }
        return text.toString();
    }

    @Override
    public Running start(Topology topology, Scenario scenario) throws IOException {
        SubjectProcess process = begin(topology, scenario);
        process.await(READY, START);
        return process;
    }

    /** Starts it, and does not wait until it is ready. */
    SubjectProcess begin(Topology topology, Scenario scenario) throws IOException {
        Path file = scenario.folder().resolve(name() + ".toml");
        Files.writeString(file, config(topology, scenario));
        return SubjectProcess.start(
                name(),
                topology.director(),
                scenario.folder().resolve(name() + ".log"),
                javaOptions.isEmpty() ? Map.of() : Map.of("SLUICE_JAVA_OPTS", javaOptions),
                List.of(launcher().toString(), "run", "--release", "--config", file.toString()));
    }
}
