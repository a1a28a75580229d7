package dev.sluice.bench.harness;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** The folder of one run's results: {@code BENCHMARK-YYYYMMDD-HHMMSS}, in UTC. */
final class RunFolder {
    /** The report's name in it. */
    static final String REPORT = "report.html";

    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT).withZone(ZoneOffset.UTC);

    private RunFolder() {}

    /** Writes results and report into a folder of their own, and returns it. */
    static Path write(Results results, Path output) throws IOException {
        Files.createDirectories(output);
        String name = results.benchmark() + "-" + STAMP.format(results.started());
        Path folder = create(output, name);
        ResultsFile.write(results, folder.resolve(ResultsFile.NAME));
        Files.writeString(folder.resolve(REPORT), ReportPage.of(results));
        return folder;
    }

    /** Two runs of one second get two folders. */
    private static Path create(Path output, String name) throws IOException {
        for (int i = 1; ; i++) {
            try {
                return Files.createDirectory(output.resolve(i == 1 ? name : name + "-" + i));
            } catch (FileAlreadyExistsException e) {
                if (i == 100) {
                    throw e;
                }
            }
        }
    }
}
