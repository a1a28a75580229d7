package dev.sluice.cli;

import dev.sluice.control.Leftovers;
import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.snat.SourceNat;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice release}. */
@Command(
        name = "release",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Remove the XDP programs that stopped or killed directors left.",
        description = {
            "",
            "A director that ends leaves its steering program attached, so that no client of a VIP meets the kernel's "
                    + "resets until the next director runs. Where there is to be no next one, this gives the interfaces "
                    + "back to the kernel. Other XDP programs stay. Refused while a director runs on one of the interfaces.",
        },
        parameterListHeading = "%nParameters:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice release /etc/sluice.toml   the interfaces of a configuration",
            "  sluice release --interface eth1",
            "",
            "Needs root: the kernel tells only CAP_SYS_ADMIN whose program is attached.",
            "Exit codes: 0 nothing is left, 2 usage, 3 configuration, 4 a director runs there, or refused by the machine.",
            "See also: sluice run --release, docs/operations.md",
        })
final class ReleaseCommand implements Callable<Integer> {
    private @Nullable @Spec CommandSpec spec;

    @Option(
            names = {"-i", "--interface"},
            paramLabel = "IF",
            description = "An interface; may be given several times.")
    private List<String> interfaces = List.of();

    @Parameters(paramLabel = "CONFIG", arity = "0..1", description = "A configuration, for the interfaces it names.")
    private @Nullable Path config;

    @Override
    public Integer call() throws Exception {
        Set<String> wanted = new LinkedHashSet<>(interfaces);
        if (config != null) {
            wanted.addAll(ConfigFile.load(config).director().interfaces());
        }
        if (wanted.isEmpty()) {
            throw new ParameterException(
                    Objects.requireNonNull(spec).commandLine(), "which interfaces? name them, or a configuration");
        }
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        for (Map.Entry<String, List<String>> entry :
                Leftovers.remove(List.copyOf(wanted)).entrySet()) {
            for (String program : entry.getValue()) {
                out.println(entry.getKey() + ": removed XDP program " + program);
            }
            if (SourceNat.remove(entry.getKey())) {
                out.println(entry.getKey() + ": removed source NAT of real servers' own connections");
            }
            if (entry.getValue().isEmpty()) {
                out.println(entry.getKey() + ": no XDP program of a director");
            }
        }
        return ExitCode.OK.code();
    }
}
