package dev.sluice.bench.net;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What parts of a benchmark need that run a director, where the rest of it needs nothing. */
final class Needs {
    private Needs() {}

    /** Why a director cannot be run here and what would help, empty when it can. */
    static Optional<String> missing(Subject subject, int generatorCpu, int subjectCpu) {
        if (!isRoot()) {
            return Optional.of("it needs root");
        }
        if (generatorCpu == subjectCpu) {
            return Optional.of("--generator-cpu and --subject-cpu must differ; both are " + subjectCpu);
        }
        return subject.missing();
    }

    private static boolean isRoot() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
        } catch (IOException _) {
            return false;
        }
    }
}
