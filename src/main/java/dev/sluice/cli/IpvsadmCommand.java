package dev.sluice.cli;

import dev.sluice.cli.ipvsadm.Ipvsadm;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code sluice ipvsadm}: everything behind it is ipvsadm's own command line, which picocli does not look at. */
@Command(
        name = "ipvsadm",
        header = "The command line of ipvsadm: services, real servers, listings.",
        customSynopsis = "sluice ipvsadm [ipvsadm's commands and options]",
        description = {
            "",
            "Understands what ipvsadm 1.31 does, and prints what it prints: see ipvsadm(8), or sluice ipvsadm -h. "
                    + "A symbolic link named ipvsadm to sluice-ipvsadm lets scripts run unchanged.",
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice ipvsadm -Ln",
            "  sluice ipvsadm -a -t 10.0.0.100:80 -r 10.0.0.13 -g -w 2",
            "  sluice ipvsadm -S -n > rules",
            "",
            "Exit codes: ipvsadm's own; 2 also when no director answers.",
            "See also: docs/ipvsadm.md",
        })
final class IpvsadmCommand implements Callable<Integer> {
    /** The name of the command. */
    static final String NAME = "ipvsadm";

    private final Map<String, String> environment;

    @Parameters(hidden = true)
    private List<String> words = new ArrayList<>();

    private IpvsadmCommand(Map<String, String> environment) {
        this.environment = environment;
    }

    /**
     * The command with its parser.
     *
     * @param environment the environment variables
     */
    static CommandLine commandLine(Map<String, String> environment) {
        return new CommandLine(new IpvsadmCommand(environment)).setUnmatchedOptionsArePositionalParams(true);
    }

    @Override
    public Integer call() {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        return Ipvsadm.run(words, "sluice ipvsadm", System.in, out, System.err, environment);
    }
}
