package dev.sluice.cli;

import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.control.realserver.RealServerRequest;
import dev.sluice.control.realserver.RealServerRequest.Decapsulation;
import dev.sluice.control.realserver.RealServerSetup;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.TunnelType;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code sluice real-server} with its commands. */
@Command(
        name = "real-server",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        synopsisSubcommandLabel = "COMMAND",
        header = "Make this host a real server, and undo it.",
        description = {
            "",
            "Does what guides to LVS tell to do by hand: the VIP on lo or on a tunnel device, no ARP for it, reverse path "
                    + "filter, tunnel devices and their modules. Where the kernel has no tunnel devices, an XDP program takes "
                    + "the outer headers off.",
            "",
            "What was there before is kept under /run/sluice, for undo. Nothing outlasts a restart of the machine.",
        },
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice real-server setup --vip 10.0.0.100 --method dr --interface eth1 --dry-run",
            "  sluice real-server setup --vip 10.0.0.100 --vip 2001:db8::100 --method tun --interface eth1",
            "  sluice real-server setup --vip 10.0.0.100 --method tun --tun-type gue --tun-port 6080 --interface eth1",
            "  sluice real-server show",
            "  sluice real-server undo --interface eth1",
            "",
            "Exit codes: 0 done, 1 show: the host no longer agrees, 2 usage, 4 refused by the machine.",
            "See also: docs/real-server.md",
        })
final class RealServerCommand implements Runnable {
    private @Nullable @Spec CommandSpec spec;

    private RealServerCommand() {}

    /** The command with its own. */
    static CommandLine commandLine() {
        return new CommandLine(new RealServerCommand())
                .addSubcommand(new Setup())
                .addSubcommand(new Show())
                .addSubcommand(new Undo());
    }

    @Override
    public void run() {
        throw new ParameterException(Objects.requireNonNull(spec).commandLine(), "a command is missing");
    }

    /** An address, without asking a resolver. */
    static final class AddressConverter implements ITypeConverter<IpAddress> {
        @Override
        public IpAddress convert(String text) {
            try {
                return IpAddress.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(String.valueOf(e.getMessage()));
            }
        }
    }

    /** An enum by its words in small letters. */
    private abstract static class Words<E extends Enum<E>> implements ITypeConverter<E> {
        private final Set<E> values;

        private Words(Set<E> values) {
            this.values = values;
        }

        @Override
        public E convert(String text) {
            for (E value : values) {
                if (value.name().toLowerCase(Locale.ROOT).equals(text)) {
                    return value;
                }
            }
            String allowed = values.stream()
                    .map(value -> value.name().toLowerCase(Locale.ROOT))
                    .collect(Collectors.joining(", "));
            throw new TypeConversionException("\"" + text + "\" is none of " + allowed);
        }
    }

    /** Those that ask something of the real server: with NAT it is a host like others. */
    static final class MethodConverter extends Words<ForwardingMethod> {
        MethodConverter() {
            super(EnumSet.of(ForwardingMethod.DR, ForwardingMethod.TUN));
        }
    }

    static final class TunnelTypeConverter extends Words<TunnelType> {
        TunnelTypeConverter() {
            super(EnumSet.allOf(TunnelType.class));
        }
    }

    static final class DecapsulationConverter extends Words<Decapsulation> {
        DecapsulationConverter() {
            super(EnumSet.allOf(Decapsulation.class));
        }
    }

    /** What {@code setup} and {@code undo} have in common. */
    private abstract static class Changing implements Callable<Integer> {
        private @Nullable @Spec CommandSpec spec;

        @Option(
                names = "--vip",
                paramLabel = "VIP",
                converter = AddressConverter.class,
                description = "A virtual service's address; may be given several times.")
        private List<IpAddress> vips = List.of();

        @Option(
                names = "--method",
                paramLabel = "METHOD",
                converter = MethodConverter.class,
                description = "How the director forwards: dr or tun.")
        private @Nullable ForwardingMethod method;

        @Option(
                names = "--tun-type",
                paramLabel = "TYPE",
                converter = TunnelTypeConverter.class,
                description = "With tun: ipip (the default), gue or gre.")
        private @Nullable TunnelType tunnelType;

        @Option(
                names = "--tun-port",
                paramLabel = "PORT",
                description = "With gue: the UDP port, " + RealServerRequest.DEFAULT_GUE_PORT + " by default.")
        private @Nullable Integer tunnelPort;

        @Option(
                names = "--decapsulation",
                paramLabel = "BY",
                converter = DecapsulationConverter.class,
                description =
                        "With tun: device (the kernel's tunnel devices), xdp (a program on the interface), or auto: "
                                + "device where the kernel has them. Default auto.")
        private @Nullable Decapsulation decapsulation;

        @Option(
                names = {"-i", "--interface"},
                paramLabel = "IF",
                required = true,
                description = "The interface at which the director's packets arrive.")
        private String interfaceName = "";

