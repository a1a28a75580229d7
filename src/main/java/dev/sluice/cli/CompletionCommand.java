package dev.sluice.cli;

import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice completion}. */
@Command(
        name = "completion",
        mixinStandardHelpOptions = true,
        header = "Print a completion script for bash and zsh.",
        description = {"", "The script completes commands, options and file names."},
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  . <(sluice completion)                                          this shell",
            "  sluice completion > /etc/bash_completion.d/sluice              every shell",
        })
final class CompletionCommand implements Callable<Integer> {
    private @Nullable @Spec CommandSpec spec;

    @Override
    public Integer call() {
        CommandSpec own = Objects.requireNonNull(spec);
        own.commandLine().getOut().print(AutoComplete.bash("sluice", own.root().commandLine()));
        own.commandLine().getOut().flush();
        return ExitCode.OK.code();
    }
}
