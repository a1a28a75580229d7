package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.control.admin.AdminSocket;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.HealthStats;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class HealthCommandTest {
    static final HealthStats READING = new HealthStats(
            new HealthStats.Progress(2, 3, 1, 4711, 0.25, 12),
            List.of(
                    new HealthStats.Service(
                            "TCP",
                            "10.0.0.100",
                            80,
                            "inet",
                            "remove",
                            30,
                            new HealthStats.Quorum(false, 3, 1, 2, "2026-11-21T10:00:00.100Z"),
                            new HealthStats.Sorry("10.0.0.99", 80, true),
                            List.of(
                                    new HealthStats.RealServer(
                                            "10.0.0.11",
                                            80,
                                            2,
                                            0,
                                            false,
                                            "up",
                                            "2026-11-21T09:00:00Z",
                                            "begins as up",
                                            false,
                                            List.of(
                                                    check("tcp", true, "connected", 3, 40),
                                                    check("http", true, "status 200", 12, 40)),
                                            List.of()),
                                    new HealthStats.RealServer(
                                            "10.0.0.12",
                                            80,
                                            5,
                                            0,
                                            false,
                                            "down",
                                            "2026-11-21T10:00:00Z",
                                            "tcp: connection refused",
                                            true,
                                            List.of(check("tcp", false, "connection refused", 1, 7)),
                                            List.of(
                                                    new HealthStats.Change(
                                                            "2026-11-21T09:30:00.5Z", true, "tcp: connected"),
                                                    new HealthStats.Change(
                                                            "2026-11-21T10:00:00Z",
                                                            false,
                                                            "tcp: connection refused"))))),
                    new HealthStats.Service(
                            "FWM",
                            "7",
                            0,
                            "inet6",
                            "quiesce",
                            30,
                            new HealthStats.Quorum(true, 1, 0, 8, "2026-11-21T09:00:00Z"),
                            null,
                            List.of(new HealthStats.RealServer(
                                    "fd00::11", 0, 8, 3, true, "unchecked", "", "", false, List.of(), List.of())))));

    private static HealthStats.Check check(String type, boolean up, String result, long durationMs, int streak) {
        return new HealthStats.Check(
                type,
                type,
                up,
                up,
                result,
                "2026-11-21T10:00:05Z",
                durationMs,
                streak,
                up ? streak : 0,
                up ? 0 : streak);
    }

    @TempDir
    Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(HealthStats health, String... options) throws Exception {
        Path path = folder.resolve("s");
        DirectorStats stats = new DirectorStats("1", 1, 1, 1, List.of(), Map.of(), List.of(), List.of(), health);
        CommandLine command = Main.commandLine(
                (config, file, release) -> {
                    throw new AssertionError("health starts no director");
                },
                Map.of("SLUICE_SOCKET", path.toString()));
        command.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        String[] args = new String[options.length + 1];
        args[0] = "health";
        System.arraycopy(options, 0, args, 1, options.length);
        try (AdminSocket _ = AdminSocket.open(path, (asked, request) -> stats)) {
            return command.execute(args);
        }
    }

    @Test
    void aLineForEachRealServerAndEachOfSeveralChecks() throws Exception {
        assertEquals(0, run(READING), err::toString);
        assertEquals("""
                SERVICE            REAL SERVER           WEIGHT  STATE                            SINCE                 LAST RESULT
                TCP 10.0.0.100:80  10.0.0.11:80          2       up, not in service               2026-11-21T09:00:00Z
                                     tcp                         up                                                     tcp: connected (3 ms, 40 in a row)
                                     http                        up                                                     http: status 200 (12 ms, 40 in a row)
                TCP 10.0.0.100:80  10.0.0.12:80          5       DOWN, flapping                   2026-11-21T10:00:00Z  tcp: connection refused (1 ms, 7 in a row)
                TCP 10.0.0.100:80  10.0.0.99:80 (sorry)  2 of 3  NO QUORUM, sorry server in use   2026-11-21T10:00:00Z
                FWM 7 IPv6         [fd00::11]:0          3 of 8  unchecked
                FWM 7 IPv6         (quorum)              8 of 1  quorum                           2026-11-21T09:00:00Z

                2 real servers checked by 3 checks, 4711 made, 1 running; they begin 0.3 ms late, at most 12 ms
                """.lines().map(line -> line.replaceAll(" +", " ")).toList(), lines());
    }

    private List<String> lines() {
        return out.toString().lines().map(line -> line.replaceAll(" +", " ")).toList();
    }

    @Test
    void historyStandsBelow() throws Exception {
        assertEquals(0, run(READING, "--history"), err::toString);
        assertEquals(
                List.of(
                        " up 2026-11-21T09:30:00Z tcp: connected",
                        " DOWN 2026-11-21T10:00:00Z tcp: connection refused"),
                lines().subList(5, 7));
    }

    @Test
    void theExitCodeIsForScripts() throws Exception {
        assertEquals(6, run(READING, "--exit-code"));
        HealthStats healthy =
                new HealthStats(READING.progress(), READING.services().subList(1, 2));
        assertEquals(0, run(healthy, "--exit-code"));
        assertEquals(0, run(new HealthStats(READING.progress(), List.of()), "--exit-code"));
    }

    @Test
    void jsonIsAllOfIt() throws Exception {
        assertEquals(6, run(READING, "--json", "--exit-code"));
        assertEquals(READING, new ObjectMapper().readValue(out.toString(), HealthStats.class));
    }
}
