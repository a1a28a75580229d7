package dev.sluice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.cli.socket.AdminSocketOption;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.config.TomlWriter;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice config} with its command. */
@Command(
        name = "config",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        synopsisSubcommandLabel = "COMMAND",
        header = "Show the configuration that a director runs with.",
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice config dump > /etc/sluice.toml   keep what has been changed by command",
            "",
            "See also: sluice reload, docs/operations.md",
        })
final class ConfigCommand implements Runnable {
    private @Nullable @Spec CommandSpec spec;

    private ConfigCommand() {}

    /** The command with its own. */
    static CommandLine commandLine(@Nullable Path socketOfEnvironment) {
        return new CommandLine(new ConfigCommand()).addSubcommand(new Dump(socketOfEnvironment));
    }

    @Override
    public void run() {
        throw new ParameterException(Objects.requireNonNull(spec).commandLine(), "a command is missing");
    }

    /** {@code sluice config dump}. */
    @Command(
            name = "dump",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            header = "Print what runs as a configuration file.",
            description = {
                "",
                "Every key with the value that it has, defaults included. sluice check accepts it, and sluice reload"
                        + " with it changes nothing. Comments say what has been changed by command since the file was"
                        + " loaded. hash_key is a secret and not shown.",
            },
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {
                "  sluice config dump | diff /etc/sluice.toml -",
                "",
                "Exit codes: 0 done, 1 refused by the director, 2 usage, 5 no answer from a director.",
                "See also: docs/configuration.md for every key",
            })
    private static final class Dump implements Callable<Integer> {
        private @Nullable @Spec CommandSpec spec;

        @Mixin
        private final AdminSocketOption socket;

        @Option(names = "--json", description = "One line of JSON, as the admin socket has it.")
        private boolean json;

        Dump(@Nullable Path socketOfEnvironment) {
            socket = new AdminSocketOption(socketOfEnvironment);
        }

        @Override
        public Integer call() throws AdminException {
            JsonNode config = socket.client().askTree("config");
            PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
            if (json || !(config instanceof ObjectNode tables)) {
                out.println(config);
            } else {
                out.print(TomlWriter.write(tables));
            }
            out.flush();
            return ExitCode.OK.code();
        }
    }
}
