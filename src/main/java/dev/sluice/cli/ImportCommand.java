package dev.sluice.cli;

import dev.sluice.control.config.ConfigException;
import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.config.ConfigProblem;
import dev.sluice.control.keepalived.KeepalivedImport;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice import}. */
@Command(
        name = "import",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Turn keepalived's configuration into one of Sluice.",
        description = {
            "",
            "Reads virtual servers with their groups, real servers and checkers from FILE and what it includes, and"
                    + " prints a configuration. Whatever cannot be carried over is named on standard error with its file"
                    + " and line, and stands as a comment at its place; nothing is dropped silently. Looks at the files"
                    + " only.",
        },
        parameterListHeading = "%nParameters:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice import --interfaces eth1 /etc/keepalived/keepalived.conf > sluice.toml",
            "",
            "Exit codes: 0 all of it was carried over, 7 not all of it was, 2 usage, 3 FILE cannot be read.",
            "See also: docs/keepalived.md (what becomes of what), sluice check",
        })
final class ImportCommand implements Callable<Integer> {
    private @Nullable @Spec CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "keepalived.conf")
    private Path file = Path.of("");

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Write the configuration there. Default: standard output.")
    private @Nullable Path output;

    @Option(
            names = "--interfaces",
            paramLabel = "NAME",
            split = ",",
            description = "The director's interfaces. Default: those of vrrp_instance blocks, to be looked over.")
    private List<String> interfaces = List.of();

    @Override
    public Integer call() throws IOException {
        CommandSpec own = Objects.requireNonNull(spec);
        PrintWriter err = own.commandLine().getErr();
        KeepalivedImport.Result result;
        try {
            result = KeepalivedImport.read(file, interfaces);
        } catch (IOException e) {
            err.println("sluice: " + file + ": cannot be read: " + reason(e));
            err.flush();
            return ExitCode.CONFIG.code();
        }
        List<String> notes = new ArrayList<>(result.notes());
        try {
            var _ = ConfigFile.parse(output == null ? "the result" : output.toString(), result.toml());
        } catch (ConfigException e) {
            e.problems().stream().map(ConfigProblem::toString).forEach(notes::add);
        }
        if (output == null) {
            own.commandLine().getOut().print(result.toml());
            own.commandLine().getOut().flush();
        } else {
            Files.writeString(output, result.toml(), StandardCharsets.UTF_8);
        }
        notes.forEach(note -> err.println("sluice: " + note));
        err.flush();
        return (notes.isEmpty() ? ExitCode.OK : ExitCode.PARTIAL).code();
    }

    private String reason(IOException e) {
        return switch (e) {
            case NoSuchFileException none -> "no such file";
            case AccessDeniedException denied -> "permission denied";
            default -> Files.isDirectory(file) ? "is a directory" : String.valueOf(e.getMessage());
        };
    }
}
