package dev.sluice.bench.net;

import dev.sluice.bench.FlowChoice;
import dev.sluice.bench.FrameSizes;
import dev.sluice.bench.LiveFramesMain;
import dev.sluice.packet.AddressFamily;
import dev.sluice.service.Protocol;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;

/** Options that all end-to-end benchmarks share. */
final class NetworkOptions {
    @Option(
            names = "--flows",
            defaultValue = "1024",
            paramLabel = "N",
            description = "flows that the generator takes in turn (${DEFAULT-VALUE})")
    private int flows;

    @Option(
            names = "--zipf",
            defaultValue = "0",
            paramLabel = "S",
            description = "choose flows by Zipf's law with this exponent, 0 for in turn (${DEFAULT-VALUE})")
    private double zipf;

    @Option(
            names = {"--sizes", "--size"},
            defaultValue = "60",
            paramLabel = "BYTES",
            converter = LiveFramesMain.Sizes.class,
            description =
                    "frame sizes without the 4 octets of frame check sequence: a number; imix for 60:7,590:4,1514:1; or"
                            + " the like (${DEFAULT-VALUE})")
    private FrameSizes sizes = FrameSizes.of(60);

    @Option(
            names = {"--protocols", "--protocol"},
            split = ",",
            defaultValue = "udp",
            paramLabel = "NAME",
            description = "udp, tcp for SYNs, or both with a comma between (${DEFAULT-VALUE})")
    private List<String> protocols = List.of();

    @Option(
            names = "--family",
            split = ",",
            defaultValue = "4",
            paramLabel = "4|6",
            description = "address family, or both with a comma between (${DEFAULT-VALUE})")
    private List<Integer> families = List.of();

    @Option(
            names = "--arms",
            defaultValue = "1",
            paramLabel = "1|2",
            description = "1: back out of the same interface, 2: out of another one (${DEFAULT-VALUE})")
    private int arms;

    @Option(
            names = "--queues",
            defaultValue = "1",
            paramLabel = "N",
            description = "queues of every interface (${DEFAULT-VALUE})")
    private int queues;

    @Option(
            names = "--real-servers",
            defaultValue = "2",
            paramLabel = "N",
            description = "real servers of the service (${DEFAULT-VALUE})")
    private int realServers;

    @Option(
            names = "--generator",
            defaultValue = "OURS",
            paramLabel = "NAME",
            description = "what sends: ours (XDP live frames), trafgen or pktgen (${DEFAULT-VALUE})")
    private GeneratorKind generator = GeneratorKind.OURS;

    @Option(
            names = {"--generator-cpus", "--generator-cpu"},
            split = ",",
            paramLabel = "CPU",
            description =
                    "the CPU that generates; with several queues one for each, for a veth puts what a CPU sends into the"
                            + " queue of that number modulo the queues (0 and those that follow)")
    private List<Integer> generatorCpus = List.of();

    @Option(
            names = {"--subject-cpus", "--subject-cpu"},
            split = ",",
            paramLabel = "CPU",
            description = "the CPU that forwards, whoever does; with several queues one for each (those that follow the"
                    + " generator's)")
    private List<Integer> subjectCpus = List.of();

    @Option(
            names = "--receive",
            defaultValue = "GENERATOR",
            paramLabel = "WHO",
            description =
                    "whose CPU runs the receive softirq of the subject's interface, with XDP program and copy: generator"
                            + " (as a veth does it), or subject (a NAPI thread pinned there). Subjects inside the kernel, which have no"
                            + " other CPU, always have that thread. (${DEFAULT-VALUE})")
    private Scenario.Receive receive = Scenario.Receive.GENERATOR;

    @Option(
            names = "--idle",
            defaultValue = "busy",
            paramLabel = "STRATEGY",
            description = "the director's idle strategy, busy or adaptive; the other subjects spin (${DEFAULT-VALUE})")
    private String idle = "";

    private List<AddressFamily> addressFamilies() {
        return families.stream()
                .map(family -> switch (family) {
                    case 4 -> AddressFamily.INET;
                    case 6 -> AddressFamily.INET6;
                    default -> throw new IllegalArgumentException("--family must be 4 or 6, not " + family);
                })
                .toList();
    }

    /** What to build. Throws {@link IllegalArgumentException} for values that cannot be. */
    Topology.Shape shape() {
        return new Topology.Shape(arms, queues, addressFamilies(), realServers, sizes.longest());
    }

    /** What to do on it. */
    Scenario scenario(Path folder) {
        generator.missing().ifPresent(missing -> {
            throw new IllegalArgumentException("--generator " + name(generator) + ": " + missing);
        });
        if (generator == GeneratorKind.PKTGEN && queues > 1) {
            throw new IllegalArgumentException(
                    "--generator pktgen fills one queue; use --queues 1, or ours or trafgen");
        }
        if (!List.of("busy", "adaptive").contains(idle)) {
            throw new IllegalArgumentException("--idle must be busy or adaptive, not " + idle);
        }
        Pinning pinning = pinned();
        return new Scenario(
                protocols.stream().map(NetworkOptions::protocolNamed).toList(),
                80,
                flows,
                sizes,
                generator,
                pinning.generator(),
                pinning.subject(),
                receive,
                idle.equals("busy"),
                folder);
    }

    private Pinning pinned() {
        // What trafgen sends is spread over the queues by the kernel.
        int streams = generator == GeneratorKind.OURS ? queues : 1;
        return Pinning.of(queues, streams, generatorCpus, subjectCpus, Pinning.online());
    }

    private static Protocol protocolNamed(String protocol) {
        return switch (protocol) {
            case "udp" -> Protocol.UDP;
            case "tcp" -> Protocol.TCP;
            default -> throw new IllegalArgumentException("--protocols must be udp, tcp or both, not " + protocol);
        };
    }

    private static String name(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    /** Has the generator choose flows as asked for. */
    void choose(Flood flood) {
        if (zipf > 0) {
            flood.choose(FlowChoice.zipf(flows, zipf, 1 << 20, 1));
        }
    }

    /** As measurements carry them. */
    Map<String, String> parameters() {
        Map<String, String> parameters = new TreeMap<>();
        parameters.put("flows", Integer.toString(flows));
        parameters.put("keys", zipf > 0 ? String.format(Locale.ROOT, "zipf %.2f", zipf) : "in turn");
        parameters.put("size", sizes.toString());
        parameters.put("protocol", String.join("+", protocols));
        parameters.put("family", families.stream().map(String::valueOf).collect(Collectors.joining("+")));
        parameters.put("generator", name(generator));
        parameters.put("arms", Integer.toString(arms));
        parameters.put("queues", Integer.toString(queues));
        parameters.put("reals", Integer.toString(realServers));
        parameters.put("receive", name(receive));
        return parameters;
    }

    /** How it is pinned, in a sentence for the report. */
    String pinning() {
        Pinning pinning = pinned();
        return "The generator (" + name(generator) + ") is pinned to CPU " + Pinning.text(pinning.generator())
                + " and what forwards to CPU " + Pinning.text(pinning.subject())
                + ", for every subject alike. On a veth the receive softirq runs on the CPU that sends, so with --receive"
                + " generator the XDP program and the copy into the UMEM burden the generator's CPU for all AF_XDP subjects alike,"
                + " while transmitting and the sink burden the subject's. Subjects inside the kernel would run on the"
                + " generator's CPU altogether; a NAPI thread on the subject's CPU does their work instead."
                + (pinning.isShared()
                        ? " There are fewer CPUs than streams and queues, so they share some: the figures say that it works,"
                                + " not how fast it is."
                        : "");
    }
}
