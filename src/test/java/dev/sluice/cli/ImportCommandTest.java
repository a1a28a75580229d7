package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.config.ConfigFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What {@code sluice import} prints and returns. */
class ImportCommandTest {
    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        CommandLine command = Main.commandLine(
                (config, source, release) -> {
                    throw new AssertionError("import starts no director");
                },
                Map.of());
        command.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        return command.execute(arguments);
    }

    private String write(String text) throws IOException {
        return Files.writeString(folder.resolve("keepalived.conf"), text).toString();
    }

    private static String server(String line) {
        return "virtual_server 10.0.0.100 80 {\n" + line + "\nreal_server 10.0.0.11 80 {\nlvs_method DR\n}\n}\n";
    }

    @Test
    void whatCanBeCarriedOverIs() throws Exception {
        Path result = folder.resolve("sluice.toml");
        assertEquals(
                0, run("import", "--interfaces", "eth1,eth2", "-o", result.toString(), write(server("lb_algo rr"))));
        assertEquals("", out.toString() + err);
        assertEquals(2, ConfigFile.load(result).director().interfaces().size());
        assertEquals(0, run("import", "--interfaces=eth1", "--interfaces=eth2", write(server("lb_algo rr"))));
        assertEquals(Files.readString(result), out.toString());
    }

    @Test
    void whatCannotIsNamedAndTellsInTheExitCode() throws Exception {
        String file = write(server("ha_suspend"));
        assertEquals(7, run("import", "--interfaces", "eth1", file));
        assertEquals(
                "sluice: " + file + ":2: ha_suspend: checks go on, whatever addresses this host has\n", err.toString());
        assertTrue(out.toString().contains("address = \"10.0.0.100:80\""), out.toString());
    }

    @Test
    void aResultThatHasToBeFinishedIsSaidToBe() throws Exception {
        assertEquals(7, run("import", write(server(""))));
        assertTrue(err.toString().contains("interfaces = [...] names no interface"), err.toString());
    }

    @Test
    void aFileThatCannotBeReadIsNamed() {
        assertEquals(3, run("import", folder.toString()));
        assertEquals(3, run("import", folder + "/none"));
        assertEquals(
                "sluice: " + folder + ": cannot be read: is a directory\nsluice: " + folder
                        + "/none: cannot be read: no such file\n",
                err.toString());
    }
}
