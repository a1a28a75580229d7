package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.admin.AdminSocket;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What {@code sluice reload} asks for, prints and returns. */
class ReloadCommandTest {
    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final AtomicReference<JsonNode> asked = new AtomicReference<>();

    private int reload(AdminSocket.Handler director, String... arguments) throws Exception {
        Path path = folder.resolve("s");
        CommandLine command = Main.commandLine(
                (config, source, release) -> {
                    throw new AssertionError("reload starts no director");
                },
                Map.of("SLUICE_SOCKET", path.toString()));
        command.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        try (AdminSocket _ = AdminSocket.open(path, (name, request) -> {
            assertEquals("reload", name);
            asked.set(request);
            return director.answer(name, request);
        })) {
            String[] all = new String[arguments.length + 1];
            all[0] = "reload";
            System.arraycopy(arguments, 0, all, 1, arguments.length);
            return command.execute(all);
        }
    }

    private void assertAsked(String expected) throws Exception {
        assertEquals(new ObjectMapper().readTree(expected.replace('\'', '"')), asked.get());
    }

    @Test
    void everyChangeIsALine() throws Exception {
        assertEquals(
                0,
                reload((name, request) -> Map.of(
                        "file",
                        "/etc/s.toml",
                        "changes",
                        List.of("delete service A", "add service B"),
                        "restart",
                        List.of("director.cpus differs; it takes effect with the next start"))));
        assertAsked("{'v':1,'command':'reload','dry_run':false}");
        assertEquals(
                List.of("delete service A", "add service B"),
                out.toString().lines().toList());
        assertEquals(
                "sluice: director.cpus differs; it takes effect with the next start",
                err.toString().strip());
    }

    @Test
    void whatUndoesCommandsStandsApart() throws Exception {
        assertEquals(
                0,
                reload((name, request) -> Map.of(
                        "changes",
                        List.of("edit A", "delete B", "add C"),
                        "undoes",
                        List.of("delete B"),
                        "restart",
                        List.of())));
        assertEquals(
                List.of("edit A", "add C", "undoes changes made by command:", "  delete B"),
                out.toString().lines().toList());
    }

    @Test
    void anotherFileIsNamedByItsAbsolutePath() throws Exception {
        assertEquals(
                0,
                reload(
                        (name, request) -> Map.of("file", "", "changes", List.of("edit"), "restart", List.of()),
                        "--dry-run",
                        "sluice.toml"));
        assertAsked("{'v':1,'command':'reload','dry_run':true,'config':'"
                + Path.of("sluice.toml").toAbsolutePath() + "'}");
        assertEquals(
                List.of("edit", "dry run: nothing was changed"),
                out.toString().lines().toList());
    }

    @Test
    void noChangeIsSaid() throws Exception {
        assertEquals(0, reload((name, request) -> Map.of("file", "", "changes", List.of(), "restart", List.of())));
        assertEquals("nothing to change", out.toString().strip());
    }

    @Test
    void aWrongFileIsALineForEachProblem() throws Exception {
        assertEquals(3, reload((name, request) -> {
            throw new AdminException("config", "wrong", List.of("f:1:1: no this", "f:2:1: no that"));
        }));
        assertEquals(
                List.of("sluice: f:1:1: no this", "sluice: f:2:1: no that"),
                err.toString().lines().toList());
        assertEquals("", out.toString());
    }

    @Test
    void aRefusalIsExitCodeOne() throws Exception {
        assertEquals(1, reload((name, request) -> {
            throw new AdminException("not_forwardable", "real server 10.9.9.9 is far away");
        }));
        assertEquals("sluice: real server 10.9.9.9 is far away", err.toString().strip());
    }
}
