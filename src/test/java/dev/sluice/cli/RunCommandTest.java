package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.control.config.ConfigException;
import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.preflight.EnvironmentException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** How failures become lines and exit codes, and where the admin socket comes from. */
class RunCommandTest {
    private final StringWriter err = new StringWriter();

    private int failed(Exception failure) {
        return new ErrorOutput(false).failed(failure, new PrintWriter(err, true));
    }

    @Test
    void aRefusalIsALineForEachProblem() {
        assertEquals(4, failed(new EnvironmentException(List.of("no this", "no that"))));
        assertEquals(
                List.of("sluice: no this", "sluice: no that"),
                err.toString().lines().toList());
    }

    @Test
    void anythingElseIsOneLine() {
        assertEquals(1, failed(new IOException("first\n\tsecond\n")));
        assertEquals(1, failed(new IllegalStateException()));
        assertEquals(
                List.of("sluice: first second", "sluice: IllegalStateException (SLUICE_DEBUG=1 shows where)"),
                err.toString().lines().toList());
    }

    @ParameterizedTest
    @CsvSource({
        ",, /run/sluice/sluice.sock",
        "/e,, /e",
        ", /o, /o",
        "/e, /o, /o",
    })
    void socketPrecedence(String environment, String option, String expected) throws ConfigException {
        RunCommand command = new RunCommand(
                (config, file, release) -> 0, environment == null ? Map.of() : Map.of("SLUICE_SOCKET", environment));
        CommandLine line = new CommandLine(command);
        line.parseArgs(option == null ? new String[] {"-c", "x"} : new String[] {"-c", "x", "--socket", option});
        assertEquals(
                Path.of(expected),
                command.arguments()
                        .overridden(ConfigFile.load(Path.of("docs/examples/sluice.toml")))
                        .director()
                        .socket());
    }
}
