package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

class ManPagesTest {
    private static final List<String> SECTIONS =
            List.of("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "FILES", "SEE ALSO");

    @TempDir
    private Path folder;

    private static CommandLine root() {
        return Main.commandLine((config, source, release) -> 0, Map.of());
    }

    private static Map<String, String> pages() {
        return new ManPages("2026-01-31", "1.2.3").of(root());
    }

    private static String plain(String roff) {
        return roff.replace("\\-", "-")
                .replace("\\(ti", "~")
                .replace("\\(ha", "^")
                .replace("\\e", "\\");
    }

    @Test
    void everyCommandAndEveryOptionIsInThem() {
        Map<String, String> pages = pages();
        root().getSubcommands().forEach((name, command) -> {
            if (command.getCommandSpec().usageMessage().hidden() || name.equals("help")) {
                return;
            }
            assertTrue(plain(pages.getOrDefault("sluice.8", "")).contains("sluice-" + name + "(8)"), name);
            if (!name.equals("ipvsadm")) {
                String page = plain(pages.getOrDefault("sluice-" + name + ".8", ""));
                assertTrue(page.contains("sluice-" + name + " - "), () -> "no page of " + name);
                assertHolds(page, command);
            }
        });
        assertTrue(!pages.containsKey("sluice-man-pages.8"), "a page of what is not for users");
    }

    private static void assertHolds(String page, CommandLine command) {
        for (OptionSpec option : command.getCommandSpec().options()) {
            for (String name : option.names()) {
                assertTrue(page.contains(name), () -> command.getCommandName() + " " + name);
            }
        }
        command.getCommandSpec()
                .positionalParameters()
                .forEach(parameter -> assertTrue(
                        page.contains(parameter.paramLabel()),
                        () -> command.getCommandName() + " " + parameter.paramLabel()));
        command.getSubcommands().forEach((name, below) -> {
            assertTrue(page.contains(command.getCommandName() + " " + name), name);
            assertHolds(page, below);
        });
    }

    @Test
    void everyPageHasItsSections() {
        pages().forEach((name, page) -> {
            List<String> headings = page.lines()
                    .filter(line -> line.startsWith(".SH "))
                    .map(line -> line.substring(".SH ".length()).replace("\"", ""))
                    .toList();
            assertTrue(headings.containsAll(SECTIONS), () -> name + " has " + headings);
            assertEquals(headings.stream().distinct().count(), headings.size(), () -> name + ": " + headings);
        });
    }

    @Test
    void exitCodesAreThoseOfTheProgram() {
        String page = plain(pages().getOrDefault("sluice.8", ""));
        Arrays.stream(ExitCode.values())
                .forEach(code ->
                        assertTrue(page.contains("\\fB" + code.code() + "\\fR\n"), () -> "exit code " + code.code()));
    }

    /** By mandoc's linter and by groff, of which man(1) is made. */
    @Test
    void toolsFindNothingToSay() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/mandoc")), "mandoc is not installed");
        List<Path> files = new ArrayList<>();
        for (Map.Entry<String, String> page : pages().entrySet()) {
            files.add(Files.writeString(folder.resolve(page.getKey()), page.getValue()));
        }
        files.add(manual("sluice.toml", "5", "docs/configuration.md"));
        files.add(manual("sluice-ipvsadm", "8", "docs/ipvsadm.md"));
        for (Path file : files) {
            assertEquals("", said("mandoc", "-Tlint", "-Wwarning", file.toString()), file::toString);
            assertEquals(
                    "",
                    said("sh", "-c", "man --warnings -E UTF-8 -l -Tutf8 -Z '" + file + "' 2>&1 >/dev/null"),
                    file::toString);
        }
    }

    private Path manual(String name, String section, String source) throws Exception {
        Path file = folder.resolve(name + "." + section);
        Files.writeString(file, said("src/main/deb/manual", name, section, "what it is", source));
        assertTrue(Files.size(file) > 5000, file::toString);
        return file;
    }

    private static String said(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        return said;
    }

    @Test
    void everyKeyOfTheConfigurationIsInItsPage() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/lowdown")), "lowdown is not installed");
        String page = plain(Files.readString(manual("sluice.toml", "5", "docs/configuration.md")));
        List<String> keys = Files.readAllLines(Path.of("docs/configuration.md")).stream()
                .filter(line -> line.startsWith("| `"))
                .flatMap(line -> Arrays.stream(line.split("\\|", 3)[1].split(",", -1)))
                .map(key -> key.replace("`", "").strip())
                .toList();
        assertTrue(keys.size() > 80, keys::toString);
        keys.forEach(key -> assertTrue(page.contains(key), key));
    }
}
