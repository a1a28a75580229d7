package dev.sluice.bench.net;

import dev.sluice.packet.AddressFamily;
import dev.sluice.service.Protocol;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
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
            names = "--size",
            defaultValue = "60",
            paramLabel = "BYTES",
            description = "frame size without frame check sequence (${DEFAULT-VALUE})")
    private int size;

    @Option(
            names = "--protocol",
            defaultValue = "udp",
            paramLabel = "NAME",
            description = "udp, or tcp for SYNs (${DEFAULT-VALUE})")
    private String protocol = "";

    @Option(
            names = "--family",
            defaultValue = "4",
            paramLabel = "4|6",
            description = "address family (${DEFAULT-VALUE})")
    private int family;

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
            names = "--generator-cpu",
            defaultValue = "0",
            paramLabel = "CPU",
            description = "the CPU that generates (${DEFAULT-VALUE})")
    private int generatorCpu;

    @Option(
            names = "--subject-cpu",
            defaultValue = "1",
            paramLabel = "CPU",
            description = "the CPU that forwards, whoever does (${DEFAULT-VALUE})")
    private int subjectCpu;

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

    private AddressFamily addressFamily() {
        return switch (family) {
            case 4 -> AddressFamily.INET;
            case 6 -> AddressFamily.INET6;
            default -> throw new IllegalArgumentException("--family must be 4 or 6, not " + family);
        };
    }

    /** What to build. Throws {@link IllegalArgumentException} for values that cannot be. */
    Topology.Shape shape() {
        return new Topology.Shape(arms, queues, addressFamily(), realServers, size);
    }

    /** What to do on it. */
    Scenario scenario(Path folder) {
        int cpus = Runtime.getRuntime().availableProcessors();
        if (generatorCpu == subjectCpu) {
            throw new IllegalArgumentException("--generator-cpu and --subject-cpu must differ; both are " + subjectCpu);
        }
        if (cpus < 2) {
            throw new IllegalArgumentException("two CPUs are needed, generator and subject one each; there is " + cpus);
        }
        if (!List.of("busy", "adaptive").contains(idle)) {
            throw new IllegalArgumentException("--idle must be busy or adaptive, not " + idle);
        }
        return new Scenario(
                protocolNamed(), 80, flows, size, generatorCpu, subjectCpu, receive, idle.equals("busy"), folder);
    }

    private Protocol protocolNamed() {
        return switch (protocol) {
            case "udp" -> Protocol.UDP;
            case "tcp" -> Protocol.TCP;
            default -> throw new IllegalArgumentException("--protocol must be udp or tcp, not " + protocol);
        };
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
        parameters.put("size", Integer.toString(size));
        parameters.put("protocol", protocol);
        parameters.put("family", Integer.toString(family));
        parameters.put("arms", Integer.toString(arms));
        parameters.put("queues", Integer.toString(queues));
        parameters.put("reals", Integer.toString(realServers));
        parameters.put("receive", receive.name().toLowerCase(Locale.ROOT));
        return parameters;
    }

    /** How it is pinned, in a sentence for the report. */
    String pinning() {
        return "The generator is pinned to CPU " + generatorCpu + " and what forwards to CPU " + subjectCpu
                + ", for every subject alike. On a veth the receive softirq runs on the CPU that sends, so with --receive"
                + " generator the XDP program and the copy into the UMEM burden the generator's CPU for all AF_XDP subjects alike,"
                + " while transmitting and the sink burden the subject's. Subjects inside the kernel would run on the"
                + " generator's CPU altogether; a NAPI thread on the subject's CPU does their work instead.";
    }
}
