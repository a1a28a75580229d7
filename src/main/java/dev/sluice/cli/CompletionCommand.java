package dev.sluice.cli;

import java.io.PrintWriter;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice completion}. */
@Command(
        name = "completion",
        mixinStandardHelpOptions = true,
        header = "Print a completion script for bash or zsh.",
        description = {
            "",
            "The script completes commands, options, file names, network interfaces, and the VIPs and real servers of the "
                    + "director that runs.",
        },
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  . <(sluice completion)                                          this shell, bash or zsh",
            "  sluice completion > /etc/bash_completion.d/sluice              every bash",
            "  sluice completion --shell zsh > /usr/local/share/zsh/site-functions/_sluice",
        })
final class CompletionCommand implements Callable<Integer> {
    /** The shells that take scripts by the name of a file. */
    enum Shell {
        bash,
        zsh
    }

    /** What values of options are, for the shell to find out: picocli knows only those that never change. */
    private static final Map<String, String> CANDIDATES = Map.of(
            "--interface", "_sluice_interfaces",
            "--vip", "_sluice_vips",
            "--real", "_sluice_rips",
            "--rip", "_sluice_rips");

    /** An option whose value picocli cannot complete: {@code '-i'|'--interface')}, and a return. */
    private static final Pattern OPEN_VALUE = Pattern.compile("(    ('-.*')\\)\n      )return\n");

    private static final Pattern LONG_NAME = Pattern.compile("'(--[a-z-]+)'");

    /** The rules of ipvsadm are the listing that is quickest to be had. */
    private static final String FUNCTIONS = """

            # What only the machine and the director that runs can tell.
            function _sluice_interfaces() {
              printf '%s\\n' /sys/class/net/* | sed 's|.*/||'
            }

            function _sluice_vips() {
              sluice ipvsadm -Sn 2>/dev/null | sed -nE 's/^-A -. \\[?([0-9a-f.:]+)\\]?:[0-9]+ .*/\\1/p' | sort -u
            }

            function _sluice_rips() {
              sluice ipvsadm -Sn 2>/dev/null | sed -nE 's/^-a .* -r \\[?([0-9a-f.:]+)\\]?:[0-9]+ .*/\\1/p' | sort -u
            }
            """;

    /** For a file that zsh loads at the first completion, which is then still to be done. */
    private static final String ZSH_FIRST = """

            _bash_complete -o default -F _complete_sluice
            """;

    private @Nullable @Spec CommandSpec spec;

    @Option(
            names = "--shell",
            paramLabel = "SHELL",
            description = "bash: a script for both; zsh: one for a file _sluice in fpath. bash by default.")
    private Shell shell = Shell.bash;

    @Override
    public Integer call() {
        CommandSpec own = Objects.requireNonNull(spec);
        PrintWriter out = own.commandLine().getOut();
        if (shell == Shell.zsh) {
            out.println("#compdef sluice");
        }
        out.print(open(AutoComplete.bash("sluice", own.root().commandLine())));
        out.print(FUNCTIONS);
        if (shell == Shell.zsh) {
            out.print(ZSH_FIRST);
        }
        out.flush();
        return ExitCode.OK.code();
    }

    /** The script, with values that are looked for when they are wanted. */
    private static String open(String script) {
        return OPEN_VALUE.matcher(script).replaceAll(option -> {
            Matcher name = LONG_NAME.matcher(option.group(2));
            String function = name.find() ? CANDIDATES.get(name.group(1)) : null;
            return Matcher.quoteReplacement(
                    function == null
                            ? option.group()
                            : option.group(1) + "COMPREPLY=( $(compgen -W \"$(" + function
                                    + ")\" -- \"${curr_word}\") )\n      return\n");
        });
    }
}
