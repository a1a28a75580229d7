package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.admin.AdminSocket;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What {@code sluice fwmark} asks for, prints and returns. */
class FwmarkCommandTest {
    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final AtomicReference<JsonNode> asked = new AtomicReference<>();

    private int fwmark(AdminSocket.Handler director, String... arguments) throws Exception {
        Path path = folder.resolve("s");
        try (AdminSocket _ = AdminSocket.open(path, (name, request) -> {
            asked.set(request);
            return director.answer(name, request);
        })) {
            return execute(path, arguments);
        }
    }

    private int execute(Path socket, String... arguments) {
        CommandLine command = Main.commandLine(
                (config, source, release) -> {
                    throw new AssertionError("fwmark starts no director");
                },
                Map.of("SLUICE_SOCKET", socket.toString()));
        command.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        List<String> all = new ArrayList<>(List.of("fwmark"));
        all.addAll(List.of(arguments));
        return command.execute(all.toArray(String[]::new));
    }

    private void assertAsked(String expected) throws Exception {
        assertEquals(new ObjectMapper().readTree(expected.replace('\'', '"')), asked.get());
    }

    @Test
    void list_shows_the_rules_in_their_order() throws Exception {
        assertEquals(
                0,
                fwmark(
                        (name, request) -> Map.of(
                                "services",
                                List.of(),
                                "fwmark",
                                List.of(
                                        Map.of("mark", 4294967295L, "destination", "fd00::/64", "ports", "0-65535"),
                                        Map.of(
                                                "mark",
                                                1,
                                                "protocol",
                                                "tcp",
                                                "destination",
                                                "10.0.0.100/32",
                                                "ports",
                                                "80",
                                                "source",
                                                "10.1.0.0/16"))),
                        "list"));
        assertAsked("{'v':1,'command':'services'}");
        assertEquals("""
                Mark       Protocol Destination              Ports       Source
                4294967295 all      fd00::/64                all         all
                1          tcp      10.0.0.100/32            80          10.1.0.0/16
                """, out.toString());
    }

    @Test
    void list_has_json_for_programs() throws Exception {
        String rules = "[{\"mark\":1,\"destination\":\"10.0.0.1/32\",\"ports\":\"80\"}]";
        JsonNode answer = new ObjectMapper().readTree("{\"services\":[],\"fwmark\":" + rules + "}");
        assertEquals(0, fwmark((name, request) -> answer, "list", "--json"));
        assertEquals(rules + "\n", out.toString());
    }

    @Test
    void add_and_delete_send_what_was_given_and_print_what_changed() throws Exception {
        assertEquals(
                0,
                fwmark(
                        (name, request) -> Map.of("changes", List.of("add fwmark rule")),
                        "add",
                        "4294967295",
                        "10.0.0.100",
                        "--ports",
                        "80-90"));
        assertAsked(
                "{'v':1,'command':'fwmark-add','rule':{'mark':4294967295,'destination':'10.0.0.100','ports':'80-90'}}");
        assertEquals("add fwmark rule\n", out.toString());
        assertEquals(
                0,
                fwmark(
                        (name, request) -> Map.of("changes", List.of("delete fwmark rule")),
                        "delete",
                        "--protocol",
                        "udp",
                        "--source",
                        "fd01::/16",
                        "7",
                        "fd00::1"));
        assertAsked("{'v':1,'command':'fwmark-delete','rule':"
                + "{'mark':7,'destination':'fd00::1','protocol':'udp','source':'fd01::/16'}}");
    }

    @Test
    void a_refusal_is_a_line_for_each_problem() throws Exception {
        assertEquals(
                1,
                fwmark(
                        (name, request) -> {
                            throw new AdminException("rule_exists", "fwmark rule 1 exists already");
                        },
                        "add",
                        "1",
                        "10.0.0.1"));
        assertEquals("sluice: fwmark rule 1 exists already\n", err.toString());
        assertEquals("", out.toString());
    }

    @Test
    void usage_errors_are_told_from_an_absent_director() {
        Path nobody = folder.resolve("nobody");
        assertEquals(2, execute(nobody));
        assertTrue(err.toString().startsWith("sluice: a command is missing\nTry: sluice fwmark --help"), err::toString);
        assertEquals(2, execute(nobody, "add", "one", "10.0.0.1"));
        assertEquals(2, execute(nobody, "add", "1"));
        err.getBuffer().setLength(0);
        assertEquals(5, execute(nobody, "list"));
        assertTrue(err.toString().startsWith("sluice: no director answers on " + nobody), err::toString);
    }
}
