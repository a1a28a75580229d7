package dev.sluice.bench.net;

import dev.sluice.bench.harness.Run;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Options of benchmarks in which subjects take turns. */
final class SubjectOptions {
    @Option(
            names = "--subjects",
            split = ",",
            paramLabel = "NAME",
            description = "who is measured, with commas between (${DEFAULT-VALUE})")
    private List<String> subjects;

    @Option(names = "--rounds", paramLabel = "N", description = "turns of each subject (${DEFAULT-VALUE})")
    private int rounds;

    @Option(names = "--seconds", paramLabel = "S", description = "length of a measurement (${DEFAULT-VALUE})")
    private double seconds;

    @Option(
            names = "--warm-up",
            defaultValue = "3",
            paramLabel = "S",
            description = "traffic before each measurement (${DEFAULT-VALUE})")
    private double warmUp;

    @Option(
            names = "--java-options",
            defaultValue = "",
            paramLabel = "OPTIONS",
            description = "JVM options for the director, as SLUICE_JAVA_OPTS")
    private String javaOptions = "";

    @Option(
            names = "--loop-options",
            split = " ",
            paramLabel = "OPTIONS",
            description = "further options of the loop in C, with spaces between: \"--busy-poll 64\"")
    private List<String> loopOptions = List.of();

    /** With what holds where the command line says nothing. */
    SubjectOptions(List<String> subjects, int rounds, double seconds) {
        this.subjects = subjects;
        this.rounds = rounds;
        this.seconds = seconds;
    }

    int rounds() {
        return rounds;
    }

    double seconds() {
        return seconds;
    }

    double warmUp() {
        return warmUp;
    }

    /** Throws {@link IllegalArgumentException} for values that cannot be. */
    void check() {
        if (rounds < 1 || !(seconds > 0) || !(warmUp >= 0)) {
            throw new IllegalArgumentException("--rounds and --seconds must be above 0, --warm-up 0 or more");
        }
    }

    /**
     * Those subjects that can do what is asked; of the others a remark says why they are left out.
     *
     * @param furtherJavaOptions for the director, beside those of the command line
     */
    List<Subject> present(Run run, Topology.Shape shape, Scenario scenario, String furtherJavaOptions) {
        List<Subject> present = new ArrayList<>();
        for (Subject subject :
                Subjects.named(subjects, (javaOptions + " " + furtherJavaOptions).strip(), loopOptions)) {
            Optional<String> missing = subject.missing().or(() -> subject.unfit(shape, scenario));
            if (missing.isPresent()) {
                run.remark(subject.name() + " is left out: " + missing.get());
            } else {
                present.add(subject);
            }
        }
        return present;
    }
}
