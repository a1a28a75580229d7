package dev.sluice.bench.harness;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Draws a run's report again from its results. */
@Command(
        name = "report",
        mixinStandardHelpOptions = true,
        description = "Draws the report of a run again, from its results.")
final class ReportCommand implements Callable<Integer> {
    @Parameters(
            paramLabel = "FOLDER",
            description = "of the run, or its results.json; report.html is written beside it")
    private Path run = Path.of(".");

    @Override
    public Integer call() throws Exception {
        Results results = ResultsFile.read(run);
        Path file = Files.isDirectory(run) ? run.resolve(RunFolder.REPORT) : run.resolveSibling(RunFolder.REPORT);
        Files.writeString(file, ReportPage.of(results));
        System.out.println(file);
        return 0;
    }
}