        @Option(names = "--dry-run", description = "Say what would be changed, and change nothing.")
        private boolean dryRun;

        boolean isDryRun() {
            return dryRun;
        }

        String interfaceName() {
            return interfaceName;
        }

        PrintWriter out() {
            return Objects.requireNonNull(spec).commandLine().getOut();
        }

        boolean saysWhatFor() {
            return method != null || !vips.isEmpty() || tunnelType != null || tunnelPort != null;
        }

        RealServerRequest request() {
            ForwardingMethod wanted = method;
            if (wanted == null) {
                throw misuse("Missing required option: '--method=METHOD'");
            }
            if (vips.isEmpty()) {
                throw misuse("Missing required option: '--vip=VIP'");
            }
            boolean tun = wanted == ForwardingMethod.TUN;
            if (!tun && (tunnelType != null || decapsulation != null)) {
                throw misuse((tunnelType != null ? "--tun-type" : "--decapsulation") + " is for --method tun; with dr"
                        + " packets arrive as they are");
            }
            TunnelType type = tun ? Objects.requireNonNullElse(tunnelType, TunnelType.IPIP) : null;
            if (tunnelPort != null && type != TunnelType.GUE) {
                throw misuse("--tun-port is for --tun-type gue");
            }
            int port = type != TunnelType.GUE
                    ? 0
                    : Objects.requireNonNullElse(tunnelPort, RealServerRequest.DEFAULT_GUE_PORT);
            if (type == TunnelType.GUE && (port < 1 || port > 65535)) {
                throw misuse("--tun-port " + port + " is no UDP port; allowed: 1-65535");
            }
            return new RealServerRequest(
                    interfaceName,
                    vips,
                    wanted,
                    type,
                    port,
                    Objects.requireNonNullElse(decapsulation, Decapsulation.AUTO));
        }

        private ParameterException misuse(String problem) {
            return new ParameterException(Objects.requireNonNull(spec).commandLine(), problem);
        }

        int report(List<String> lines, String nothing) {
            PrintWriter out = out();
            lines.forEach(out::println);
            if (lines.isEmpty()) {
                out.println(nothing);
            } else if (dryRun) {
                out.println("dry run: nothing has been changed");
            }
            out.flush();
            return ExitCode.OK.code();
        }
    }

    /** {@code sluice real-server setup}. */
    @Command(
            name = "setup",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            header = "Make this host a real server for VIPs.",
            description = {
                "",
                "Says what it changes. An error on the way changes everything back. Done already, it changes nothing.",
            },
            optionListHeading = "%nOptions:%n")
    private static final class Setup extends Changing {
        @Override
        public Integer call() throws EnvironmentException {
            RealServerRequest request = request();
            List<String> lines = new RealServerSetup(RealServerSetup.DEFAULT_FOLDER).setup(request, isDryRun());
            return report(lines, interfaceName() + ": is set up so, nothing to change");
        }
    }

    /** {@code sluice real-server undo}. */
    @Command(
            name = "undo",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            header = "Take back what setup has changed.",
            description = {
                "",
                "Everything has its value from before, unless somebody else has changed it since. The options of setup may be "
                        + "repeated, and are compared then.",
            },
            optionListHeading = "%nOptions:%n")
    private static final class Undo extends Changing {
        @Override
        public Integer call() throws EnvironmentException {
            RealServerRequest request = saysWhatFor() ? request() : null;
            List<String> lines =
                    new RealServerSetup(RealServerSetup.DEFAULT_FOLDER).undo(interfaceName(), request, isDryRun());
            return report(lines, interfaceName() + ": nothing to undo");
        }
    }

    /** {@code sluice real-server show}. */
    @Command(
            name = "show",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            header = "Show what is set up, and whether the host still agrees with it.",
            optionListHeading = "%nOptions:%n")
    private static final class Show implements Callable<Integer> {
        private @Nullable @Spec CommandSpec spec;

        @Option(
                names = {"-i", "--interface"},
                paramLabel = "IF",
                description = "This one; by default all of the network namespace.")
        private @Nullable String interfaceName;

        @Override
        public Integer call() throws EnvironmentException {
            List<RealServerSetup.Status> all = new RealServerSetup(RealServerSetup.DEFAULT_FOLDER).show(interfaceName);
            List<String> lines = new ArrayList<>();
            boolean agrees = true;
            for (RealServerSetup.Status status : all) {
                agrees &= status.agrees();
                lines.add(status.request().interfaceName() + ": " + status.request());
                status.lines().forEach(line -> lines.add("  " + line));
            }
            PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
            lines.forEach(out::println);
            if (lines.isEmpty()) {
                out.println(interfaceName == null ? "nothing is set up" : interfaceName + ": nothing is set up");
            }
            out.flush();
            return agrees ? ExitCode.OK.code() : ExitCode.FAILURE.code();
        }
    }
}
