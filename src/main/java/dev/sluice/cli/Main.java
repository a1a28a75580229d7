package dev.sluice.cli;

import dev.sluice.cli.flows.FlowsCommand;
import dev.sluice.cli.observe.CaptureCommand;
import dev.sluice.cli.observe.TraceCommand;
import dev.sluice.cli.top.TopCommand;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

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
            "  sluice trace --client 192.0.2.7 --vip 10.0.0.100:443   one packet's way",
            "  sluice capture -w - | tshark -i -      packets, live",
            "  sluice doctor                          why traffic does not flow",
            "  sluice top                             what happens right now",
            "  sluice flows --client 10.0.0.0/8       which connections there are",
            "  . <(sluice completion)                 completion for this bash",
            "",
            "Environment:",
            "  SLUICE_SOCKET      admin socket, in place of the configuration's",
            "  SLUICE_LOG_LEVEL   how much a director logs, in place of the configuration's",
            "  SLUICE_LOG_FORMAT  and how: auto, text, json, journal",
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
        System.exit(commandLine(new ForegroundDirector(EntryPoint.ownVersion()), System.getenv())
                .execute(args));
    }

    /**
     * The whole command line, ready to {@code execute}.
     *
     * @param director what {@code sluice run} runs
     * @param environment the environment variables
     */
    public static CommandLine commandLine(DirectorLauncher director, Map<String, String> environment) {
        ErrorOutput errors = ErrorOutput.of(environment);
        @Nullable Path socketOfEnvironment = RunArguments.socketOf(environment).orElse(null);
        CommandLine command = new CommandLine(new Main())
                .addSubcommand(new RunCommand(director, environment))
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
                .addSubcommand(new TraceCommand(socketOfEnvironment))
                .addSubcommand(new CaptureCommand(socketOfEnvironment))
                .addSubcommand(new DoctorCommand(socketOfEnvironment))
                .addSubcommand(new FlowsCommand(socketOfEnvironment))
                .addSubcommand(new TopCommand(socketOfEnvironment, environment))
                .addSubcommand(new VersionCommand())
                .addSubcommand(new CompletionCommand())
                .addSubcommand(new ManPagesCommand())
                .addSubcommand(new HelpCommand())
                .setExecutionExceptionHandler((failure, at, parsed) -> errors.failed(failure, at.getErr()))
                .setParameterExceptionHandler(Main::misused)
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

    /** A command line that cannot be understood. */
    private static int misused(ParameterException failure, String[] arguments) {
        PrintWriter err = failure.getCommandLine().getErr();
        ErrorOutput.print(err, List.of(ErrorOutput.oneLine(failure)));
        UnmatchedArgumentException.printSuggestions(failure, err);
        err.println("Try: " + failure.getCommandLine().getCommandSpec().qualifiedName() + " --help");
        err.flush();
        return ExitCode.USAGE.code();
    }

    @Override
    public void run() {
        CommandSpec own = Objects.requireNonNull(spec);
        throw new ParameterException(own.commandLine(), "a command is missing");
    }
}
