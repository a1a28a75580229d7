package dev.sluice.cli;

import dev.sluice.control.preflight.MachineFacts;
import dev.sluice.ffi.NativeLibraries;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice version}. */
@Command(
        name = "version",
        mixinStandardHelpOptions = true,
        header = "Print the versions of Sluice and of what it runs on.",
        description = {"", "One line each for Sluice, Java, the kernel, libxdp and libbpf: what a bug report needs."},
        optionListHeading = "%nOptions:%n")
final class VersionCommand implements Callable<Integer> {
    private @Nullable @Spec CommandSpec spec;

    @Override
    public Integer call() {
        lines().forEach(Objects.requireNonNull(spec).commandLine().getOut()::println);
        return ExitCode.OK.code();
    }

    /** The same for {@code --version}. */
    static final class Provider implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return lines().toArray(String[]::new);
        }
    }

    private static List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add("sluice " + EntryPoint.ownVersion());
        lines.add("java " + Runtime.version() + " " + System.getProperty("java.vendor"));
        lines.add("linux " + MachineFacts.ofThisMachine().kernelRelease() + " " + System.getProperty("os.arch"));
        for (String soname : NativeLibraries.SONAMES) {
            String name = soname.substring(0, soname.indexOf(".so"));
            lines.add(name + " "
                    + NativeLibraries.file(soname).map(Path::toString).orElse("not found (" + soname + ")"));
        }
        return lines;
    }
}
