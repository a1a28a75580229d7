package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * A health check as LVS guides have it, a shell script that greps the listings of {@code ipvsadm} and adds and deletes real servers,
 * keeps a service alive through a real server's death and return. {@code ipvsadm} is a symbolic link, all else is unchanged.
 */
class GuideScriptIT {
    @Test
    void the_service_lives_on_when_a_real_server_dies() throws IOException {
        try (DirectorLab lab = DirectorLab.up()) {
            LabFixture.Director director =
                    lab.fixture().startDirector(new ConfigText(lab.fixture(), "eth1").toString());
            Path bin = Files.createDirectory(lab.fixture().state().resolve("bin"));
            Files.createSymbolicLink(
                    bin.resolve("ipvsadm"), Path.of(System.getProperty("sluice.home"), "bin", "sluice-ipvsadm"));
            Path log = lab.fixture().state().resolve("guide.log");
            List<String> command = new ArrayList<>(List.of(
                    "env",
                    "PATH=" + bin + ":" + System.getenv("PATH"),
                    "SLUICE_SOCKET=" + lab.fixture().socket(),
                    "src/test/scripts/health-guide",
                    VIP4,
                    "80"));
            command.addAll(RIPS4);
            Process guide = lab.fixture().start(log, "director", command.toArray(String[]::new));
            try {
                await(log, "alive 3");
                try (Requests requests = Requests.start(lab.fixture(), VIP4)) {
                    assertEquals(Map.of("rs1", 20, "rs2", 20, "rs3", 20), answers(requests));
                    lab.on("rs1", "sh", "-c", "kill -TERM $(cat " + pid(lab) + ")");
                    await(log, "removed 10.0.0.11");
                    assertEquals(Map.of("rs2", 30, "rs3", 30), answers(requests));
                    lab.on(
                            "rs1",
                            "nginx",
                            "-e",
                            pid(lab).resolveSibling("error.log").toString(),
                            "-c",
                            pid(lab).resolveSibling("nginx.conf").toString());
                    awaitCount(log, "added 10.0.0.11", 2);
                    assertEquals(Map.of("rs1", 20, "rs2", 20, "rs3", 20), answers(requests));
                    // Those that met the dead real server before the script did.
                    requests.end();
                }
            } finally {
                end(guide);
            }
            List<String> said = Files.readAllLines(log);
            assertEquals(0, director.stop(), director::log);
            assertTrue(
                    said.stream().allMatch(line -> line.matches("(added|removed) 10[.0-9]+|alive [0-3]")),
                    said::toString);
        }
    }

    /** Ends the script and what it waits for, so that nothing of it meets a director that is gone. */
    private static void end(Process guide) {
        List<ProcessHandle> all = new ArrayList<>(guide.descendants().toList());
        all.add(guide.toHandle());
        all.forEach(ProcessHandle::destroyForcibly);
        all.forEach(process -> process.onExit().join());
    }

    private static Path pid(DirectorLab lab) {
        return lab.fixture().state().resolve("rs1").resolve("nginx.pid");
    }

    /** Who answers sixty requests that begin from now on, none of which fails. */
    private static Map<String, Integer> answers(Requests requests) {
        int from = requests.awaitMore(2);
        requests.awaitMore(60);
        return Topology.count(requests.answers().subList(from, from + 60));
    }

    private static void await(Path log, String line) throws IOException {
        awaitCount(log, line, 1);
    }

    private static void awaitCount(Path log, String line, int count) throws IOException {
        long deadlineNs = System.nanoTime() + 60_000_000_000L;
        while (!Files.exists(log)
                || Files.readAllLines(log).stream().filter(line::equals).count() < count) {
            assertTrue(System.nanoTime() < deadlineNs, () -> "never said: " + line);
            DirectorLab.pause(100);
        }
    }
}
