package dev.sluice.cli;

import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.config.SluiceConfig;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice check}. */
@Command(
        name = "check",
        mixinStandardHelpOptions = true,
        header = "Check a configuration file without running it.",
        description = {
            "",
            "Reports every problem of the file at once, each as FILE:LINE:COLUMN: what is wrong; what is allowed. "
                    + "Looks at the file only, so it needs no privileges and works on any machine.",
        },
        parameterListHeading = "%nParameters:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice check /etc/sluice.toml && systemctl restart sluice",
            "",
            "Exit codes: 0 the file is right, 2 usage, 3 it is not or cannot be read.",
            "See also: sluice run, docs/configuration.md for every key",
        })
final class CheckCommand implements Callable<Integer> {
    private @Nullable @Spec CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "The configuration, a TOML file.")
    private Path file = Path.of("");

    @Override
    public Integer call() throws Exception {
        SluiceConfig config = ConfigFile.load(file);
        int services = config.services().size();
        int realServers = config.services().stream()
                .mapToInt(service -> service.realServers().size())
                .sum();
        Objects.requireNonNull(spec)
                .commandLine()
                .getOut()
                .println(
                        file + ": ok, " + counted(config.director().interfaces().size(), "interface") + ", "
                                + counted(services, "service") + ", " + counted(realServers, "real server"));
        return ExitCode.OK.code();
    }

    private static String counted(int count, String noun) {
        return count + " " + noun + (count == 1 ? "" : "s");
    }
}
