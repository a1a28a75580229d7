package dev.sluice.bench.net;

import dev.sluice.bench.LiveFramesMain;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.testing.NetworkNamespace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;

/** Options of {@code line-rate} for the director: where it stands and what it serves. */
final class LineDirectorOptions {
    @Option(
            names = "--interface",
            required = true,
            paramLabel = "IF",
            description = "the director's interface, that requests come in on")
    private String interfaceName = "";

    @Option(
            names = "--egress",
            paramLabel = "IF",
            description = "the interface towards real servers, where it is another one")
    private String egress = "";

    @Option(
            names = "--netns",
            paramLabel = "NAME",
            description = "network namespace of the director and its interfaces, where it has one")
    private String netns = "";

    @Option(
            names = "--vip",
            split = ",",
            defaultValue = "198.18.0.100",
            paramLabel = "ADDRESS",
            converter = LiveFramesMain.Address.class,
            description = "virtual address, of each family one at most (${DEFAULT-VALUE})")
    private List<IpAddress> vips = List.of();

    @Option(
            names = "--port",
            defaultValue = "80",
            paramLabel = "PORT",
            description = "port of the virtual services (${DEFAULT-VALUE})")
    private int port;

    @Option(
            names = "--protocols",
            split = ",",
            defaultValue = "UDP",
            paramLabel = "NAME",
            description = "udp, tcp, or both with a comma between; what we generate of tcp is SYNs (${DEFAULT-VALUE})")
    private List<Protocol> protocols = List.of();

    @Option(
            names = "--method",
            defaultValue = "DR",
            paramLabel = "METHOD",
            description = "forwarding method: dr or tun (${DEFAULT-VALUE})")
    private ForwardingMethod method = ForwardingMethod.DR;

    @Option(
            names = "--real",
            split = ",",
            paramLabel = "ADDRESS[=MAC]",
            description =
                    "real servers. With a MAC address its route and neighbour entry on the egress interface are added for"
                            + " the run; without one the kernel knows the way (198.18.128.1 with the MAC address of"
                            + " --generator-interface, so that packets come back there)")
    private List<String> realServers = List.of();

    @Option(
            names = "--queues",
            defaultValue = "auto",
            paramLabel = "N|auto",
            description = "receive queues to serve, each with a worker (${DEFAULT-VALUE})")
    private String queues = "";

    @Option(
            names = "--cpus",
            defaultValue = "auto",
            paramLabel = "LIST|auto",
            description = "a CPU for each worker, with commas between (${DEFAULT-VALUE})")
    private String cpus = "";

    @Option(
            names = "--idle",
            defaultValue = "busy",
            paramLabel = "STRATEGY",
            description = "idle strategy: busy or adaptive (${DEFAULT-VALUE})")
    private String idle = "";

    @Option(
            names = "--xdp-mode",
            defaultValue = "auto",
            paramLabel = "MODE",
            description = "auto, native or generic (${DEFAULT-VALUE})")
    private String xdpMode = "";

    @Option(
            names = "--bind-mode",
            defaultValue = "auto",
            paramLabel = "MODE",
            description = "auto, zerocopy or copy (${DEFAULT-VALUE})")
    private String bindMode = "";

    @Option(
            names = "--setting",
            paramLabel = "KEY=VALUE",
            description = "a further line of the configuration's [director], as rx_ring=4096; may be given again")
    private List<String> settings = List.of();

    @Option(
            names = "--java-options",
            defaultValue = "",
            paramLabel = "OPTIONS",
            description = "JVM options, as SLUICE_JAVA_OPTS")
    private String javaOptions = "";

    NetworkNamespace namespace() {
        return netns.isEmpty() ? NetworkNamespace.here() : NetworkNamespace.existing(netns);
    }

    String ingress() {
        return interfaceName;
    }

    String egress() {
        return egress.isEmpty() ? interfaceName : egress;
    }

    List<String> interfaces() {
        return egress.isEmpty() || egress.equals(interfaceName)
                ? List.of(interfaceName)
                : List.of(interfaceName, egress);
    }

    List<IpAddress> vips() {
        return vips;
    }

    int port() {
        return port;
    }

    List<Protocol> protocols() {
        return protocols;
    }

    String name() {
        return "sluice-" + method.keyword();
    }

    ForwardingMethod method() {
        return method;
    }

    /**
     * The real servers asked for, or one for each family that is where the generator is.
     *
     * @param stationOfGenerator 48 bits; -1 without such
     */
    List<LineSetup.Real> realServers(long stationOfGenerator) {
        if (!realServers.isEmpty()) {
            return realServers.stream().map(LineSetup.Real::parse).toList();
        }
        if (stationOfGenerator < 0) {
            throw new IllegalArgumentException(
                    "without --generator-interface there must be a --real: ADDRESS, or ADDRESS=MAC");
        }
        List<LineSetup.Real> standard = new ArrayList<>();
        for (IpAddress vip : vips) {
            String address = vip.family() == AddressFamily.INET ? "198.18.128.1" : "2001:2:0:8000::1";
            standard.add(new LineSetup.Real(IpAddress.parse(address), stationOfGenerator));
        }
        return standard;
    }

    /** The configuration; the director itself says what of it cannot be. */
    String config(Path socket, List<LineSetup.Real> reals) {
        StringBuilder director = new StringBuilder("socket = \"")
                .append(socket)
                .append("\"\nqueues = ")
                .append(queues.matches("[0-9]+") ? queues : quoted(queues))
                .append("\ncpus = ")
                .append(cpus.matches("[0-9,]+") ? "[" + cpus + "]" : quoted(cpus))
                .append("\nidle = ")
                .append(quoted(idle))
                .append("\nxdp_mode = ")
                .append(quoted(xdpMode))
                .append("\nbind_mode = ")
                .append(quoted(bindMode))
                .append('\n');
        settings.forEach(
                setting -> director.append(setting.replaceFirst("=", " = ")).append('\n'));
        return new DirectorConfig(
                        interfaces(),
                        director.toString(),
                        vips,
                        protocols,
                        port,
                        method,
                        reals.stream().map(LineSetup.Real::address).toList())
                .text();
    }

    private static String quoted(String value) {
        return "\"" + value.toLowerCase(Locale.ROOT).replace("\"", "\\\"") + "\"";
    }

    String javaOptions() {
        return javaOptions;
    }
}
