package dev.sluice.cli;

import dev.sluice.control.admin.AdminException;
import dev.sluice.control.config.ConfigException;
import dev.sluice.control.config.ConfigProblem;
import dev.sluice.control.preflight.EnvironmentException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;

/** Turns failures into lines {@code sluice: …} on standard error, one for each problem, and an exit code. */
final class ErrorOutput {
    private final boolean debug;

    /**
     * @param debug whether stack traces are wanted
     */
    ErrorOutput(boolean debug) {
        this.debug = debug;
    }

    /** As the environment wants it: {@code SLUICE_DEBUG=1} for stack traces. */
    static ErrorOutput of(Map<String, String> environment) {
        return new ErrorOutput("1".equals(environment.get("SLUICE_DEBUG")));
    }

    /** A command that threw. */
    int failed(Exception failure, PrintWriter err) {
        switch (failure) {
            case ConfigException config ->
                print(
                        err,
                        config.problems().stream().map(ConfigProblem::toString).toList());
            case EnvironmentException environment -> print(err, environment.problems());
            case AdminException admin when !admin.problems().isEmpty() -> print(err, admin.problems());
            default -> print(err, List.of(oneLine(failure)));
        }
        if (debug) {
            failure.printStackTrace(err);
        }
        err.flush();
        return switch (failure) {
            case ConfigException config -> ExitCode.CONFIG.code();
            case EnvironmentException environment -> ExitCode.ENVIRONMENT.code();
            case AdminException admin when admin.code().equals(AdminException.CONFIG) -> ExitCode.CONFIG.code();
            case AdminException admin when admin.isUnreachable() -> ExitCode.NO_DIRECTOR.code();
            default -> ExitCode.FAILURE.code();
        };
    }

    static void print(PrintWriter err, List<String> problems) {
        problems.forEach(problem -> err.println("sluice: " + problem));
    }

    static String oneLine(Throwable failure) {
        String message = failure.getMessage();
        return message == null || message.isBlank()
                ? failure.getClass().getSimpleName() + " (SLUICE_DEBUG=1 shows where)"
                : message.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
