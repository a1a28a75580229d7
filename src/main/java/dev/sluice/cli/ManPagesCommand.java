package dev.sluice.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice man-pages}, for those who make packages. */
@Command(
        name = "man-pages",
        hidden = true,
        mixinStandardHelpOptions = true,
        header = "Write the manual pages of all commands.",
        description = {"", "SOURCE_DATE_EPOCH is their date, the epoch without it."},
        parameterListHeading = "%nParameters:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = "  SOURCE_DATE_EPOCH=1767225600 sluice man-pages usr/share/man/man8")
final class ManPagesCommand implements Callable<Integer> {
    private @Nullable @Spec CommandSpec spec;

    @Parameters(paramLabel = "DIRECTORY", description = "Where to; it must be there.")
    private Path directory = Path.of("");

    @Override
    public Integer call() throws IOException {
        CommandSpec own = Objects.requireNonNull(spec);
        Map<String, String> pages = new ManPages(date(System.getenv()), EntryPoint.ownVersion())
                .of(own.root().commandLine());
        for (Map.Entry<String, String> page : pages.entrySet()) {
            Files.writeString(directory.resolve(page.getKey()), page.getValue());
            own.commandLine().getOut().println(page.getKey());
        }
        own.commandLine().getOut().flush();
        return ExitCode.OK.code();
    }

    private static String date(Map<String, String> environment) {
        long seconds = Long.parseLong(environment.getOrDefault("SOURCE_DATE_EPOCH", "0"));
        return LocalDate.ofInstant(Instant.ofEpochSecond(seconds), ZoneOffset.UTC)
                .toString();
    }
}
