package dev.sluice.cli;

import dev.sluice.cli.ipvsadm.Ipvsadm;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code sluice}. */
@Command(
        name = "sluice",
        mixinStandardHelpOptions = true,
        versionProvider = VersionCommand.Provider.class,
        sortOptions = false,
        synopsisSubcommandLabel = "COMMAND",
        header = "An LVS-style layer-4 director in userspace, on AF_XDP.",
        description = {
            "",
            "Packets for a virtual service (VIP, protocol, port) are taken from the driver, given to one of the "
                    + "service's real servers and sent on; everything else reaches the kernel as before.",
        },
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice check /etc/sluice.toml          is the file right?",
            "  sluice run --config /etc/sluice.toml   direct, until SIGTERM or Ctrl-C",
            "  sluice reload                          apply what changed in the file",
            "  sluice stats                           what became of every packet",
            "  sluice health                          which real servers are up",
            "  . <(sluice completion)                 completion for this bash",
            "",
            "Environment:",
            "  SLUICE_SOCKET      admin socket, in place of the configuration's",
            "  SLUICE_JAVA        the java to run on, 25 or newer",
            "  SLUICE_JAVA_OPTS   more options for that java",
            "  SLUICE_DEBUG=1     stack traces with errors",
            "",
            "See also: sluice help COMMAND; docs/configuration.md; ipvsadm(8), ethtool(8)",
        })
public final class Main implements Runnable {
    private @Nullable @Spec CommandSpec spec;

    private Main() {}

    /** Runs one command and ends the JVM with its exit code. */
    public static void main(String[] args) {
        if (args.length > 0 && args[0].equals(IpvsadmCommand.NAME)) {
            Ipvsadm.main(Arrays.copyOfRange(args, 1, args.length));
        }
        System.exit(commandLine(new ForegroundDirector(VersionCommand.ownVersion()), System.getenv())
                .execute(args));
    }

    /**
     * The whole command line, ready to {@code execute}.
     *
     * @param director what {@code sluice run} runs
     * @param environment the environment variables
     */
    public static CommandLine commandLine(DirectorLauncher director, Map<String, String> environment) {
        ErrorOutput errors = new ErrorOutput("1".equals(environment.get("SLUICE_DEBUG")));
        @Nullable String socket = environment.get("SLUICE_SOCKET");
        @Nullable Path socketOfEnvironment = socket == null || socket.isEmpty() ? null : Path.of(socket);
        CommandLine command = new CommandLine(new Main())
                .addSubcommand(new RunCommand(director, socketOfEnvironment))
                .addSubcommand(new ReleaseCommand())
                .addSubcommand(new CheckCommand())
                .addSubcommand(new ReloadCommand(socketOfEnvironment))
                .addSubcommand(ConfigCommand.commandLine(socketOfEnvironment))
                .addSubcommand(new ImportCommand())
                .addSubcommand(FwmarkCommand.commandLine(socketOfEnvironment))
                .addSubcommand(RealServerCommand.commandLine())
                .addSubcommand(IpvsadmCommand.commandLine(environment))
                .addSubcommand(new StatsCommand(socketOfEnvironment))
                .addSubcommand(new HealthCommand(socketOfEnvironment))
                .addSubcommand(new VersionCommand())
                .addSubcommand(new CompletionCommand())
                .addSubcommand(new HelpCommand())
                .setExecutionExceptionHandler((failure, at, parsed) -> errors.failed(failure, at))
                .setParameterExceptionHandler((failure, args) -> errors.misused(failure))
                .setUsageHelpWidth(100)
                .setCaseInsensitiveEnumValuesAllowed(false);
        Map<String, String> codes = new LinkedHashMap<>();
        Arrays.stream(ExitCode.values()).forEach(code -> codes.put(Integer.toString(code.code()), code.meaning()));
        command.getCommandSpec()
                .usageMessage()
                .exitCodeListHeading("%nExit codes:%n")
                .exitCodeList(codes);
        return command;
    }

    @Override
    public void run() {
        CommandSpec own = Objects.requireNonNull(spec);
        throw new ParameterException(own.commandLine(), "a command is missing");
    }
}
