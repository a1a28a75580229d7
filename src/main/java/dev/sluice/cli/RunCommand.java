package dev.sluice.cli;

import dev.sluice.control.config.DirectorConfig;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice run}. */
@Command(
        name = RunCommand.NAME,
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Run a director in the foreground.",
        description = {
            "",
            "Reads the configuration, checks that the machine can run it, attaches the steering program to the "
                    + "interfaces and directs until SIGTERM or SIGINT. One line on standard error says when it is "
                    + "ready. All that stands in the way of a start is reported at once, before anything is touched.",
            "",
            "Its log goes to standard error: where that is the journal, in the journal's own form.",
            "",
            "SIGHUP has it read the file again and apply what changed, as sluice reload does.",
            "",
            "Needs root, or CAP_NET_ADMIN CAP_NET_RAW CAP_BPF (before Linux 6.8 CAP_PERFMON too) and a memlock limit"
                    + " (or CAP_IPC_LOCK) for the UMEM.",
            "",
            "Under a service manager (NOTIFY_SOCKET, WATCHDOG_USEC) it tells when traffic is steered and that it is alive, "
                    + "as sd_notify(3) has it.",
        },
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice run --config /etc/sluice.toml",
            "  SLUICE_SOCKET=/run/sluice/b.sock sluice run --config b.toml   a second director",
            "",
            "Environment: SLUICE_SOCKET, SLUICE_LOG_LEVEL, SLUICE_LOG_FORMAT, SLUICE_DEBUG=1 (stack traces in the log).",
            "Exit codes: 0 stopped, 1 failed, 2 usage, 3 configuration, 4 refused by the machine.",
            "See also: sluice check, sluice release, docs/configuration.md, docs/operations.md",
        })
final class RunCommand implements Callable<Integer> {
    /** The command. */
    static final String NAME = "run";

    private final DirectorLauncher director;
    private final Map<String, String> environment;

    private @Nullable @Spec CommandSpec spec;

    @Option(
            names = {"-c", "--config"},
            required = true,
            paramLabel = "FILE",
            description = "The configuration, a TOML file.")
    private Path config = Path.of("");

    @Option(
            names = "--socket",
            paramLabel = "PATH",
            description = "The admin socket. Goes before SLUICE_SOCKET, and that before the configuration's.")
    private @Nullable Path socket;

    @Option(
            names = "--release",
            description =
                    "When stopped by SIGTERM or SIGINT, take the XDP program off the interfaces: the kernel has the "
                            + "traffic from then on. Without, it stays and keeps packets for services from the kernel until the "
                            + "next director takes over.")
    private boolean release;

    @Option(
            names = "--log-level",
            paramLabel = "LEVEL",
            description = "error, warning, info, debug or trace. Goes before SLUICE_LOG_LEVEL, and that before the "
                    + "configuration's.")
    private @Nullable String logLevel;

    @Option(
            names = "--log-format",
            paramLabel = "FORMAT",
            description =
                    "auto, text, json or journal. Goes before SLUICE_LOG_FORMAT, and that before the configuration's.")
    private @Nullable String logFormat;

    RunCommand(DirectorLauncher director, Map<String, String> environment) {
        this.director = director;
        this.environment = environment;
    }

    @Override
    public Integer call() throws Exception {
        RunArguments arguments;
        try {
            arguments = arguments();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(Objects.requireNonNull(spec).commandLine(), String.valueOf(e.getMessage()), e);
        }
        if (!arguments.socketFits()) {
            throw new ParameterException(
                    Objects.requireNonNull(spec).commandLine(),
                    "socket path " + Objects.requireNonNull(arguments.socket()).toAbsolutePath()
                            + " is too long; allowed: 1-" + DirectorConfig.MAX_SOCKET_PATH_BYTES + " bytes");
        }
        return DirectorStart.start(arguments, director);
    }

    /** What was asked for, as the parser left it. */
    RunArguments arguments() {
        return new RunArguments(
                config,
                socket == null ? RunArguments.socketOf(environment).orElse(null) : socket,
                release,
                LogArguments.of(logLevel, logFormat, environment));
    }
}
