package dev.sluice.control.config;

import java.util.List;
import java.util.stream.Collectors;

/** A configuration file cannot be used. Carries everything that is wrong with it, in the order of the file. */
public final class ConfigException extends Exception {
    private static final long serialVersionUID = 1;

    private final transient List<ConfigProblem> problems;

    ConfigException(List<ConfigProblem> problems) {
        super(problems.stream().map(ConfigProblem::toString).collect(Collectors.joining("\n")));
        this.problems = List.copyOf(problems);
    }

    /** At least one, sorted by position. */
    public List<ConfigProblem> problems() {
        return problems;
    }
}
