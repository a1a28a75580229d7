package dev.sluice.control.preflight;

import java.util.List;

/** The machine cannot run this configuration. Carries one line for each thing that stands in the way. */
public final class EnvironmentException extends Exception {
    private static final long serialVersionUID = 1;

    private final transient List<String> problems;

    /**
     * @param problems what is wrong and what would be right, a line each, at least one
     */
    public EnvironmentException(List<String> problems) {
        super(String.join("\n", problems));
        this.problems = List.copyOf(problems);
    }

    /** At least one line. */
    public List<String> problems() {
        return problems;
    }
}
