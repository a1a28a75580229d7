package dev.sluice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.cli.socket.AdminSocketOption;
import dev.sluice.control.admin.AdminException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice fwmark} with its commands. */
@Command(
        name = "fwmark",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        synopsisSubcommandLabel = "COMMAND",
        header = "List and change the rules that give packets a firewall mark.",
        description = {
            "",
            "A service of a mark gets the packets to which a rule gives this mark, as iptables -j MARK does for IPVS. Of "
                    + "several rules that match a packet the first counts.",
            "",
            "Changes hold when the command returns, and last until the next sluice reload, which makes the rules those of "
                    + "the configuration.",
        },
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice fwmark list",
            "  sluice fwmark add 1 10.0.0.101 --protocol tcp --ports 80",
            "  sluice fwmark add 1 10.0.0.101 --protocol tcp --ports 443",
            "  sluice fwmark delete 1 10.0.0.101 --protocol tcp --ports 443",
            "",
            "Exit codes: 0 done, 1 refused by the director, 2 usage, 5 no answer from a director.",
            "See also: docs/configuration.md, [[fwmark]]",
        })
final class FwmarkCommand implements Runnable {
    private @Nullable @Spec CommandSpec spec;

    /** The command with its own. */
    static CommandLine commandLine(@Nullable Path socketOfEnvironment) {
        return new CommandLine(new FwmarkCommand())
                .addSubcommand(new ListRules(socketOfEnvironment))
                .addSubcommand(new AddRule(socketOfEnvironment))
                .addSubcommand(new DeleteRule(socketOfEnvironment));
    }

    @Override
    public void run() {
        throw new ParameterException(Objects.requireNonNull(spec).commandLine(), "a command is missing");
    }

    /** What the three have in common. */
    private abstract static class Asking implements Callable<Integer> {
        private @Nullable @Spec CommandSpec spec;

        @Mixin
        private final AdminSocketOption socket;

        private Asking(@Nullable Path socketOfEnvironment) {
            socket = new AdminSocketOption(socketOfEnvironment);
        }

        JsonNode ask(String command, Map<String, ?> arguments) throws AdminException {
            return socket.client().askTree(command, arguments);
        }

        PrintWriter out() {
            return Objects.requireNonNull(spec).commandLine().getOut();
        }
    }

    /** {@code sluice fwmark list}. */
    @Command(
            name = "list",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            header = "Show the rules in the order in which they are asked.",
            optionListHeading = "%nOptions:%n")
    private static final class ListRules extends Asking {
        private static final String ROW = "%-10s %-8s %-24s %-11s %s%n";

        @Option(names = "--json", description = "One line of JSON, as the admin socket has it.")
        private boolean json;

        ListRules(@Nullable Path socketOfEnvironment) {
            super(socketOfEnvironment);
        }

        @Override
        public Integer call() throws AdminException {
            JsonNode rules = ask("services", Map.of()).path("fwmark");
            PrintWriter out = out();
            if (json) {
                out.println(rules);
            } else {
                out.printf(ROW, "Mark", "Protocol", "Destination", "Ports", "Source");
                for (JsonNode rule : rules) {
                    String ports = rule.path("ports").asText();
                    out.printf(
                            Locale.ROOT,
                            ROW,
                            rule.path("mark").asText(),
                            rule.path("protocol").asText("all"),
                            rule.path("destination").asText(),
                            ports.equals("0-65535") ? "all" : ports,
                            rule.path("source").asText("all"));
                }
            }
            out.flush();
            return ExitCode.OK.code();
        }
    }

    /** A rule on the command line. The director judges it. */
    private abstract static class Changing extends Asking {
        private final String command;

        @Parameters(index = "0", paramLabel = "MARK", description = "The mark, 1-4294967295.")
        private long mark;

        @Parameters(index = "1", paramLabel = "DESTINATION", description = "VIPs: an address or a prefix.")
        private String destination = "";

        @Option(
                names = "--protocol",
                paramLabel = "NAME",
                description = "tcp, udp or sctp; all of a service by default.")
        private @Nullable String protocol;

        @Option(
                names = "--ports",
                paramLabel = "PORTS",
                description = "Destination ports, 80 or 8000-8999; all by default.")
        private @Nullable String ports;

        @Option(
                names = "--source",
                paramLabel = "PREFIX",
                description = "CIPs: an address or a prefix of the destination's family; all by default.")
        private @Nullable String source;

        private Changing(@Nullable Path socketOfEnvironment, String command) {
            super(socketOfEnvironment);
            this.command = command;
        }

        @Override
        public Integer call() throws AdminException {
            Map<String, Object> rule = new LinkedHashMap<>();
            rule.put("mark", mark);
            rule.put("destination", destination);
            putIfGiven(rule, "protocol", protocol);
            putIfGiven(rule, "ports", ports);
            putIfGiven(rule, "source", source);
            PrintWriter out = out();
            ask(command, Map.of("rule", rule)).path("changes").forEach(line -> out.println(line.asText()));
            out.flush();
            return ExitCode.OK.code();
        }

        private static void putIfGiven(Map<String, Object> rule, String key, @Nullable String value) {
            if (value != null) {
                rule.put(key, value);
            }
        }
    }

    /** {@code sluice fwmark add}. */
    @Command(
            name = "add",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            header = "Add a rule behind the others.",
            parameterListHeading = "%nParameters:%n",
            optionListHeading = "%nOptions:%n")
    private static final class AddRule extends Changing {
        AddRule(@Nullable Path socketOfEnvironment) {
            super(socketOfEnvironment, "fwmark-add");
        }
    }

    /** {@code sluice fwmark delete}. */
    @Command(
            name = "delete",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            header = "Delete the rule that says exactly this.",
            parameterListHeading = "%nParameters:%n",
            optionListHeading = "%nOptions:%n")
    private static final class DeleteRule extends Changing {
        DeleteRule(@Nullable Path socketOfEnvironment) {
            super(socketOfEnvironment, "fwmark-delete");
        }
    }
}
