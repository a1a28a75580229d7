package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Command lines that are understood without picocli mean what picocli takes them for; the others are left to it. */
class RunArgumentsTest {
    private static final Map<String, String> ENVIRONMENT = Map.of("SLUICE_SOCKET", "/run/e.sock");

    private static RunArguments byPicocli(String line, Map<String, String> environment) {
        String[] words = line.split(" ", -1);
        RunCommand command = new RunCommand((_, _, _) -> 0, environment);
        new CommandLine(command).parseArgs(Arrays.copyOfRange(words, 1, words.length));
        return command.arguments();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "run --config a.toml",
                "run -c a.toml",
                "run --config=a.toml",
                "run --config a.toml --release",
                "run --release -c /etc/sluice.toml --socket /s",
                "run --socket=s --config a=b.toml",
                "run --config=a=b.toml",
                "run --config a.toml --log-level debug",
                "run --log-format=json --log-level error --config a.toml",
            })
    void theSameAsByPicocli(String line) {
        for (Map<String, String> environment : List.of(Map.<String, String>of(), ENVIRONMENT)) {
            assertEquals(
                    Optional.of(byPicocli(line, environment)), RunArguments.parse(line.split(" ", -1), environment));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "check a.toml",
                "run",
                "run --release",
                "run --config",
                "run --config=",
                "run --config a.toml more",
                "run --config a.toml --config b.toml",
                "run --config a.toml --release --release",
                "run --config a.toml --release=false",
                "run --config a.toml --help",
                "run --config --release",
                "run -ca.toml",
                "run --conf a.toml",
                "run --config \"a.toml\"",
                "run @arguments",
                "run --config @a.toml",
                "run --config a.toml --",
                "run --config a.toml --log-level loud",
                "run --config a.toml --log-level",
                "run --config a.toml --log-format json --log-format text",
            })
    void whatIsWrongOrUnusualIsLeftToPicocli(String line) {
        assertEquals(Optional.empty(), RunArguments.parse(line.split(" ", -1), Map.of()));
    }

    @Test
    void aSocketPathTooLongForTheKernelIsLeftToPicocli() {
        String longPath = "/" + "s".repeat(107);
        assertEquals(
                Optional.empty(), RunArguments.parse(new String[] {"run", "-c", "a", "--socket", longPath}, Map.of()));
        assertEquals(
                Optional.of(new RunArguments(
                        Path.of("a"), Path.of(longPath.substring(0, 100)), false, new LogArguments(null, null))),
                RunArguments.parse(new String[] {"run", "-c", "a", "--socket", longPath.substring(0, 100)}, Map.of()));
    }
}
