package dev.sluice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.cli.socket.AdminSocketOption;
import dev.sluice.control.admin.AdminException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice reload}. */
@Command(
        name = "reload",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Apply what changed in the configuration to the running director.",
        description = {
            "",
            "The director reads the file it was started with, or FILE, checks all of it, and applies the differences"
                    + " between its services and the file's: connections and counters of what did not change are"
                    + " untouched. Prints a line for each change, those last that undo what was changed by command since"
                    + " the last load. Changes of [director] take effect with the next start; they are named on standard"
                    + " error. A file that is wrong changes nothing. SIGHUP does the same.",
        },
        parameterListHeading = "%nParameters:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice reload --dry-run   what would change?",
            "  sluice reload             change it",
            "",
            "Exit codes: 0 done, 1 refused by the director, 2 usage, 3 the file is wrong, 5 no answer from a director.",
            "See also: sluice check, docs/operations.md",
        })
final class ReloadCommand implements Callable<Integer> {
    private @Nullable @Spec CommandSpec spec;

    @Parameters(
            arity = "0..1",
            paramLabel = "FILE",
            description = "Another configuration than the one the director was started with.")
    private @Nullable Path file;

    @Option(
            names = {"-n", "--dry-run"},
            description = "Print what would change, and change nothing.")
    private boolean dryRun;

    @Mixin
    private final AdminSocketOption socket;

    ReloadCommand(@Nullable Path socketOfEnvironment) {
        socket = new AdminSocketOption(socketOfEnvironment);
    }

    @Override
    public Integer call() throws AdminException {
        Map<String, Object> arguments = new HashMap<>(Map.of("dry_run", dryRun));
        if (file != null) {
            arguments.put("config", file.toAbsolutePath().toString());
        }
        JsonNode outcome = socket.client().askTree("reload", arguments);
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        Set<String> undoes = new LinkedHashSet<>();
        outcome.path("undoes").forEach(line -> undoes.add(line.asText()));
        for (JsonNode line : outcome.path("changes")) {
            if (!undoes.contains(line.asText())) {
                out.println(line.asText());
            }
        }
        if (!undoes.isEmpty()) {
            out.println("undoes changes made by command:");
            undoes.forEach(line -> out.println("  " + line));
        }
        if (outcome.path("changes").isEmpty()) {
            out.println("nothing to change");
        } else if (dryRun) {
            out.println("dry run: nothing was changed");
        }
        out.flush();
        outcome.path("restart").forEach(line -> err.println("sluice: " + line.asText()));
        err.flush();
        return ExitCode.OK.code();
    }
}
