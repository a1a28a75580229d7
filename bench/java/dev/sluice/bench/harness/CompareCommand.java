package dev.sluice.bench.harness;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows two runs side by side. */
@Command(
        name = "compare",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Shows two runs side by side: medians, whether their spreads overlap, targets that changed, and what was different.",
            "Exit code 0 whatever the figures: it is for people to judge them."
        })
final class CompareCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "A", description = "folder of a run, or its results.json")
    private Path first = Path.of(".");

    @Parameters(index = "1", paramLabel = "B", description = "the other one, whose figures are held against those of A")
    private Path second = Path.of(".");

    @Option(names = "--html", paramLabel = "FILE", description = "writes the comparison as a page as well")
    private @Nullable Path html;

    @Override
    public Integer call() throws Exception {
        Comparison comparison = Comparison.of(ResultsFile.read(first), ResultsFile.read(second));
        System.out.print(ComparePage.text(comparison));
        if (html != null) {
            Files.writeString(html, ComparePage.html(first.toString(), second.toString(), comparison));
        }
        return 0;
    }
}
