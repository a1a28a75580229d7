package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Completion in shells that somebody types into. */
class CompletionCommandTest {
    @TempDir
    private Path folder;

    @BeforeEach
    void aDirectorThatListsItsRules() throws Exception {
        Path stub = folder.resolve("sluice");
        Files.writeString(stub, """
                #!/bin/sh
                [ "$*" = "ipvsadm -Sn" ] || exit 1
                echo '-A -t 10.0.0.100:80 -s wrr'
                echo '-a -t 10.0.0.100:80 -r 10.0.0.11:80 -g -w 1'
                echo '-A -t [fd00:51::100]:80 -s wrr'
                """);
        Files.setPosixFilePermissions(stub, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(folder.resolve("director.toml"), "");
    }

    private static String script(String... arguments) {
        StringWriter out = new StringWriter();
        CommandLine command = Main.commandLine((config, source, release) -> 0, Map.of());
        command.setOut(new PrintWriter(out));
        assertEquals(0, command.execute(arguments));
        return out.toString();
    }

    /** What a shell shows after two presses of the tabulator. */
    private String tab(String shell, String text) throws Exception {
        Path script = folder.resolve(shell.equals("zsh") ? "_sluice" : "bash-completion");
        Files.writeString(script, script("completion", "--shell", shell));
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of("src/test/scripts/press-tab").toAbsolutePath().toString(),
                        shell,
                        script.toString(),
                        text)
                .directory(folder.toFile())
                .redirectErrorStream(true);
        builder.environment().put("PATH", folder + ":" + System.getenv("PATH"));
        Process process = builder.start();
        process.getOutputStream().close();
        String shown = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(40, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue(), shown);
        return shown;
    }

    private static boolean isThere(String shell) {
        return Files.isExecutable(Path.of("/usr/bin", shell)) || Files.isExecutable(Path.of("/bin", shell));
    }

    @ParameterizedTest
    @ValueSource(strings = {"bash", "zsh"})
    void commandsOptionsFilesAndWhatTheDirectorHas(String shell) throws Exception {
        assumeTrue(isThere(shell), shell + " is not installed");
        assertContains(tab(shell, "sluice re"), "release", "reload", "real-server");
        assertContains(tab(shell, "sluice relo"), "sluice reload ");
        assertContains(tab(shell, "sluice run --"), "--config", "--socket", "--release");
        assertContains(tab(shell, "sluice check dir"), "sluice check director.toml");
        assertContains(tab(shell, "sluice release --interface l"), "--interface lo");
        assertContains(tab(shell, "sluice real-server setup --vip "), "10.0.0.100", "fd00:51::100");
    }

    private static void assertContains(String shown, String... wanted) {
        for (String each : wanted) {
            assertTrue(shown.contains(each), () -> "no \"" + each + "\" in:\n" + shown);
        }
    }

    /** Every command that is not hidden is offered. */
    @Test
    void noCommandIsLeftOut() {
        String script = script("completion");
        List<String> commands =
                Main.commandLine((config, source, release) -> 0, Map.of()).getSubcommands().entrySet().stream()
                        .filter(entry -> !entry.getValue()
                                .getCommandSpec()
                                .usageMessage()
                                .hidden())
                        .map(Map.Entry::getKey)
                        .toList();
        String offered = script.lines()
                .filter(line -> line.startsWith("  local commands=\"run "))
                .findFirst()
                .orElseThrow();
        commands.forEach(command ->
                assertTrue(offered.matches(".*[\" ]" + command + "[\" ].*"), () -> command + " is not in " + offered));
        assertTrue(!offered.contains("man-pages"), offered);
    }
}
