package dev.sluice.it;

import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.testing.LabFixture;
import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The start-up cache is used where it fits and passed over in silence where it does not; a warm-up leaves no trace. */
class StartIT {
    private static final String CACHE = "/lib/sluice.aot";

    private static DirectorLab lab;

    /** What can be wrong with a cache. */
    enum Fault {
        NONE,
        MISSING,
        EMPTY,
        CUT_SHORT,
        GARBAGE,
        JAR_TOUCHED
    }

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    /** The distribution somewhere else, with a cache made there. */
    private static Path distribution(Path folder) {
        Path home = folder.resolve("sluice");
        NetworkNamespace.runHere("cp", "-a", System.getProperty("sluice.home"), home.toString());
        NetworkNamespace.runHere("env", "SLUICE_JAVA=" + java(), home + "/bin/sluice-cache", "sluice");
        return home;
    }

    private static String java() {
        return System.getProperty("java.home") + "/bin/java";
    }

    private static void spoil(Path home, Fault fault) throws IOException {
        Path cache = Path.of(home + CACHE);
        byte[] whole = Files.readAllBytes(cache);
        switch (fault) {
            case NONE -> {
                // As it was made.
            }
            case MISSING -> Files.delete(cache);
            case EMPTY -> Files.write(cache, new byte[0]);
            case CUT_SHORT -> Files.write(cache, java.util.Arrays.copyOf(whole, whole.length / 2));
            case GARBAGE -> Files.writeString(cache, "no cache\n".repeat(1000));
            case JAR_TOUCHED -> {
                try (var files = Files.list(home.resolve("lib"))) {
                    for (Path jar : files.filter(
                                    file -> file.getFileName().toString().startsWith("sluice-"))
                            .toList()) {
                        Files.setLastModifiedTime(jar, FileTime.fromMillis(1_000_000_000_000L));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aCacheIsUsedWhereItFitsAndAnyOtherIsPassedOverInSilence(Fault fault, @TempDir Path folder) throws Exception {
        Path home = distribution(folder);
        spoil(home, fault);
        Path log = folder.resolve("director.log");
        Process director = lab.fixture()
                .start(
                        log,
                        "director",
                        home + "/bin/sluice",
                        "run",
                        "--release",
                        "--config",
                        lab.write(lab.allServices()).toString());
        RestartIT.awaitLog(log, "ready: ");
        boolean mapped =
                Files.readString(Path.of("/proc/" + director.pid() + "/maps")).contains(home + CACHE);
        lab.assertServes();
        director.destroy();
        assertTrue(director.waitFor(20, TimeUnit.SECONDS));
        assertEquals(0, director.exitValue());
        assertEquals(fault == Fault.NONE, mapped, () -> "maps of the director, " + fault);
        List<String> lines = Files.readAllLines(log);
        assertTrue(lines.stream().allMatch(line -> line.contains(" INFO ")), () -> "more than its own log: " + lines);
    }

    @Test
    void aWarmUpLeavesNoTrace() {
        LabFixture.Director director = lab.fixture().startDirector(lab.allServices("warm_up_ms = 300"), "--release");
        DirectorStats before = lab.stats();
        before.outcomes().forEach((name, count) -> assertEquals(0, count, name));
        before.services().forEach(service -> assertEquals(0, service.traffic().connections(), service::toString));
        assertEquals(0, DirectorLab.worker(before, "rx_packets"));
        assertEquals(0, DirectorLab.worker(before, "tx_packets"));
        assertEquals(0, DirectorLab.worker(before, "connections"));
        assertEquals(0, DirectorLab.worker(before, "tx_kick_errors"));
        assertEquals(3, lab.ask("tcp", VIP4, 80, 3).size());
        DirectorStats after = lab.atRest();
        DirectorLab.assertNothingLost(after);
        assertTrue(DirectorLab.outcome(after, Counter.FORWARDED) > 0);
        assertFalse(director.log().contains("warm-up"), director.log());
        assertEquals(0, director.stop());
    }

    @Test
    void aDirectorStartsWithoutAWarmUp() {
        LabFixture.Director director = lab.fixture().startDirector(lab.allServices("warm_up_ms = 0"), "--release");
        lab.assertServes();
        assertEquals(0, director.stop());
    }
}
